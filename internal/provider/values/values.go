// SPDX-License-Identifier: MPL-2.0

// Package values turns Terraform's values into plain ones and back, for
// attributes that several resources have. What is empty becomes null, as if it
// had never been written.
package values

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Sorted are the strings of a set that is known, nil when there are none.
func Sorted(ctx context.Context, set types.Set, diags *diag.Diagnostics) []string {
	var out []string
	if len(set.Elements()) > 0 {
		diags.Append(set.ElementsAs(ctx, &out, false)...)
		slices.Sort(out)
	}
	return out
}

// SetOrNull is a set of strings, null when there are none.
func SetOrNull(ctx context.Context, strings []string, diags *diag.Diagnostics) types.Set {
	if len(strings) == 0 {
		return types.SetNull(types.StringType)
	}
	set, d := types.SetValueFrom(ctx, types.StringType, strings)
	diags.Append(d...)
	return set
}

// PortOrNull is a port, null when it is 0.
func PortOrNull(port int) types.Int64 {
	if port == 0 {
		return types.Int64Null()
	}
	return types.Int64Value(int64(port))
}
