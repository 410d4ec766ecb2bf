// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// addEntrance adds how visitors get to the portal to its specification.
func (m model) addEntrance(ctx context.Context, spec *stack.Spec) diag.Diagnostics {
	var diags diag.Diagnostics
	spec.Aliases = sortedStrings(ctx, m.Aliases, &diags)
	spec.Redirects = sortedStrings(ctx, m.Redirects, &diags)
	spec.TrustedProxies = sortedStrings(ctx, m.Proxies, &diags)
	spec.HTTPPort = int(m.HTTPPort.ValueInt64())
	spec.HTTPSPort = int(m.HTTPSPort.ValueInt64())
	spec.Gateway = m.Gateway.ValueString()
	spec.Maintenance = m.Maintenance.ValueBool()
	tls, d := certificate.Spec(ctx, m.TLS)
	diags.Append(d...)
	spec.TLS = tls
	return diags
}

// setEntrance is the way back, as an import needs it.
func (m *model) setEntrance(ctx context.Context, spec stack.Spec, diags *diag.Diagnostics) {
	m.Aliases = setOrNull(ctx, spec.Aliases, diags)
	m.Redirects = setOrNull(ctx, spec.Redirects, diags)
	m.Proxies = setOrNull(ctx, spec.TrustedProxies, diags)
	m.HTTPPort = portOrNull(spec.HTTPPort)
	m.HTTPSPort = portOrNull(spec.HTTPSPort)
	m.Gateway = textOrNull(spec.Gateway)
	m.Maintenance = types.BoolValue(spec.Maintenance)
	m.TLS = certificate.Value(ctx, spec.TLS, diags)
}

func sortedStrings(ctx context.Context, set types.Set, diags *diag.Diagnostics) []string {
	var out []string
	if len(set.Elements()) > 0 {
		diags.Append(set.ElementsAs(ctx, &out, false)...)
		slices.Sort(out)
	}
	return out
}

func setOrNull(ctx context.Context, values []string, diags *diag.Diagnostics) types.Set {
	if len(values) == 0 {
		return types.SetNull(types.StringType)
	}
	set, d := types.SetValueFrom(ctx, types.StringType, values)
	diags.Append(d...)
	return set
}

func portOrNull(port int) types.Int64 {
	if port == 0 {
		return types.Int64Null()
	}
	return types.Int64Value(int64(port))
}
