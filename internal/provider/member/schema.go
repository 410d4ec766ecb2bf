// SPDX-License-Identifier: MPL-2.0

package member

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/float64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

// HeadAttributes are those of Head. what is the member in a sentence: "service";
// well is its status when nothing is wrong.
func HeadAttributes(what, well string) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": schema.StringAttribute{
			MarkdownDescription: fmt.Sprintf("The portal's name and that of the %s, such as `acme/nightly`.", what),
			Computed:            true,
		},
		"portal": schema.StringAttribute{
			MarkdownDescription: "Name of the portal. Refer to the resource's attribute, as in `portal.acme.name`, so that the portal is made before and removed after. Changing it makes another one.",
			Required:            true,
			Validators:          []validator.String{validate.PortalName()},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"name": schema.StringAttribute{
			MarkdownDescription: fmt.Sprintf("Name of the %s, which no other service or task of the portal has: lower-case letters, digits and single hyphens, at most 40. Changing it makes another one.", what),
			Required:            true,
			Validators:          []validator.String{validate.MemberName()},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"host": schema.StringAttribute{
			MarkdownDescription: "Name of the host that runs it: the portal's.",
			Computed:            true,
		},
		"digest": schema.StringAttribute{
			MarkdownDescription: "Fingerprint of its whole definition. Another one means that its containers are replaced.",
			Computed:            true,
		},
		"status": schema.StringAttribute{
			MarkdownDescription: fmt.Sprintf("`%s` when all is well, otherwise what is wrong, in words. The next apply mends it.", well),
			Computed:            true,
		},
	}
}

// ContainerAttributes are those of Container, without the image.
func ContainerAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"entrypoint": schema.ListAttribute{
			MarkdownDescription: "Program to run in the place of the image's own, with its first arguments.",
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
		},
		"command": schema.ListAttribute{
			MarkdownDescription: "Arguments, or the whole command when the image has no entrypoint.",
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
		},
		"environment": schema.MapAttribute{
			MarkdownDescription: "Environment variables. They are readable in the state and on the host: no place for secrets.",
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.KeysAre(validate.EnvironmentName())},
		},
		"user": schema.StringAttribute{
			MarkdownDescription: "User, or user and group, in numbers, such as `1000:1000`. It owns the volumes and secret files.",
			Optional:            true,
			Validators:          []validator.String{validate.User()},
		},
		"working_dir": schema.StringAttribute{
			MarkdownDescription: "Directory that the command starts in. Default: the image's.",
			Optional:            true,
			Validators:          []validator.String{validate.ContainerPath()},
		},
		"volumes":                 volumesAttribute(),
		"secret_files":            secretFilesAttribute(),
		"secret_files_wo":         secretFilesWOAttribute(),
		"secret_files_wo_version": VersionAttribute("secret_files_wo"),
		"memory": schema.StringAttribute{
			MarkdownDescription: "Most memory that each container may use, such as `512m` or `2g` (powers of 1024). Default: `512m`.",
			Optional:            true,
			Validators:          []validator.String{validate.Memory()},
			PlanModifiers:       []planmodifier.String{SameAmount()},
		},
		"cpus": schema.Float64Attribute{
			MarkdownDescription: "Most processor cores that each container may use, such as `1.5`.",
			Optional:            true,
			Validators:          []validator.Float64{float64validator.Between(0.01, 1024)},
		},
	}
}

func volumesAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: "Directories of the portal, by where they are mounted. Their files stay on the shared drive when this resource is destroyed; they go the way of the portal's.",
		Optional:            true,
		Validators:          []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.KeysAre(validate.ContainerPath())},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the directory in the portal's `data/` on the shared drive. It may be one that the blueprint or another service has.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"read_only": schema.BoolAttribute{
				MarkdownDescription: "Mount it without the right to write. Default: `false`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
		}},
	}
}

func secretFilesAttribute() schema.Attribute {
	return schema.MapAttribute{
		MarkdownDescription: "Files with secrets of the portal, by where they are mounted. In the text, `[[ secret \"mysql-password\" ]]` stands for the secret of that name; it is filled in on the shared drive, so no secret is in the plan or the state. A secret that the portal does not have is generated.",
		Optional:            true,
		ElementType:         types.StringType,
		Validators:          []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.KeysAre(validate.ContainerPath())},
	}
}

func secretFilesWOAttribute() schema.Attribute {
	return schema.MapAttribute{
		MarkdownDescription: "Files with secrets of your own, by where they are mounted, such as the key of an outside service. Neither the plan nor the state has them, so Terraform cannot compare them: they are written when the containers are made, and made anew when `secret_files_wo_version` or the paths change. Needs Terraform 1.11.",
		Optional:            true,
		WriteOnly:           true,
		Sensitive:           true,
		ElementType:         types.StringType,
		Validators: []validator.Map{
			mapvalidator.SizeAtLeast(1), mapvalidator.KeysAre(validate.ContainerPath()),
			mapvalidator.AlsoRequires(path.MatchRoot("secret_files_wo_version")),
		},
	}
}

// VersionAttribute tells when a write-only attribute is to be written anew.
func VersionAttribute(of string) schema.Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: fmt.Sprintf("A number of your choice. Another one writes `%s` anew. Required with it.", of),
		Optional:            true,
		Validators: []validator.Int64{
			int64validator.AtLeast(0),
			int64validator.AlsoRequires(path.MatchRoot(of)),
		},
	}
}

// TimeoutsAttribute is the attribute timeouts, with the times of this package.
func TimeoutsAttribute(ctx context.Context) schema.Attribute {
	return timeouts.Attributes(ctx, timeouts.Opts{
		Create: true, CreateDescription: "Time for a create, as a duration such as `45m`. Default: `30m`.",
		Read: true, ReadDescription: "Time for a read. Default: `2m`.",
		Update: true, UpdateDescription: "Time for an update. Default: `30m`.",
		Delete: true, DeleteDescription: "Time for a delete. Default: `30m`.",
	})
}
