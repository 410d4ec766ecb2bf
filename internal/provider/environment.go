// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

// checkEnvironment holds values from environment variables to the rules of the
// attributes that they stand in for.
func checkEnvironment(ctx context.Context) diag.Diagnostics {
	var diags diag.Diagnostics
	for name, rule := range map[string]validator.String{
		envEngine:      stringvalidator.OneOf(engineDocker, engineSwarm),
		envAddress:     validate.HostAddress(),
		envStoragePath: validate.StoragePath(),
		envSubnetPool:  validate.SubnetPool(),
		envPlacement:   stringvalidator.OneOf(string(placement.Spread), string(placement.Pack)),
	} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		var resp validator.StringResponse
		rule.ValidateString(ctx, validator.StringRequest{Path: path.Root(name), ConfigValue: types.StringValue(value)}, &resp)
		for _, d := range resp.Diagnostics {
			diags.AddError(d.Summary(), fmt.Sprintf("Environment variable %s: %s", name, d.Detail()))
		}
	}
	return diags
}
