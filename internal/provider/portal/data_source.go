// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

var _ datasource.DataSourceWithConfigure = (*dataSource)(nil)

// dataSource reads one portal, whoever made it.
type dataSource struct {
	client *client.Client
}

// dataModel is the data source as Terraform has it.
type dataModel struct {
	Name         types.String `tfsdk:"name"`
	Domain       types.String `tfsdk:"domain"`
	StudioDomain types.String `tfsdk:"studio_domain"`
	Hostnames    types.Set    `tfsdk:"hostnames"`
	Gateway      types.String `tfsdk:"gateway"`
	Blueprint    types.String `tfsdk:"blueprint"`
	Images       types.Map    `tfsdk:"images"`
	Addons       types.Set    `tfsdk:"addons"`
	OnDestroy    types.String `tfsdk:"on_destroy"`
	Host         types.String `tfsdk:"host"`
	Addresses    types.List   `tfsdk:"addresses"`
	Directory    types.String `tfsdk:"directory"`
	URL          types.String `tfsdk:"url"`
	StudioURL    types.String `tfsdk:"studio_url"`
	Stack        types.Map    `tfsdk:"stack"`
}

// NewDataSource makes the data source portal.
func NewDataSource() datasource.DataSource { return &dataSource{} }

// Metadata names the data source like the provider itself.
func (d *dataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName
}

// Schema describes the attributes.
func (d *dataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A portal that exists on the provider's hosts, whoever made it: how it is configured, read from its manifest on the shared drive, and what runs.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "The portal's name.",
				Required:            true,
				Validators:          []validator.String{validate.PortalName()},
			},
			"domain":        computedText("Hostname that learners use."),
			"studio_domain": computedText("Hostname that course authors use."),
			"hostnames": schema.SetAttribute{
				MarkdownDescription: "All hostnames of the portal: those two, its aliases and redirects, and those of add-ons.",
				Computed:            true,
				ElementType:         types.StringType,
			},
			"gateway":   computedText("Name of the gateway that it is behind. Null without one."),
			"blueprint": computedText("Path to the Compose file it was made from. Null for the built-in blueprint."),
			"images": schema.MapAttribute{
				MarkdownDescription: "Images that were given, by role.",
				Computed:            true,
				ElementType:         types.StringType,
			},
			"addons": schema.SetAttribute{
				MarkdownDescription: "Optional services that are turned on.",
				Computed:            true,
				ElementType:         types.StringType,
			},
			"on_destroy": computedText("What becomes of its directory when it is destroyed: `retain`, `archive` or `delete`."),
			"host":       computedText("Name of the host that runs it."),
			"addresses": schema.ListAttribute{
				MarkdownDescription: addressesDescription,
				Computed:            true,
				ElementType:         types.StringType,
			},
			"directory":  computedText("Its directory on the shared drive."),
			"url":        computedText("Where learners reach it."),
			"studio_url": computedText("Where course authors reach it."),
			"stack":      stackDataAttribute(),
		},
	}
}

// Configure takes over the configured provider.
func (d *dataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	d.client = c
}

// Read looks the portal up.
func (d *dataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var data dataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !d.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("The data source portal"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()

	name := data.Name.ValueString()
	spec, result, err := d.client.Deployer.Import(ctx, name)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(name, "read", err))
		return
	}
	m, diags := importedModel(ctx, spec, result, d.client.StoragePath)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &dataModel{
		Name:         m.Name,
		Domain:       m.Domain,
		StudioDomain: m.StudioDomain,
		Hostnames:    m.Hostnames,
		Gateway:      m.Gateway,
		Blueprint:    m.Blueprint,
		Images:       m.Images,
		Addons:       m.Addons,
		OnDestroy:    m.OnDestroy,
		Host:         m.Host,
		Addresses:    m.Addresses,
		Directory:    m.Directory,
		URL:          m.URL,
		StudioURL:    m.StudioURL,
		Stack:        m.Stack,
	})...)
}

func computedText(description string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: description, Computed: true}
}

func stackDataAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: "What runs, by service and task.",
		Computed:            true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"image": computedText("Image it runs."),
			"replicas": schema.Int64Attribute{
				MarkdownDescription: "Number of containers.",
				Computed:            true,
			},
			"digest": computedText("Fingerprint of its whole definition."),
			"status": computedText("`running` for a service and `ready` for a task when all is well, otherwise what is wrong, in words."),
		}},
	}
}
