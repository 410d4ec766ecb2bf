// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"path"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// complete fills in the computed attributes of a planned portal, as far as
// they are known before anything happens. The stack is the one that apply will
// bring about, so a plan shows service by service what changes; it is returned,
// nil while it is not known.
//
// prior is the state, nil for a portal to be created. c is nil while the
// configuration is validated.
func (m *model) complete(ctx context.Context, config model, prior *model, c *client.Client) (*stack.Stack, diag.Diagnostics) {
	var storagePath string
	if c != nil {
		storagePath = c.StoragePath
	}
	m.ID = m.Name
	m.StudioDomain = plannedStudioDomain(config)
	m.Directory = plannedDirectory(m.Name, storagePath)
	m.Host, m.Placement = config.Host, types.StringUnknown()
	if config.Host.IsNull() {
		m.Host = types.StringUnknown()
	}
	m.Addresses = types.ListUnknown(types.StringType)
	m.Stack = types.MapUnknown(summaryType)
	m.URL = types.StringUnknown()
	m.StudioURL = types.StringUnknown()
	m.Hostnames = types.SetUnknown(types.StringType)
	m.Certificates = types.MapUnknown(certificate.StatusType)

	if storagePath == "" || !m.known(ctx) {
		return nil, nil
	}
	spec, desired, diags := m.desired(ctx, config, c)
	if diags.HasError() || desired == nil {
		return nil, diags
	}
	diags.Append(m.planHost(ctx, config, prior, c, spec, desired)...)
	m.planDNS(prior)
	value, d := stackValue(ctx, stack.Summarize(desired))
	diags.Append(d...)
	m.Stack = value
	hostnames, d := types.SetValueFrom(ctx, types.StringType, ingress.Hostnames(desired))
	diags.Append(d...)
	m.Hostnames = hostnames
	m.completeAddresses(spec, desired, prior)
	m.completeCertificates(spec, prior)
	return desired, diags
}

// desired is the configuration in the domain's terms, and the stack that it
// asks for; that is nil, without an error, while the portal's gateway is not known.
// The model must be known.
func (m model) desired(ctx context.Context, config model, c *client.Client) (stack.Spec, *stack.Stack, diag.Diagnostics) {
	spec, diags := m.spec(ctx)
	if diags.HasError() {
		return spec, nil, diags
	}
	if spec.Gateway != "" {
		var d diag.Diagnostics
		spec.Front, d = c.Front(ctx, spec.Gateway)
		diags.Append(d...)
		if spec.Front == nil {
			return spec, nil, diags
		}
	}
	spec.Host = config.Host.ValueString()
	desired, err := blueprint.Build(ctx, spec, blueprint.Options{StoragePath: c.StoragePath})
	if err != nil {
		diags.Append(problems(spec.Name, err)...)
		return spec, nil, diags
	}
	desired.Host = m.Host.ValueString() // empty while it is not known
	return spec, desired, diags
}

// completeAddresses plans the URLs. A port that Docker chooses stays as it is
// while the service that publishes it is left alone, and is unknown otherwise.
func (m *model) completeAddresses(spec stack.Spec, desired *stack.Stack, prior *model) {
	entrance := spec.Entrance()
	publishing := publishers(desired)
	switch {
	case entrance.Port != 0:
		m.setAddresses(entrance)
	case len(publishing) == 0:
		m.URL, m.StudioURL = types.StringNull(), types.StringNull()
	case m.samePlace(prior) && m.sameSummaries(prior, publishing) && m.sameDomains(prior):
		m.URL = prior.URL
		m.StudioURL = prior.StudioURL
	}
}

// completeCertificates plans what becomes of certificates: they stay while nothing
// of them changes, and are unknown otherwise.
func (m *model) completeCertificates(spec stack.Spec, prior *model) {
	switch {
	case !spec.TLS.On():
		m.Certificates = types.MapNull(certificate.StatusType)
	case prior != nil && m.TLS.Equal(prior.TLS) && m.Hostnames.Equal(prior.Hostnames):
		m.Certificates = prior.Certificates
	}
}

func (m *model) sameDomains(prior *model) bool {
	return m.Domain.Equal(prior.Domain) && m.StudioDomain.Equal(prior.StudioDomain)
}

// sameSummaries tells whether none of the services is to change.
func (m *model) sameSummaries(prior *model, services []string) bool {
	before, after := prior.Stack.Elements(), m.Stack.Elements()
	for _, name := range services {
		if before[name] == nil || after[name] == nil || !before[name].Equal(after[name]) {
			return false
		}
	}
	return true
}

// plannedStudioDomain is what is configured, or else follows from the domain.
func plannedStudioDomain(config model) types.String {
	switch {
	case !config.StudioDomain.IsNull():
		return config.StudioDomain
	case config.Domain.IsUnknown():
		return types.StringUnknown()
	default:
		return types.StringValue(studioDomain(config.Domain.ValueString()))
	}
}

func plannedDirectory(name types.String, storagePath string) types.String {
	if name.IsUnknown() || storagePath == "" {
		return types.StringUnknown()
	}
	return types.StringValue(path.Join(storagePath, name.ValueString()))
}
