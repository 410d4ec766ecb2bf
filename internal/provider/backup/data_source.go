// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

// listTimeout bounds how long listing may take: a repository elsewhere may be
// slow to answer.
const listTimeout = 5 * time.Minute

var _ datasource.DataSourceWithConfigure = (*listDataSource)(nil)

// listDataSource lists the backups of a portal.
type listDataSource struct {
	client *client.Client
}

type listModel struct {
	Portal   types.String `tfsdk:"portal"`
	Schedule types.String `tfsdk:"schedule"`
	Backups  types.List   `tfsdk:"backups"`
}

// snapshot is an element of the attribute backups.
type snapshot struct {
	ID     types.String `tfsdk:"id"`
	Portal types.String `tfsdk:"portal"`
	Time   types.String `tfsdk:"time"`
	Bytes  types.Int64  `tfsdk:"bytes"`
}

var snapshotType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"id":     types.StringType,
	"portal": types.StringType,
	"time":   types.StringType,
	"bytes":  types.Int64Type,
}}

// NewListDataSource makes the data source portal_backups.
func NewListDataSource() datasource.DataSource { return &listDataSource{} }

// Metadata names the data source.
func (d *listDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_backups"
}

// Schema describes the attributes.
func (d *listDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The backups of a portal that are in a repository and can be restored.",
		Attributes: map[string]schema.Attribute{
			"portal": schema.StringAttribute{
				MarkdownDescription: "Name of the portal.",
				Required:            true,
				Validators:          []validator.String{validate.PortalName()},
			},
			"schedule": schema.StringAttribute{
				MarkdownDescription: "Name of the `portal_backup_schedule` whose repository to look into. Default: the repository in the portal's `backups/` on the shared drive.",
				Optional:            true,
				Validators:          []validator.String{validate.MemberName()},
			},
			"backups": schema.ListNestedAttribute{
				MarkdownDescription: "The backups, the oldest first. Empty before the first one.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":     text("Id of the snapshot, as the action `portal_restore` takes it."),
					"portal": text("Portal that it is of."),
					"time":   text("When it was made, in UTC."),
					"bytes": schema.Int64Attribute{
						MarkdownDescription: "Size of what it holds.",
						Computed:            true,
					},
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

// Read lists the snapshots.
func (d *listDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var data listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !d.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("The data source portal_backups"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()

	task := ""
	if !data.Schedule.IsNull() {
		task = TaskName(data.Schedule.ValueString())
	}
	portal := data.Portal.ValueString()
	backups, err := d.client.Deployer.Backups(ctx, portal, task)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(portal, "listing its backups", err))
		return
	}
	value, diags := types.ListValueFrom(ctx, snapshotType, snapshotsOf(backups))
	resp.Diagnostics.Append(diags...)
	data.Backups = value
	resp.Diagnostics.Append(resp.State.Set(ctx, &data)...)
}

func snapshotsOf(backups []deploy.Backup) []snapshot {
	out := make([]snapshot, 0, len(backups))
	for _, b := range backups {
		out = append(out, snapshot{
			ID:     types.StringValue(b.ID),
			Portal: types.StringValue(b.Portal),
			Time:   timeOrNull(b.Time, time.UTC),
			Bytes:  types.Int64Value(b.Bytes),
		})
	}
	return out
}
