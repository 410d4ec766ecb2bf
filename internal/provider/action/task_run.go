// SPDX-License-Identifier: MPL-2.0

package action

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
)

// taskRunTimeout covers what the blueprint's longest tasks may take.
const taskRunTimeout = 12 * time.Hour

// NewTaskRun makes the action portal_task_run.
func NewTaskRun() action.Action {
	return &portalAction{
		name: "task_run",
		description: "Runs a task of a portal and waits for its end: the container that `docker start` starts as well. A task that ends with another exit code than 0 fails the action, with the end of its output.\n\n" +
			"A run that is under way already, because somebody or the scheduler started it, is waited for first.",
		attributes: map[string]schema.Attribute{
			"task": schema.StringAttribute{
				MarkdownDescription: "Name of the task: one of the blueprint, such as `reindex`, that of a `portal_task`, or `backup-<name>` of a `portal_backup_schedule`.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
		limit:  taskRunTimeout,
		did:    "running a task",
		invoke: runTask,
	}
}

func runTask(ctx context.Context, r request) error {
	var task string
	if err := r.read(ctx, "task", &task); err != nil {
		return err
	}
	r.progress(fmt.Sprintf("Running %s of portal %s", task, r.portal))
	run, err := r.deployer.RunTask(ctx, r.portal, task, r.progress)
	if err != nil {
		return err
	}
	return r.finished(task, run)
}

// finished tells how a run ended.
func (r request) finished(task string, run deploy.TaskRun) error {
	if run.ExitCode != 0 {
		return fmt.Errorf("%s failed with exit code %d. The end of its output:\n%s", task, run.ExitCode, run.Log)
	}
	r.progress(fmt.Sprintf("%s has ended well, after %s", task, run.Finished.Sub(run.Started).Round(time.Second)))
	return nil
}
