// SPDX-License-Identifier: MPL-2.0

package gateway

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/provider/values"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// model is the resource as Terraform has it.
type model struct {
	ID           types.String   `tfsdk:"id"`
	Name         types.String   `tfsdk:"name"`
	Hosts        types.Set      `tfsdk:"hosts"`
	Image        types.String   `tfsdk:"image"`
	HTTPPort     types.Int64    `tfsdk:"http_port"`
	HTTPSPort    types.Int64    `tfsdk:"https_port"`
	RelayPort    types.Int64    `tfsdk:"relay_port"`
	TLS          types.Object   `tfsdk:"tls"`
	Proxies      types.Set      `tfsdk:"trusted_proxies"`
	OnDestroy    types.String   `tfsdk:"on_destroy"`
	Timeouts     timeouts.Value `tfsdk:"timeouts"`
	Addresses    types.List     `tfsdk:"addresses"`
	Certificates types.Map      `tfsdk:"certificates"`
	Instances    types.Map      `tfsdk:"instances"`
}

// instance is an element of the attribute instances.
type instance struct {
	Image  types.String `tfsdk:"image"`
	Digest types.String `tfsdk:"digest"`
	Status types.String `tfsdk:"status"`
}

var instanceType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"image": types.StringType, "digest": types.StringType, "status": types.StringType,
}}

// known tells whether everything that the gateway is made from is known.
func (m model) known(ctx context.Context) bool {
	return member.Known(ctx, m.Name, m.Hosts, m.Image, m.HTTPPort, m.HTTPSPort, m.RelayPort, m.TLS, m.Proxies, m.OnDestroy)
}

// spec is the configuration in the domain's terms. The model must be known.
func (m model) spec(ctx context.Context) (stack.GatewaySpec, diag.Diagnostics) {
	out := stack.GatewaySpec{
		Name:      m.Name.ValueString(),
		Image:     m.Image.ValueString(),
		HTTPPort:  int(m.HTTPPort.ValueInt64()),
		HTTPSPort: int(m.HTTPSPort.ValueInt64()),
		RelayPort: int(m.RelayPort.ValueInt64()),
		OnDestroy: m.onDestroy(),
	}
	var diags diag.Diagnostics
	out.Hosts = values.Sorted(ctx, m.Hosts, &diags)
	out.TrustedProxies = values.Sorted(ctx, m.Proxies, &diags)
	tls, d := certificate.Spec(ctx, m.TLS)
	diags.Append(d...)
	out.TLS = tls
	return out, diags
}

// onDestroy is what to do with the files; retain when in doubt.
func (m model) onDestroy() stack.OnDestroy {
	if m.OnDestroy.ValueString() == "" {
		return stack.Retain
	}
	return stack.OnDestroy(m.OnDestroy.ValueString())
}

// setSpec fills the configuration from the domain's terms, as an import needs it.
func (m *model) setSpec(ctx context.Context, spec stack.GatewaySpec) diag.Diagnostics {
	var diags diag.Diagnostics
	m.ID, m.Name = types.StringValue(spec.Name), types.StringValue(spec.Name)
	m.Image = member.TextOrNull(spec.Image)
	m.HTTPPort, m.HTTPSPort, m.RelayPort = values.PortOrNull(spec.HTTPPort), values.PortOrNull(spec.HTTPSPort), values.PortOrNull(spec.RelayPort)
	m.Hosts, m.Proxies = values.SetOrNull(ctx, spec.Hosts, &diags), values.SetOrNull(ctx, spec.TrustedProxies, &diags)
	m.TLS = certificate.Value(ctx, spec.TLS, &diags)
	m.OnDestroy = types.StringValue(string(spec.OnDestroy))
	m.Timeouts = member.NoTimeouts()
	return diags
}

// observe puts what runs into a state.
func (m *model) observe(ctx context.Context, g deploy.Gateway) diag.Diagnostics {
	diags := m.setInstances(ctx, g.Instances)
	addresses, d := types.ListValueFrom(ctx, types.StringType, append([]string{}, g.Addresses...))
	diags.Append(d...)
	m.Addresses = addresses
	certificates, d := certificate.StatusValue(ctx, g.Certificates, time.Now())
	diags.Append(d...)
	m.Certificates = certificates
	return diags
}

func (m *model) setInstances(ctx context.Context, found map[string]stack.Summary) diag.Diagnostics {
	out := make(map[string]instance, len(found))
	for host, s := range found {
		out[host] = instance{Image: types.StringValue(s.Image), Digest: types.StringValue(s.Digest), Status: types.StringValue(s.Status)}
	}
	value, diags := types.MapValueFrom(ctx, instanceType, out)
	m.Instances = value
	return diags
}
