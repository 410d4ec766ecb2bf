// SPDX-License-Identifier: MPL-2.0

package service

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func resourceSchema(ctx context.Context) schema.Schema {
	attributes := map[string]schema.Attribute{
		"image": schema.StringAttribute{
			MarkdownDescription: "Image to run, such as `acme/chat:1.2`.",
			Required:            true,
			Validators:          []validator.String{validate.Image()},
		},
		"healthcheck": healthcheckAttribute(),
		"replicas": schema.Int64Attribute{
			MarkdownDescription: "Number of containers. Default: `1`.",
			Optional:            true,
			Computed:            true,
			Default:             int64default.StaticInt64(1),
			Validators:          []validator.Int64{int64validator.Between(1, 100)},
		},
		"routes": routesAttribute(),
		"start_after": schema.SetAttribute{
			MarkdownDescription: "Services and tasks of the portal's blueprint that come first: services must be healthy, or started where they have no health check, and tasks must have run well.",
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
		},
		"update": schema.StringAttribute{
			MarkdownDescription: "How a container is replaced: `start-first` removes the old one when the new one is healthy; `stop-first` stops the old one before. Default: `start-first`, and `stop-first` for a service that writes volumes of its own, as few programs stand to run twice on their data.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.OneOf(string(stack.StartFirst), string(stack.StopFirst))},
		},
		"restart_on_override": schema.BoolAttribute{
			MarkdownDescription: "Restart the containers, one at a time, when a `portal_override` of the portal changes. Default: `false`.",
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(false),
		},
		"stop_grace": schema.StringAttribute{
			MarkdownDescription: "Time that a container gets to stop well, such as `30s`, before it is killed. Default: `30s`.",
			Optional:            true,
			Validators:          []validator.String{validate.Duration()},
			PlanModifiers:       []planmodifier.String{member.SameDuration()},
		},
		"read_only": schema.BoolAttribute{
			MarkdownDescription: "Keep the containers' own file system from being written; volumes are not concerned. Default: `false`.",
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(false),
		},
		"timeouts": member.TimeoutsAttribute(ctx),
	}
	maps.Copy(attributes, member.HeadAttributes("service", stack.StatusRunning))
	maps.Copy(attributes, member.ContainerAttributes())
	return schema.Schema{
		MarkdownDescription: "A further service in a portal: it joins the portal's network beside the services of the blueprint, is reached by them under its name, and is kept, updated and rolled back as they are.\n\n" +
			"It belongs to this resource alone: the portal's own resource does not touch it, nor this one the portal's services.",
		Attributes: attributes,
	}
}

func healthcheckAttribute() schema.Attribute {
	duration := func(description string) schema.Attribute {
		return schema.StringAttribute{
			MarkdownDescription: description,
			Optional:            true,
			Validators:          []validator.String{validate.Duration()},
			PlanModifiers:       []planmodifier.String{member.SameDuration()},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How to tell whether a container is well. Default: the image's own health check, if it has one. Without any, a container is taken for well as soon as it is started.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"test": schema.ListAttribute{
				MarkdownDescription: "What to run in the container: `[\"CMD\", \"wget\", \"-q\", \"-O\", \"/dev/null\", \"http://127.0.0.1:8080/\"]`, `[\"CMD-SHELL\", \"test -e /tmp/up\"]`, or `[\"NONE\"]` to turn the image's own off.",
				Required:            true,
				ElementType:         types.StringType,
				Validators:          []validator.List{member.HealthTest()},
			},
			"interval":     duration("Time between two checks. Default: `30s`."),
			"timeout":      duration("Time that a check may take. Default: `10s`."),
			"start_period": duration("Time in which failures do not count, as the service still starts. Default: `2m`."),
			"retries": schema.Int64Attribute{
				MarkdownDescription: "Failures one after the other that make a container unhealthy. Default: `3`.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 100)},
			},
		},
	}
}

func routesAttribute() schema.Attribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: "What the portal's load balancer sends to the service, to all its containers in turn.",
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"host": schema.StringAttribute{
				MarkdownDescription: "Hostname, such as `chat.acme.com`. It may be one that the portal has, with another path.",
				Required:            true,
				Validators:          []validator.String{validate.Hostname()},
			},
			"path": schema.StringAttribute{
				MarkdownDescription: "Beginning of the URL's path. Default: `/`, all of it.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString("/"),
				Validators:          []validator.String{validate.RoutePath()},
			},
			"port": schema.Int64Attribute{
				MarkdownDescription: "Port that the service listens on in its containers.",
				Required:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			},
			"max_body": schema.StringAttribute{
				MarkdownDescription: "Largest body of a request, such as `10m`. Default: no limit.",
				Optional:            true,
				Validators:          []validator.String{validate.Size()},
				PlanModifiers:       []planmodifier.String{member.SameAmount()},
			},
		}},
	}
}
