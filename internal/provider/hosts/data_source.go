// SPDX-License-Identifier: MPL-2.0

// Package hosts is the data source portal_hosts.
package hosts

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

var _ datasource.DataSourceWithConfigure = (*dataSource)(nil)

// dataSource tells how the provider's hosts are.
type dataSource struct {
	client *client.Client
}

// NewDataSource makes the data source portal_hosts.
func NewDataSource() datasource.DataSource { return &dataSource{} }

// Metadata names the data source.
func (d *dataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_hosts"
}

// Schema describes the attributes.
func (d *dataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The provider's hosts, asked now: which answer, what they run, how much of their memory is reserved, and which portals are on each.",
		Attributes: map[string]schema.Attribute{
			"hosts": schema.MapNestedAttribute{
				MarkdownDescription: "The hosts, by their names in the provider's `hosts`; the one that the environment names is `default`. Of a host that is not reachable, only `endpoint`, `address`, `labels`, `drain`, `reachable` and `error` are known; the rest is null. One with `force_move` is not among them. With engine `swarm` they are the nodes of the Swarm, by their hostnames.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: hostAttributes()},
			},
		},
	}
}

func hostAttributes() map[string]schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	number := func(description string) schema.Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
	}
	names := func(description string) schema.Attribute {
		return schema.ListAttribute{MarkdownDescription: description, Computed: true, ElementType: types.StringType}
	}
	return map[string]schema.Attribute{
		"endpoint": text("Where its Docker Engine is reached."),
		"address":  text("IP address or hostname under which visitors and other hosts reach it. Null when the provider does not know it."),
		"labels": schema.MapAttribute{
			MarkdownDescription: "Its labels, as the provider block has them.", Computed: true, ElementType: types.StringType,
		},
		"drain": schema.BoolAttribute{MarkdownDescription: "Whether its portals are to leave it.", Computed: true},
		"reachable": schema.BoolAttribute{
			MarkdownDescription: "Whether its Docker Engine answered within some seconds, and is one that portals can run on.",
			Computed:            true,
		},
		"error":              text("Why it is not reachable. Null when it is."),
		"engine_version":     text("Version of its Docker Engine, such as `20.10.24`."),
		"api_version":        text("Newest version of the Engine API that it speaks, such as `1.41`."),
		"kernel_version":     text("Version of its kernel."),
		"os":                 text("Its operating system, such as `Debian GNU/Linux 12 (bookworm)`."),
		"arch":               text("Its processor architecture, such as `amd64` or `arm64`."),
		"cpus":               number("Number of its processor cores."),
		"memory":             number("Its memory in bytes."),
		"memory_reserved":    number("Memory in bytes that services of portals reserve: the sum of their containers' limits, whatever they use at the moment. Tasks, which run now and then, reserve none. A new portal goes where `memory` less this is largest. It is the measure of load here, for Docker does not tell how busy the processors of a host are."),
		"containers":         number("Number of all its containers, also those that are no portal's."),
		"containers_running": number("How many of them run."),
		"portals":            names("Names of the portals that have containers on it, sorted."),
		"gateways":           names("Names of the gateways that have containers on it, sorted."),
	}
}

// Configure takes over the configured provider.
func (d *dataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	d.client = c
}

// Read asks all hosts. One that does not answer is no error: it is what the
// data source is there to tell.
func (d *dataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	if !d.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("The data source portal_hosts"))
		return
	}
	value, diags := hostsValue(ctx, d.client.Deployer.HostStatus(ctx))
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model{Hosts: value})...)
}
