// SPDX-License-Identifier: MPL-2.0

// Package credentials is the ephemeral resource portal_credentials: the
// generated secrets of a portal, for other providers to store.
package credentials

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

// openTimeout bounds how long reading the secrets may take.
const openTimeout = 2 * time.Minute

var _ ephemeral.EphemeralResourceWithConfigure = (*credentials)(nil)

type credentials struct {
	client *client.Client
}

// model is the ephemeral resource as Terraform has it.
type model struct {
	Portal types.String `tfsdk:"portal"`
	Values types.Map    `tfsdk:"values"`
}

// NewEphemeralResource makes the ephemeral resource portal_credentials.
func NewEphemeralResource() ephemeral.EphemeralResource { return &credentials{} }

// Metadata names the ephemeral resource.
func (c *credentials) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_credentials"
}

// Schema describes the attributes.
func (c *credentials) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The passwords and keys that were generated for a portal, to hand them to other providers. They are read when Terraform needs them, and are in no plan and no state. Needs Terraform 1.10.",
		Attributes: map[string]schema.Attribute{
			"portal": schema.StringAttribute{
				MarkdownDescription: "Name of the portal.",
				Required:            true,
				Validators:          []validator.String{validate.PortalName()},
			},
			"values": schema.MapAttribute{
				MarkdownDescription: "The secrets, by the names that the blueprint gives them. The built-in blueprint has, among others, `admin-password`, `mysql-root`, `mysql-password`, `mongo-password`, `redis-password`, `rabbitmq-password` and `restic-password`.",
				Computed:            true,
				Sensitive:           true,
				ElementType:         types.StringType,
			},
		},
	}
}

// Configure takes over the configured provider.
func (c *credentials) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	configured, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	c.client = configured
}

// Open reads the secrets. While the provider's hosts are unknown, which is only
// so in a plan, the secrets are as well.
func (c *credentials) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var data model
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !c.client.Ready() {
		data.Values = types.MapUnknown(types.StringType)
		resp.Diagnostics.Append(resp.Result.Set(ctx, &data)...)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()

	name := data.Portal.ValueString()
	secrets, err := c.client.Deployer.Credentials(ctx, name)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(name, "reading its credentials", err))
		return
	}
	values, diags := types.MapValueFrom(ctx, types.StringType, secrets)
	resp.Diagnostics.Append(diags...)
	data.Values = values
	resp.Diagnostics.Append(resp.Result.Set(ctx, &data)...)
}
