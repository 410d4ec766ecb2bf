// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/values"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// addEntrance adds how visitors get to the portal to its specification.
func (m model) addEntrance(ctx context.Context, spec *stack.Spec) diag.Diagnostics {
	var diags diag.Diagnostics
	spec.Aliases = values.Sorted(ctx, m.Aliases, &diags)
	spec.Redirects = values.Sorted(ctx, m.Redirects, &diags)
	spec.TrustedProxies = values.Sorted(ctx, m.Proxies, &diags)
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
	m.Aliases = values.SetOrNull(ctx, spec.Aliases, diags)
	m.Redirects = values.SetOrNull(ctx, spec.Redirects, diags)
	m.Proxies = values.SetOrNull(ctx, spec.TrustedProxies, diags)
	m.HTTPPort = values.PortOrNull(spec.HTTPPort)
	m.HTTPSPort = values.PortOrNull(spec.HTTPSPort)
	m.Gateway = textOrNull(spec.Gateway)
	m.Maintenance = types.BoolValue(spec.Maintenance)
	m.TLS = certificate.Value(ctx, spec.TLS, diags)
}
