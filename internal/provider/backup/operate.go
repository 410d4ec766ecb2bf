// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// task is a task of a schedule, with the contents of its secret files by the
// files' names.
type task struct {
	stack.Member
	given map[string]string
}

// wanted are the tasks of a planned schedule; verify is nil when the repository
// is not to be checked. The client must be ready.
func (r *scheduleResource) wanted(ctx context.Context, plan, config model) (backup task, verify *task, diags diag.Diagnostics) {
	// What was unknown at plan time was not validated yet.
	known := plan
	known.CredentialsWO = config.CredentialsWO
	diags = known.check()
	var credentials map[string]string
	if !config.CredentialsWO.IsNull() {
		diags.Append(config.CredentialsWO.ElementsAs(ctx, &credentials, false)...)
	}
	if diags.HasError() {
		return task{}, nil, diags
	}
	with := func(m stack.Member) task { return task{m, contents(m, credentials, config.WebhookURLWO)} }

	m, d := plan.backup(ctx, config.CredentialsWO)
	diags.Append(d...)
	if diags.HasError() || plan.Verify.IsNull() {
		return with(m), nil, diags
	}
	command, d := r.command(ctx, plan.Portal.ValueString())
	diags.Append(d...)
	v, d := plan.verify(ctx, command, config.CredentialsWO)
	diags.Append(d...)
	checking := with(v)
	return with(m), &checking, diags
}

// command is that of the portal's backup task. That there is none is found when
// the task is joined to the stack.
func (r *scheduleResource) command(ctx context.Context, portal string) ([]string, diag.Diagnostics) {
	base, err := r.client.Deployer.BaseStack(ctx, portal)
	if err != nil {
		return nil, diag.Diagnostics{client.Failure(portal, "reading its stack", err)}
	}
	if found := base.Services[blueprintTask]; found != nil {
		return found.Command, nil
	}
	return nil, nil
}

// create makes the task that checks first: while there is no backup task, the
// next create finds one that was cut off unfinished.
func (r *scheduleResource) create(ctx context.Context, plan, config model, limit time.Duration) (found, diag.Diagnostics) {
	if !r.client.Ready() {
		return found{}, diag.Diagnostics{client.NotReady("Creating a backup schedule")}
	}
	backup, verify, diags := r.wanted(ctx, plan, config)
	if diags.HasError() {
		return found{}, diags
	}
	portal := plan.Portal.ValueString()
	var there found
	if verify != nil {
		before, exists, d := member.Read(ctx, r.client, portal, backup.Owner(), limit)
		diags.Append(d...)
		if diags.HasError() {
			return found{}, diags
		}
		if !exists || before.Unfinished { // else Create refuses it
			there.verify, d = r.apply(ctx, portal, *verify, limit)
			diags.Append(d...)
		}
	}
	if diags.HasError() {
		return found{}, diags
	}
	result, d := member.Create(ctx, r.client, portal, backup.Member, backup.given, limit)
	there.backup = result
	diags.Append(atPortal(d)...)
	return there, diags
}

// update leads both tasks to where they should be.
func (r *scheduleResource) update(ctx context.Context, plan, config model, limit time.Duration) (found, diag.Diagnostics) {
	if !r.client.Ready() {
		return found{}, diag.Diagnostics{client.NotReady("Updating a backup schedule")}
	}
	backup, verify, diags := r.wanted(ctx, plan, config)
	if diags.HasError() {
		return found{}, diags
	}
	portal := plan.Portal.ValueString()
	var there found
	var d diag.Diagnostics
	if verify != nil {
		there.verify, d = r.apply(ctx, portal, *verify, limit)
	} else {
		d = r.removeVerify(ctx, portal, plan.Name.ValueString(), limit)
	}
	diags.Append(d...)
	if diags.HasError() {
		return found{}, diags
	}
	result, d := r.apply(ctx, portal, backup, limit)
	diags.Append(d...)
	if result != nil {
		there.backup = *result
	}
	return there, diags
}

func (r *scheduleResource) apply(ctx context.Context, portal string, t task, limit time.Duration) (*deploy.MemberState, diag.Diagnostics) {
	result, diags := member.Update(ctx, r.client, portal, t.Member, t.given, limit)
	return &result, atPortal(diags)
}

// removeVerify removes the task that checks, if there is one.
func (r *scheduleResource) removeVerify(ctx context.Context, portal, name string, limit time.Duration) diag.Diagnostics {
	owner := ownerOf(verifyTaskName(name))
	_, exists, diags := member.Read(ctx, r.client, portal, owner, limit)
	if exists && !diags.HasError() {
		diags.Append(member.Remove(ctx, r.client, portal, owner, limit)...)
	}
	return diags
}

// read finds what is there of a schedule. It is false when there is no backup
// task, or no portal.
func (r *scheduleResource) read(ctx context.Context, portal, name string, limit time.Duration) (found, bool, diag.Diagnostics) {
	backup, exists, diags := member.Read(ctx, r.client, portal, ownerOf(TaskName(name)), limit)
	if !exists || diags.HasError() {
		return found{}, false, diags
	}
	there := found{backup: backup}
	verify, exists, d := member.Read(ctx, r.client, portal, ownerOf(verifyTaskName(name)), limit)
	diags.Append(d...)
	if exists {
		there.verify = &verify
	}
	return there, true, diags
}

// imported is the state of a schedule that is found on the drive. name may be
// that of its task.
func (r *scheduleResource) imported(ctx context.Context, portal, name string) (model, diag.Diagnostics) {
	var m model
	name = scheduleName(name)
	// With an error when there is none.
	if _, diags := member.Import(ctx, r.client, portal, ownerOf(TaskName(name))); diags.HasError() {
		return m, diags
	}
	there, _, diags := r.read(ctx, portal, name, member.ReadTimeout)
	if diags.HasError() {
		return m, diags
	}
	m.Timeouts = member.NoTimeouts()
	m.Verify = noVerify
	diags.Append(m.setBackup(ctx, portal, there.backup.Member)...)
	if there.verify != nil {
		diags.Append(m.setVerify(ctx, there.verify.Member)...)
	}
	m.observe(there)
	return m, diags
}
