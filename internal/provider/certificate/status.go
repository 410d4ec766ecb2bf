// SPDX-License-Identifier: MPL-2.0

package certificate

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
)

// What becomes of a hostname's certificate.
const (
	statusValid   = "valid"
	statusExpired = "expired"
	statusMissing = "missing"
)

type status struct {
	Status  types.String `tfsdk:"status"`
	Issuer  types.String `tfsdk:"issuer"`
	Expires types.String `tfsdk:"expires"`
}

// StatusType is the type of an element of the attribute certificates.
var StatusType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"status": types.StringType, "issuer": types.StringType, "expires": types.StringType,
}}

// StatusValue is the attribute certificates; null for none.
func StatusValue(ctx context.Context, found map[string]deploy.Certificate, now time.Time) (types.Map, diag.Diagnostics) {
	if found == nil {
		return types.MapNull(StatusType), nil
	}
	out := make(map[string]status, len(found))
	for host, c := range found {
		if c.Missing() {
			out[host] = status{Status: types.StringValue(statusMissing), Issuer: types.StringNull(), Expires: types.StringNull()}
			continue
		}
		s := statusValid
		if now.After(c.Expires) {
			s = statusExpired
		}
		out[host] = status{Status: types.StringValue(s), Issuer: types.StringValue(c.Issuer), Expires: types.StringValue(c.Expires.UTC().Format(time.RFC3339))}
	}
	return types.MapValueFrom(ctx, StatusType, out)
}
