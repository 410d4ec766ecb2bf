// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func resourceSchema(ctx context.Context) schema.Schema {
	attributes := map[string]schema.Attribute{
		"image": schema.StringAttribute{
			MarkdownDescription: "Image to run, such as `acme/report:1.2`. Give it, or `from`, or both.",
			Optional:            true,
			Validators:          []validator.String{validate.Image(), stringvalidator.AtLeastOneOf(path.MatchRoot("from"))},
		},
		"from": schema.StringAttribute{
			MarkdownDescription: "Service or task of the portal's blueprint to take after, such as `lms`: its image, environment, mounts, user and limits, where nothing else is given here. It follows when that one changes.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"run_on": schema.MapAttribute{
			MarkdownDescription: "Run the task within the apply: when it is made, and whenever one of these values or its own definition changes, such as `{ release = var.release }`. The apply waits for it, and fails when it does, with the end of its log.",
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.ConflictsWith(path.MatchRoot("cron"))},
		},
		"timeout": schema.StringAttribute{
			MarkdownDescription: "Time after which a run is ended as failed, such as `45m`. Default: `24h` with `cron`, else none. A run within an apply also ends with `timeouts`.",
			Optional:            true,
			Validators:          []validator.String{validate.Duration()},
			PlanModifiers:       []planmodifier.String{member.SameDuration()},
		},
		"timeouts": member.TimeoutsAttribute(ctx),
		"next_run": schema.StringAttribute{
			MarkdownDescription: "When the task is due next, by the last look at it, in `timezone`. Null without `cron` and while it is paused.",
			Computed:            true,
		},
		"last_run": lastRunAttribute(),
	}
	maps.Copy(attributes, scheduleAttributes())
	maps.Copy(attributes, member.HeadAttributes("task", stack.StatusReady))
	maps.Copy(attributes, member.ContainerAttributes())
	return schema.Schema{
		MarkdownDescription: "A task of your own in a portal: a container beside the services, normally stopped, that runs once and ends. It runs by the clock with `cron`, within applies with `run_on`, and otherwise when somebody starts it: with `docker start -a acme-report`, the play button of a Docker tool, or the action `portal_task_run`.",
		Attributes:          attributes,
	}
}

// scheduleAttributes say when the task runs by the clock, and who is told.
func scheduleAttributes() map[string]schema.Attribute {
	cron := path.MatchRoot("cron")
	return map[string]schema.Attribute{
		"cron": schema.StringAttribute{
			MarkdownDescription: "When to run the task: minute, hour, day of the month, month and day of the week, such as `15 2 * * *`, or `@hourly`, `@daily`, `@weekly`, `@monthly`. It never runs twice at once, and runs that were missed, because the host was down, are made up for by one.",
			Optional:            true,
			Validators:          []validator.String{validate.Cron()},
		},
		"timezone": schema.StringAttribute{
			MarkdownDescription: "Time zone that `cron` is meant in, such as `Europe/Paris`. When its clocks change, no run is left out or made twice. Default: UTC.",
			Optional:            true,
			Validators:          []validator.String{validate.Timezone(), stringvalidator.AlsoRequires(cron)},
		},
		"jitter": schema.StringAttribute{
			MarkdownDescription: "Most time that the start may lie after the time in `cron`, such as `10m`, so that the tasks of many portals do not begin together. It is the same for each run. Default: `1m`, or none if `cron` has several times an hour.",
			Optional:            true,
			Validators:          []validator.String{validate.DurationOrZero(), stringvalidator.AlsoRequires(cron)},
			PlanModifiers:       []planmodifier.String{member.SameDuration()},
		},
		"retries": schema.Int64Attribute{
			MarkdownDescription: "How often a run by the clock that failed is tried again, after a minute, then after two, four, and so on. Default: `0`.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(0, 10), int64validator.AlsoRequires(cron)},
		},
		"paused": schema.BoolAttribute{
			MarkdownDescription: "Start nothing by the clock for now; starting it by hand still works. Default: `false`.",
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(false),
			Validators:          []validator.Bool{boolvalidator.AlsoRequires(cron)},
		},
		"webhook_url_wo": schema.StringAttribute{
			MarkdownDescription: "Address that is told, by an HTTP POST of JSON, when a run has failed, and when the next one works again. Neither the plan nor the state shows it. Needs Terraform 1.11.",
			Optional:            true,
			WriteOnly:           true,
			Sensitive:           true,
			Validators: []validator.String{
				member.WebhookURL(), stringvalidator.AlsoRequires(path.MatchRoot("webhook_url_wo_version")),
				stringvalidator.ConflictsWith(path.MatchRoot("run_on")),
			},
		},
		"webhook_url_wo_version": member.VersionAttribute("webhook_url_wo"),
	}
}

func lastRunAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The last run, by the last look at it. Null before the first one.",
		Computed:            true,
		Attributes: map[string]schema.Attribute{
			"started":   schema.StringAttribute{MarkdownDescription: "When it began, in UTC. Null if it could not be started.", Computed: true},
			"finished":  schema.StringAttribute{MarkdownDescription: "When it ended, in UTC. Null while it runs.", Computed: true},
			"exit_code": schema.Int64Attribute{MarkdownDescription: "Exit code of the container, `-1` where it is not known.", Computed: true},
			"ok":        schema.BoolAttribute{MarkdownDescription: "Whether it went well.", Computed: true},
			"error":     schema.StringAttribute{MarkdownDescription: "What went wrong, in words.", Computed: true},
			"log":       schema.StringAttribute{MarkdownDescription: "End of its output, of runs that the scheduler saw, with the portal's secrets struck out.", Computed: true},
		},
	}
}
