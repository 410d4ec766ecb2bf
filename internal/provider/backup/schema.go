// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

// What holds unless the configuration says otherwise.
const (
	defaultName     = "scheduled"
	defaultTimezone = "UTC"
	// defaultReadPercent of the repository's data is read by a verification: a
	// tenth each week has read all of them in a quarter of a year.
	defaultReadPercent = 10
)

func resourceSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Backups of a portal by the clock: databases, uploads and overrides, encrypted, in a restic repository on the shared drive or elsewhere.\n\n" +
			"The schedule is a task of the portal, with a container like `acme-backup-nightly` that the scheduler on the portal's host starts. Starting it by hand does the same. A backup that fails leaves no snapshot.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "The portal's name and that of the schedule, such as `acme/nightly`.",
				Computed:            true,
			},
			"portal": schema.StringAttribute{
				MarkdownDescription: "Name of the portal. Changing it makes another schedule.",
				Required:            true,
				Validators:          []validator.String{validate.PortalName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the schedule: with `nightly`, its task is `backup-nightly`. Changing it makes another schedule. Default: `scheduled`.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(defaultName),
				Validators:          []validator.String{validate.MemberName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"cron": schema.StringAttribute{
				MarkdownDescription: "When to make a backup: minute, hour, day of the month, month and day of the week, such as `15 2 * * *`, or `@hourly`, `@daily`, `@weekly`, `@monthly`. A backup that was missed, because the host was down, is made up for once.",
				Required:            true,
				Validators:          []validator.String{validate.Cron()},
			},
			"timezone": schema.StringAttribute{
				MarkdownDescription: "Time zone that `cron` is meant in, such as `Europe/Paris`. When its clocks change, no backup is left out or made twice. Default: `UTC`.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(defaultTimezone),
				Validators:          []validator.String{validate.Timezone()},
			},
			"paused": schema.BoolAttribute{
				MarkdownDescription: "Start nothing by the clock for now; starting it by hand still works. Default: `false`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"jitter": schema.StringAttribute{
				MarkdownDescription: "Most time that the start may lie after the time in `cron`, such as `10m`, so that the backups of many portals do not begin together. It is the same for each run of a portal. Default: `1m`, or none if `cron` has several times an hour.",
				Optional:            true,
				Validators:          []validator.String{validate.DurationOrZero()},
				PlanModifiers:       []planmodifier.String{member.SameDuration()},
			},
			"retries": schema.Int64Attribute{
				MarkdownDescription: "How often a backup that failed is tried again, after a minute, then after two, four, and so on. Default: `0`.",
				Optional:            true,
				Computed:            true,
				Default:             int64default.StaticInt64(0),
				Validators:          []validator.Int64{int64validator.Between(0, 10)},
			},
			"timeout": schema.StringAttribute{
				MarkdownDescription: "Time after which a run is ended as failed, such as `4h`. Default: `12h`.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(defaultRunTimeout),
				Validators:          []validator.String{validate.Duration()},
				PlanModifiers:       []planmodifier.String{member.SameDuration()},
			},
			"keep":       keepAttribute(),
			"include":    includeAttribute(),
			"verify":     verifyAttribute(),
			"repository": repositoryAttribute(),
			"credentials_wo": schema.MapAttribute{
				MarkdownDescription: "What opens the repository: environment variables of restic's, such as `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and for SFTP `SSH_PRIVATE_KEY` and `SSH_KNOWN_HOSTS`, each the content of such a file. `RESTIC_PASSWORD` encrypts the repository with a password of your own instead of the portal's generated one, so that it can be read where the shared drive is lost. Neither the plan nor the state shows them; they are files on the drive that the backup alone can read. Needs Terraform 1.11.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
				ElementType:         types.StringType,
				Validators: []validator.Map{
					mapvalidator.SizeAtLeast(1),
					credentialNames{},
					mapvalidator.AlsoRequires(path.MatchRoot("credentials_wo_version")),
				},
			},
			"credentials_wo_version": member.VersionAttribute("credentials_wo"),
			"webhook_url_wo": schema.StringAttribute{
				MarkdownDescription: "Address that is told, by an HTTP POST of JSON, when a run has failed, and when the next one works again. Neither the plan nor the state shows it. Needs Terraform 1.11.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
				Validators: []validator.String{
					member.WebhookURL(), stringvalidator.AlsoRequires(path.MatchRoot("webhook_url_wo_version")),
				},
			},
			"webhook_url_wo_version": member.VersionAttribute("webhook_url_wo"),
			"timeouts":               member.TimeoutsAttribute(ctx),
			"host": schema.StringAttribute{
				MarkdownDescription: "Name of the host that makes the backups.",
				Computed:            true,
			},
			"digest": schema.StringAttribute{
				MarkdownDescription: "Fingerprint of the whole definition. Another one means that its containers are made anew.",
				Computed:            true,
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "`ready` when all is well, otherwise what is wrong with its containers, in words. That a backup failed is told by `last_run`.",
				Computed:            true,
			},
			"next_run": schema.StringAttribute{
				MarkdownDescription: "When the next backup begins, by the last look at it, in `timezone`. Null while it is paused.",
				Computed:            true,
			},
			"last_run":    lastRunAttribute(),
			"last_verify": lastVerifyAttribute(),
		},
	}
}

func keepAttribute() schema.Attribute {
	rule := func(description string) schema.Attribute {
		return schema.Int64Attribute{
			MarkdownDescription: description,
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(0, 10000)},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Snapshots to keep; the others are removed after each backup. They are those of the portal in this repository, whichever schedule made them. A rule that is left out keeps none by itself. Default: 7 days, 4 weeks and 12 months.",
		Optional:            true,
		Computed:            true,
		Default:             objectdefault.StaticValue(defaultKeep),
		Validators:          []validator.Object{keepsSome{}},
		Attributes: map[string]schema.Attribute{
			"last":    rule("The last so many snapshots."),
			"daily":   rule("The last one of each day, for so many days that have one."),
			"weekly":  rule("The last one of each week, for so many weeks."),
			"monthly": rule("The last one of each month, for so many months."),
			"yearly":  rule("The last one of each year, for so many years."),
		},
	}
}

func includeAttribute() schema.Attribute {
	return schema.SetAttribute{
		MarkdownDescription: "What to save: `databases` (MySQL and the document store), `media` (uploads) and `overrides` (`ansible_overrides.yml` and what else is in its folder). Default: all three.",
		Optional:            true,
		Computed:            true,
		Default:             setdefault.StaticValue(everything),
		ElementType:         types.StringType,
		Validators: []validator.Set{
			setvalidator.SizeAtLeast(1),
			setvalidator.ValueStringsAre(stringvalidator.OneOf(partNames()...)),
		},
	}
}

func verifyAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Check the repository by the clock as well, with a task of its own like `backup-nightly-verify`: that it is whole, and that a part of its data, another one each time, can be read. A failure is told like that of a backup.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"cron": schema.StringAttribute{
				MarkdownDescription: "When to check, such as `0 5 * * SUN`, in `timezone`.",
				Required:            true,
				Validators:          []validator.String{validate.Cron()},
			},
			"read_data_percent": schema.Int64Attribute{
				MarkdownDescription: "How much of the data to read. Default: `10`.",
				Optional:            true,
				Computed:            true,
				Default:             int64default.StaticInt64(defaultReadPercent),
				Validators:          []validator.Int64{int64validator.Between(1, 100)},
			},
		},
	}
}

func repositoryAttribute() schema.Attribute {
	return schema.StringAttribute{
		MarkdownDescription: "Repository elsewhere, as restic writes its address: `s3:https://s3.example.com/bucket/acme`, `sftp:backup@host:/srv/acme`, `rest:https://host/acme`, or one of `b2:`, `azure:`, `swift:`. It is made with the first backup. Default: a repository in the portal's `backups/` on the shared drive.",
		Optional:            true,
		Validators:          []validator.String{repositoryAddress{}},
	}
}

func lastRunAttribute() schema.Attribute {
	attributes := runAttributes()
	attributes["snapshot"] = schema.StringAttribute{MarkdownDescription: "Id of the snapshot it made.", Computed: true}
	attributes["bytes"] = schema.Int64Attribute{MarkdownDescription: "Size of what the snapshot holds.", Computed: true}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The last backup, by the last look at it. Null before the first one.",
		Computed:            true,
		Attributes:          attributes,
	}
}

func lastVerifyAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The last check of the repository. Null before the first one.",
		Computed:            true,
		Attributes:          runAttributes(),
	}
}

func runAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"started":  schema.StringAttribute{MarkdownDescription: "When it began, in UTC.", Computed: true},
		"finished": schema.StringAttribute{MarkdownDescription: "When it ended, in UTC.", Computed: true},
		"ok":       schema.BoolAttribute{MarkdownDescription: "Whether it went well.", Computed: true},
		"error":    schema.StringAttribute{MarkdownDescription: "Why it did not. Null if it did.", Computed: true},
	}
}
