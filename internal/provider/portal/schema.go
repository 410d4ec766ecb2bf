// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/float64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func resourceSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A private portal: one client's whole Open edX stack, with its databases, workers, add-ons and tasks, on a Docker host.\n\n" +
			"`terraform plan` shows service by service what would change, and what has drifted on the host. Only a change of `name` replaces a portal; everything else is changed in place, and only the services concerned are touched.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "The portal's name.",
				Computed:            true,
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "The portal's id: the name of its directory on the shared drive, the prefix of its containers, and its Compose project. Lower-case letters, digits and single hyphens, at most 40. Changing it makes another portal.",
				Required:            true,
				Validators:          []validator.String{validate.PortalName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"domain": schema.StringAttribute{
				MarkdownDescription: "Hostname that learners use, for example `learn.example.com`.",
				Required:            true,
				Validators:          []validator.String{validate.Hostname()},
			},
			"studio_domain": schema.StringAttribute{
				MarkdownDescription: "Hostname that course authors use. Default: `studio.` before `domain`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{validate.Hostname()},
			},
			"aliases": schema.SetAttribute{
				MarkdownDescription: "Further hostnames that learners use. The portal answers to them as to `domain`; a visitor who signed in at one is not signed in at the others, and the image must know how, see the guide [Domains and certificates](../guides/domains-and-certificates). `redirects` is for names that only lead here.",
				Optional:            true,
				ElementType:         types.StringType,
				Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(validate.Hostname())},
			},
			"redirects": schema.SetAttribute{
				MarkdownDescription: "Hostnames whose visitors are sent on to `domain`, with the rest of the address: `www.example.com`, or a former name.",
				Optional:            true,
				ElementType:         types.StringType,
				Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(validate.Hostname())},
			},
			"blueprint": schema.StringAttribute{
				MarkdownDescription: "Path to a Compose file, or to a folder that holds one, that describes the stack. Default: the built-in blueprint `private-portal`. See the guide [Bring your own blueprint](../guides/bring-your-own-blueprint).",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"images": schema.MapAttribute{
				MarkdownDescription: "Image of each role of the blueprint, for example `{ edxapp = \"registry.example.com/edxapp:hawthorn.2\" }`. Roles with a public image have a default; `edxapp`, `forum` and the add-ons in use need one. See the guide [Bring your own images](../guides/bring-your-own-images).",
				Optional:            true,
				ElementType:         types.StringType,
				Validators:          []validator.Map{mapvalidator.ValueStringsAre(validate.Image())},
			},
			"addons": schema.SetAttribute{
				MarkdownDescription: "Optional services to turn on (Compose profiles of the blueprint). The built-in blueprint has `glados`, `companion-cube`, `compete`, `learner-support` and `lp-certs`.",
				Optional:            true,
				ElementType:         types.StringType,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
			},
			"services": servicesAttribute(),
			"http_port": schema.Int64Attribute{
				MarkdownDescription: "Port of the host for HTTP. Default: a free one that Docker chooses, and `url` shows it; with `tls`, `80`, where authorities look and from where visitors are sent to HTTPS. Not behind a `gateway`.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			},
			"https_port": schema.Int64Attribute{
				MarkdownDescription: "Port of the host for HTTPS, TCP and UDP (HTTP/3), with `tls`. Default: `443`.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			},
			"tls":             certificate.TLSAttribute("Where the certificates of the portal's hostnames come from. Without it the portal speaks plain HTTP; behind a `gateway`, the gateway has the certificates."),
			"trusted_proxies": certificate.TrustedProxiesAttribute("the portal's load balancer"),
			"gateway": schema.StringAttribute{
				MarkdownDescription: "Name of the `portal_gateway` that the portal is behind: visitors reach it there, by its hostnames, and the portal publishes no port of its own. `http_port`, `https_port`, `tls` and `trusted_proxies` are the gateway's then. See the guide [Many portals behind one address](../guides/many-portals-behind-one-address).",
				Optional:            true,
				Validators:          []validator.String{validate.PortalName()},
			},
			"maintenance": schema.BoolAttribute{
				MarkdownDescription: "Answer every visitor with a page that says that the portal is down for maintenance (status 503). Its services run on. Default: `false`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"mail": mailAttribute(),
			"on_destroy": schema.StringAttribute{
				MarkdownDescription: "What becomes of the portal's directory on the shared drive when the portal is destroyed: `retain` keeps it, and a portal made later under the same name takes it over with its data and secrets; `archive` moves it to `.archive/` on the drive; `delete` removes it with everything in it. Default: `retain`.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(string(stack.Retain)),
				Validators: []validator.String{
					stringvalidator.OneOf(string(stack.Retain), string(stack.Archive), string(stack.Delete)),
				},
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, CreateDescription: "Time for a create, as a duration such as `45m`. Default: `30m`.",
				Read: true, ReadDescription: "Time for a read. Default: `2m`.",
				Update: true, UpdateDescription: "Time for an update. Default: `30m`.",
				Delete: true, DeleteDescription: "Time for a delete. Default: `20m`.",
			}),
			"host":        hostAttribute(),
			"constraints": constraintsAttribute(),
			"placement":   placementAttribute(),
			"addresses": schema.ListAttribute{
				MarkdownDescription: addressesDescription,
				Computed:            true,
				ElementType:         types.StringType,
			},
			"directory": schema.StringAttribute{
				MarkdownDescription: "The portal's directory on the shared drive.",
				Computed:            true,
			},
			"url": schema.StringAttribute{
				MarkdownDescription: "Where learners reach the portal, with the scheme and port that they use. Null when the blueprint publishes no port.",
				Computed:            true,
			},
			"studio_url": schema.StringAttribute{
				MarkdownDescription: "Where course authors reach the portal.",
				Computed:            true,
			},
			"hostnames": schema.SetAttribute{
				MarkdownDescription: "All hostnames of the portal that DNS must know: those above, and those of add-ons. Routes of a `portal_service` are not among them.",
				Computed:            true,
				ElementType:         types.StringType,
			},
			"certificates": certificate.CertificatesAttribute(),
			"stack": schema.MapNestedAttribute{
				MarkdownDescription: "What runs, by service and task.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"image": schema.StringAttribute{
						MarkdownDescription: "Image it runs.",
						Computed:            true,
					},
					"replicas": schema.Int64Attribute{
						MarkdownDescription: "Number of containers.",
						Computed:            true,
					},
					"digest": schema.StringAttribute{
						MarkdownDescription: "Fingerprint of its whole definition. Another one means that its containers are replaced.",
						Computed:            true,
					},
					"status": schema.StringAttribute{
						MarkdownDescription: "`running` for a service and `ready` for a task when all is well, otherwise what is wrong, in words.",
						Computed:            true,
					},
				}},
			},
		},
	}
}

func servicesAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: "Changes to services and tasks that the blueprint has, by name. What is left out stays as the blueprint has it.",
		Optional:            true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"image": schema.StringAttribute{
				MarkdownDescription: "Another image for this service alone; it beats `images`.",
				Optional:            true,
				Validators:          []validator.String{validate.Image()},
			},
			"replicas": schema.Int64Attribute{
				MarkdownDescription: "Number of containers. Databases and tasks have one.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(0, 100)},
			},
			"memory": schema.StringAttribute{
				MarkdownDescription: "Most memory that each container may use, such as `512m` or `2g` (powers of 1024).",
				Optional:            true,
				Validators:          []validator.String{validate.Memory()},
				PlanModifiers:       []planmodifier.String{sameAmount{}},
			},
			"cpus": schema.Float64Attribute{
				MarkdownDescription: "Most processor cores that each container may use, such as `1.5`.",
				Optional:            true,
				Validators:          []validator.Float64{float64validator.Between(0.01, 1024)},
			},
			"environment": schema.MapAttribute{
				MarkdownDescription: "Environment variables, laid over the blueprint's. They are readable in the state and on the host: no place for secrets.",
				Optional:            true,
				ElementType:         types.StringType,
				Validators:          []validator.Map{mapvalidator.KeysAre(validate.EnvironmentName())},
			},
		}},
	}
}

func resourceIdentity() identityschema.Schema {
	return identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"name": identityschema.StringAttribute{
				Description:       "The portal's name.",
				RequiredForImport: true,
			},
		},
	}
}
