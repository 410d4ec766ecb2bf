// SPDX-License-Identifier: MPL-2.0

package gateway

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func resourceSchema(ctx context.Context) schema.Schema {
	port := func(description string) schema.Attribute {
		return schema.Int64Attribute{
			MarkdownDescription: description,
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 65535)},
		}
	}
	return schema.Schema{
		MarkdownDescription: "The front door of a host pool: one address for many portals. It publishes HTTP and HTTPS on the hosts, has the certificates of all portals behind it, and leads each hostname to the load balancer of its portal.\n\n" +
			"A portal is put behind it with `gateway = portal_gateway.….name`. The gateway is told of portals that come and go while it runs, and is not restarted for them. It reaches their load balancers and nothing else, and has no access to Docker.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "The gateway's name.",
				Computed:            true,
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "The gateway's id: the name of its directory on the shared drive and the prefix of its containers. No portal may have the same. Lower-case letters, digits and single hyphens, at most 40. Changing it makes another gateway.",
				Required:            true,
				Validators:          []validator.String{validate.PortalName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"hosts": schema.SetAttribute{
				MarkdownDescription: "Hosts that publish the ports, by their names in the provider's `hosts`. Default: all of them. On a pool of several hosts, a gateway runs on each of the others too, and passes requests on for the portals there. Not with engine `swarm`, where it runs on all managers.",
				Optional:            true,
				ElementType:         types.StringType,
				Validators:          []validator.Set{setvalidator.SizeAtLeast(1)},
			},
			"image": schema.StringAttribute{
				MarkdownDescription: "Image of Caddy, 2.10 or later. Default: `" + blueprint.GatewayImage + "`.",
				Optional:            true,
				Validators:          []validator.String{validate.Image()},
			},
			"http_port":  port("Port of the hosts for HTTP. Default: `80`."),
			"https_port": port("Port of the hosts for HTTPS, TCP and UDP (HTTP/3). Default: `443`."),
			"relay_port": port("Port of the hosts by which the gateways of several hosts reach each other, encrypted and known to each other by certificates of their own. Default: `7443`. It need not be reachable from elsewhere. Two gateways on the same hosts need two."),
			"tls":        certificate.TLSAttribute("Where the certificates of the portals' hostnames come from. Without it the gateway speaks plain HTTP."),
			"trusted_proxies": certificate.TrustedProxiesAttribute(
				"the gateway",
			),
			"on_destroy": schema.StringAttribute{
				MarkdownDescription: "What becomes of the gateway's directory, with its certificates, when it is destroyed: `retain`, `archive` or `delete`, as for a portal. Default: `retain`.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(string(stack.Retain)),
				Validators: []validator.String{
					stringvalidator.OneOf(string(stack.Retain), string(stack.Archive), string(stack.Delete)),
				},
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, CreateDescription: "Time for a create, as a duration such as `15m`. Default: `10m`.",
				Read: true, ReadDescription: "Time for a read. Default: `2m`.",
				Update: true, UpdateDescription: "Time for an update. Default: `10m`.",
				Delete: true, DeleteDescription: "Time for a delete. Default: `10m`.",
			}),
			"addresses": schema.ListAttribute{
				MarkdownDescription: "Addresses that visitors come to, where the hostnames of the portals must lead in DNS: `address` of the provider's `hosts`, as far as they are known.",
				Computed:            true,
				ElementType:         types.StringType,
			},
			"certificates": certificate.CertificatesAttribute(),
			"instances": schema.MapNestedAttribute{
				MarkdownDescription: "What runs, by host of the pool.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"image": schema.StringAttribute{
						MarkdownDescription: "Image it runs.",
						Computed:            true,
					},
					"digest": schema.StringAttribute{
						MarkdownDescription: "Fingerprint of its whole definition. Another one means that its container is replaced.",
						Computed:            true,
					},
					"status": schema.StringAttribute{
						MarkdownDescription: "`running` when all is well, otherwise what is wrong, in words.",
						Computed:            true,
					},
				}},
			},
		},
	}
}

func resourceIdentity() identityschema.Schema {
	return identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"name": identityschema.StringAttribute{
				Description:       "The gateway's name.",
				RequiredForImport: true,
			},
		},
	}
}
