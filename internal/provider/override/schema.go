// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

func resourceSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Settings of Open edX that beat the defaults: values in a portal's `ansible_overrides.yml` on the shared drive.\n\n" +
			"An apply writes the values, restarts the services that read the file, one container of each service at a time, and waits until they are healthy. When one does not come back, the former values are put back and the apply fails.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "The portal's name and a number of this override, such as `acme/1f0c22ab`.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"portal": schema.StringAttribute{
				MarkdownDescription: "Name of the portal. Changing it moves the override to another portal.",
				Required:            true,
				Validators:          []validator.String{validate.PortalName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"values": schema.DynamicAttribute{
				MarkdownDescription: "Variables to set, as an object or a map: strings, numbers, booleans, `null`, lists, and objects in any depth. The override owns each innermost value, and a list as a whole; other keys of the same map may belong to others. They are readable in the state: give secrets in `secret_values_wo`.",
				Optional:            true,
				Validators:          []validator.Dynamic{settings{}},
				PlanModifiers:       []planmodifier.Dynamic{sameValues{}},
			},
			"secret_values_wo": schema.DynamicAttribute{
				MarkdownDescription: "Variables like `values` that neither the plan nor the state shows, such as the password of a mail server. Terraform does not keep them and so cannot compare them: they are written when the override is made, when `secret_values_wo_version` or their keys change, and when `secrets` tells that somebody else changed them. Needs Terraform 1.11.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
				Validators:          []validator.Dynamic{settings{}},
			},
			"secret_values_wo_version": schema.Int64Attribute{
				MarkdownDescription: "A number of your choice. Another one writes `secret_values_wo` anew. Required with it.",
				Optional:            true,
			},
			"adopt": schema.BoolAttribute{
				MarkdownDescription: "Take over values that somebody else has set to something else. Without it that is an error, which names them. Default: `false`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, CreateDescription: "Time for a create, restarts included, as a duration such as `45m`. Default: `30m`.",
				Read: true, ReadDescription: "Time for a read. Default: `2m`.",
				Update: true, UpdateDescription: "Time for an update. Default: `30m`.",
				Delete: true, DeleteDescription: "Time for a delete. Default: `30m`.",
			}),
			"status": schema.StringAttribute{
				MarkdownDescription: "`applied` when the services run with what is in the file, otherwise what is left to do, in words. The next apply does it.",
				Computed:            true,
			},
			"secrets": schema.MapAttribute{
				MarkdownDescription: "What is known of the secret values, by their path in the file: `set`, `changed` when it is another one now, or `missing`.",
				Computed:            true,
				ElementType:         types.StringType,
			},
		},
	}
}

func resourceIdentity() identityschema.Schema {
	return identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"id": identityschema.StringAttribute{
				Description:       "The override's id.",
				RequiredForImport: true,
			},
		},
	}
}
