// SPDX-License-Identifier: MPL-2.0

package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// complete fills in the computed attributes of a planned gateway, as far as they
// are known before anything happens, and notes it for the portals of the same
// run. prior is the state, nil for a gateway to be created; c is nil while the
// configuration is validated.
func (m *model) complete(ctx context.Context, c *client.Client, prior *model) diag.Diagnostics {
	m.ID = m.Name
	m.Instances = types.MapUnknown(instanceType)
	m.Addresses = types.ListUnknown(types.StringType)
	m.Certificates = types.MapUnknown(certificate.StatusType)
	if c != nil && !m.Name.IsUnknown() {
		c.Planned.SetGateway(m.Name.ValueString(), nil)
	}
	if !m.known(ctx) {
		return nil
	}
	spec, diags := m.spec(ctx)
	if diags.HasError() || c == nil {
		return diags
	}
	c.Planned.SetGateway(spec.Name, &spec)
	if !spec.TLS.On() {
		m.Certificates = types.MapNull(certificate.StatusType)
	}
	if !c.Ready() {
		return diags
	}
	summary, err := c.Deployer.GatewaySummary(spec)
	if err != nil {
		diags.Append(problems(spec.Name, err)...)
		return diags
	}
	diags.Append(m.setInstances(ctx, summary)...)
	m.keep(prior)
	return diags
}

// keep takes over what stays as it is while nothing of it changes.
func (m *model) keep(prior *model) {
	if prior == nil {
		return
	}
	if m.Hosts.Equal(prior.Hosts) && len(m.Instances.Elements()) == len(prior.Instances.Elements()) {
		m.Addresses = prior.Addresses
	}
	if m.TLS.Equal(prior.TLS) && !m.TLS.IsNull() {
		m.Certificates = prior.Certificates
	}
}

// problems turns an error of the domain into diagnostics, each at the attribute
// that causes it.
func problems(name string, err error) diag.Diagnostics {
	var found blueprint.Problems
	if !errors.As(err, &found) {
		return diag.Diagnostics{client.GatewayFailure(name, "plan", err)}
	}
	var diags diag.Diagnostics
	for _, p := range found {
		if p.Attribute == "" {
			diags.AddError(p.Summary, p.Detail)
			continue
		}
		diags.AddAttributeError(attributePath(p.Attribute), p.Summary, p.Detail)
	}
	return diags
}

func attributePath(name string) path.Path {
	if rest, nested := strings.CutPrefix(name, "tls."); nested {
		return certificate.Path(rest)
	}
	return path.Root(name)
}

// settle turns a plan that was carried out into a state: what was unknown is
// filled in from the result, and what was known stays.
func (m *model) settle(ctx context.Context, result deploy.Gateway) diag.Diagnostics {
	planned := *m
	diags := m.observe(ctx, result)
	if !planned.Addresses.IsUnknown() {
		m.Addresses = planned.Addresses
	}
	if !planned.Certificates.IsUnknown() {
		m.Certificates = planned.Certificates
	}
	if !planned.Instances.IsUnknown() {
		m.Instances = planned.Instances
	}
	return diags
}
