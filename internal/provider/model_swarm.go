// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// swarmModel is what engine swarm alone has.
type swarmModel struct {
	EndpointMode types.String `tfsdk:"endpoint_mode"`
	Encrypted    types.Bool   `tfsdk:"encrypted_networks"`
}

func swarmAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "What engine `swarm` alone has.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"endpoint_mode": schema.StringAttribute{
				MarkdownDescription: "What the name of a service leads to: `dnsrr`, the default, to all replicas, by DNS; `vip` to one address whose connections the nodes' kernels distribute, for which they need IPVS.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf("dnsrr", "vip")},
			},
			"encrypted_networks": schema.BoolAttribute{
				MarkdownDescription: "Encrypt what a portal's services say to each other between nodes (IPsec). It is decided when a portal's network is made. Default: `false`.",
				Optional:            true,
			},
		},
	}
}

// swarm takes over what engine swarm has of its own, and refuses what it has not:
// Swarm itself knows its nodes, and places replicas.
func (m model) swarm(cfg *config) diag.Diagnostics {
	var diags diag.Diagnostics
	if cfg.engine != engineSwarm {
		if m.Swarm != nil {
			diags.AddAttributeError(path.Root("swarm"), "Of engine swarm alone", "The engine is docker. Set engine = \"swarm\", or leave the block out.")
		}
		return diags
	}
	if m.Swarm != nil {
		cfg.swarm.EndpointMode, cfg.swarm.Encrypted = m.Swarm.EndpointMode.ValueString(), m.Swarm.Encrypted.ValueBool()
	}
	if !m.Placement.IsNull() {
		diags.AddAttributeError(path.Root("placement"), "Swarm places itself", "Engine swarm leaves to the Swarm where replicas run: leave placement out.")
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.pool.Hosts)) {
		at := path.Root("hosts").AtMapKey(name)
		h := cfg.pool.Hosts[name]
		if h.Drain {
			diags.AddAttributeError(at.AtName("drain"), "A node is drained in the Swarm", fmt.Sprintf("Leave drain out, and run on a manager: docker node update --availability drain %s", name))
		}
		if len(h.Labels) > 0 {
			diags.AddAttributeError(at.AtName("labels"), "A node is labelled in the Swarm", fmt.Sprintf("Leave labels out, and run on a manager: docker node update --label-add <label>=<value> %s", name))
		}
	}
	return diags
}
