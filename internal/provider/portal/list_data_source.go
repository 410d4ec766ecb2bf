// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

var _ datasource.DataSourceWithConfigure = (*listDataSource)(nil)

// listDataSource lists all portals of the pool.
type listDataSource struct {
	client *client.Client
}

type listModel struct {
	Portals types.Map `tfsdk:"portals"`
}

// found is an element of the attribute portals.
type found struct {
	Host  types.String `tfsdk:"host"`
	Stack types.Map    `tfsdk:"stack"`
}

var foundType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"host":  types.StringType,
	"stack": types.MapType{ElemType: summaryType},
}}

// NewListDataSource makes the data source portal_portals. It cannot be named
// portals: Terraform takes the provider's name from the part before the first
// underscore, and would look for a provider of that name.
func NewListDataSource() datasource.DataSource { return &listDataSource{} }

// Metadata names the data source.
func (d *listDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_portals"
}

// Schema describes the attributes.
func (d *listDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "All portals that have containers on the provider's hosts, whoever made them.",
		Attributes: map[string]schema.Attribute{
			"portals": schema.MapNestedAttribute{
				MarkdownDescription: "The portals, by name.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"host":  computedText("Name of the host that runs it."),
					"stack": stackDataAttribute(),
				}},
			},
		},
	}
}

// Configure takes over the configured provider.
func (d *listDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	d.client = c
}

// Read lists the portals. One that goes away meanwhile is left out.
func (d *listDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	if !d.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("The data source portal_portals"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()

	names, err := d.client.Deployer.Portals(ctx)
	if err != nil {
		resp.Diagnostics.AddError("The portals could not be listed", err.Error())
		return
	}
	portals := make(map[string]found, len(names))
	for _, name := range names {
		result, exists, err := d.client.Deployer.Read(ctx, name)
		if err != nil {
			resp.Diagnostics.Append(client.Failure(name, "read", err))
			return
		}
		if !exists {
			continue
		}
		value, diags := stackValue(ctx, result.Services)
		resp.Diagnostics.Append(diags...)
		portals[name] = found{Host: textOrNull(result.Host), Stack: value}
	}
	value, diags := types.MapValueFrom(ctx, foundType, portals)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &listModel{Portals: value})...)
}
