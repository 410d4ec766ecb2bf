// SPDX-License-Identifier: MPL-2.0

// Package provider is Terraform's side: the provider block, and in a folder
// each, the resources and data sources.
package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	portalaction "github.com/privateportals/terraform-provider-portal/internal/provider/action"
	"github.com/privateportals/terraform-provider-portal/internal/provider/backup"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/credentials"
	"github.com/privateportals/terraform-provider-portal/internal/provider/gateway"
	"github.com/privateportals/terraform-provider-portal/internal/provider/hosts"
	"github.com/privateportals/terraform-provider-portal/internal/provider/override"
	"github.com/privateportals/terraform-provider-portal/internal/provider/portal"
	"github.com/privateportals/terraform-provider-portal/internal/provider/service"
	"github.com/privateportals/terraform-provider-portal/internal/provider/task"
)

// typeName is the provider's name, and that of its main resource.
const typeName = "portal"

var (
	_ provider.ProviderWithEphemeralResources = (*portalProvider)(nil)
	_ provider.ProviderWithActions            = (*portalProvider)(nil)
)

type portalProvider struct {
	version string
	connect connector
}

// connector makes what works on the portals of a configuration. It does no
// network I/O: hosts are dialled when they are first used.
type connector func(cfg config, version string) (client.Deployer, error)

// New returns the maker of the provider.
func New(version string) func() provider.Provider {
	return newWith(version, connect)
}

func newWith(version string, c connector) func() provider.Provider {
	return func() provider.Provider {
		return &portalProvider{version: version, connect: c}
	}
}

// Metadata names the provider.
func (p *portalProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = typeName
	resp.Version = p.version
}

// Schema describes the provider block.
func (p *portalProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerSchema()
}

// Configure makes the host pool, once for all resources. While a value is
// unknown, because it comes from something that is still to be made, hosts
// cannot be asked: Terraform may put the portals off, or plan them as far as
// that goes without a host.
func (p *portalProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	c := &client.Client{StoragePath: m.storagePath()}
	resp.ResourceData = c
	resp.DataSourceData = c
	resp.EphemeralResourceData = c
	resp.ActionData = c

	if !req.Config.Raw.IsFullyKnown() {
		if req.ClientCapabilities.DeferralAllowed {
			resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
		}
		return
	}
	cfg, diags := m.config(ctx)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	d, err := p.connect(cfg, p.version)
	if err != nil {
		resp.Diagnostics.AddError("The provider's hosts are not configured well", err.Error())
		return
	}
	c.Deployer = d
}

// Resources lists the resources.
func (p *portalProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		portal.NewResource, gateway.NewResource, override.NewResource, service.NewResource, task.NewResource, backup.NewResource,
	}
}

// DataSources lists the data sources.
func (p *portalProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{portal.NewDataSource, portal.NewListDataSource, backup.NewListDataSource, hosts.NewDataSource}
}

// EphemeralResources lists the ephemeral resources.
func (p *portalProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{credentials.NewEphemeralResource}
}

// Actions lists the actions.
func (p *portalProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{portalaction.NewTaskRun, portalaction.NewRestart, portalaction.NewRestore}
}
