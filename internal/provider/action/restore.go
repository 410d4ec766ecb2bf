// SPDX-License-Identifier: MPL-2.0

package action

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/backup"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

const restoreTimeout = 12 * time.Hour

// snapshotID is a snapshot's id, or enough of its beginning.
var snapshotID = regexp.MustCompile(`^(latest|[0-9a-f]{8,64})$`)

// NewRestore makes the action portal_restore.
func NewRestore() action.Action {
	return &portalAction{
		name: "restore",
		description: "Puts a backup back into a portal: databases, uploads and, if it is the portal's own, overrides. What the portal has of them now is replaced.\n\n" +
			"Services that write are stopped, the task `restore` runs, and they are started again. The task reads and checks the whole snapshot before it touches anything, and puts everything back as it was if it fails.",
		attributes: map[string]schema.Attribute{
			"snapshot": schema.StringAttribute{
				MarkdownDescription: "Id of the snapshot, or at least its first eight digits; the data source `portal_backups` lists them. Default: `latest`, the newest one.",
				Optional:            true,
				Validators: []validator.String{
					stringvalidator.RegexMatches(snapshotID, `write "latest", or at least the first eight digits of a snapshot's id, for example "4f1c22ab"`),
				},
			},
			"from": schema.StringAttribute{
				MarkdownDescription: "Portal that the backup is of. Default: the portal itself. With another one the portal becomes a copy of it, under its own domain and with its own secrets and overrides.",
				Optional:            true,
				Validators:          []validator.String{validate.PortalName()},
			},
			"schedule": schema.StringAttribute{
				MarkdownDescription: "Name of the `portal_backup_schedule` whose repository holds the backup; it is one of the portal that the backup is of. Default: the repository in that portal's `backups/` on the shared drive.",
				Optional:            true,
				Validators:          []validator.String{validate.MemberName()},
			},
		},
		limit:  restoreTimeout,
		did:    "restore",
		invoke: restore,
	}
}

func restore(ctx context.Context, r request) error {
	var snapshot, from, schedule types.String
	err := errors.Join(
		r.read(ctx, "snapshot", &snapshot), r.read(ctx, "from", &from), r.read(ctx, "schedule", &schedule))
	if err != nil {
		return err
	}
	options := deploy.RestoreOptions{Snapshot: snapshot.ValueString(), From: from.ValueString()}
	if options.Snapshot == latest {
		options.Snapshot = ""
	}
	if !schedule.IsNull() {
		options.Task = backup.TaskName(schedule.ValueString())
	}
	r.progress(fmt.Sprintf("Restoring %s", describe(r.portal, options)))
	run, err := r.deployer.Restore(ctx, r.portal, options, r.progress)
	if err != nil {
		return err
	}
	return r.finished("restore", run)
}

// latest stands for the newest snapshot.
const latest = "latest"

func describe(portal string, o deploy.RestoreOptions) string {
	what := "the newest snapshot"
	if o.Snapshot != "" {
		what = "snapshot " + o.Snapshot
	}
	if o.From != "" && o.From != portal {
		what += " of portal " + o.From
	}
	return what + " into portal " + portal
}
