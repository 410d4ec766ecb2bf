// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// blueprintTask is the task that a blueprint with backups has. With the
	// argument "verify" it checks the repository.
	blueprintTask  = "backup"
	verifyArgument = "verify"

	taskPrefix   = "backup-"
	verifySuffix = "-verify"

	defaultRunTimeout = "12h"
)

// Variables of the backup task.
const (
	includeVariable = "BACKUP_INCLUDE"
	subsetVariable  = "BACKUP_VERIFY_SUBSET"
)

// TaskName is the name of a schedule's task: "backup-nightly".
func TaskName(name string) string { return taskPrefix + name }

// scheduleName is the name of the schedule that a task is of. Errors speak of
// the task, so its name is understood as well.
func scheduleName(task string) string { return strings.TrimPrefix(task, taskPrefix) }

func verifyTaskName(name string) string { return TaskName(name) + verifySuffix }

// ownerOf is the owner of a task's containers.
func ownerOf(task string) string {
	return stack.Member{Kind: stack.MemberBackup, Name: task}.Owner()
}

// model is the resource as Terraform has it.
type model struct {
	member.Head
	Cron                 types.String   `tfsdk:"cron"`
	Timezone             types.String   `tfsdk:"timezone"`
	Paused               types.Bool     `tfsdk:"paused"`
	Jitter               types.String   `tfsdk:"jitter"`
	Retries              types.Int64    `tfsdk:"retries"`
	Timeout              types.String   `tfsdk:"timeout"`
	Keep                 types.Object   `tfsdk:"keep"`
	Include              types.Set      `tfsdk:"include"`
	Verify               types.Object   `tfsdk:"verify"`
	Repository           types.String   `tfsdk:"repository"`
	CredentialsWO        types.Map      `tfsdk:"credentials_wo"`
	CredentialsWOVersion types.Int64    `tfsdk:"credentials_wo_version"`
	WebhookURLWO         types.String   `tfsdk:"webhook_url_wo"`
	WebhookURLWOVersion  types.Int64    `tfsdk:"webhook_url_wo_version"`
	Timeouts             timeouts.Value `tfsdk:"timeouts"`
	NextRun              types.String   `tfsdk:"next_run"`
	LastRun              types.Object   `tfsdk:"last_run"`
	LastVerify           types.Object   `tfsdk:"last_verify"`
}

// verification is the attribute verify.
type verification struct {
	Cron            types.String `tfsdk:"cron"`
	ReadDataPercent types.Int64  `tfsdk:"read_data_percent"`
}

var verifyType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"cron":              types.StringType,
	"read_data_percent": types.Int64Type,
}}

var noVerify = types.ObjectNull(verifyType.AttrTypes)

// known tells whether everything that the tasks are made from is known. Of the
// credentials only the names count.
func (m model) known(ctx context.Context, credentials types.Map) bool {
	return !credentials.IsUnknown() && member.Known(ctx, m.Portal, m.Name, m.Cron, m.Timezone, m.Paused, m.Jitter,
		m.Retries, m.Timeout, m.Keep, m.Include, m.Verify, m.Repository, m.CredentialsWOVersion, m.WebhookURLWOVersion)
}

// backup is the task that makes the backups. The model must be known.
func (m model) backup(ctx context.Context, credentials types.Map) (stack.Member, diag.Diagnostics) {
	out := m.task(TaskName(m.Name.ValueString()), credentials)
	var chosen []string
	diags := m.Include.ElementsAs(ctx, &chosen, false)
	out.Environment[includeVariable] = includes(chosen)
	keepEnvironment(m.Keep, out.Environment)
	s := m.schedule(out, m.Cron)
	s.Retries = int(m.Retries.ValueInt64())
	s.Jitter = jitter(m.Jitter)
	out.Schedule = s.Text()
	return out, diags
}

// verify is the task that checks the repository. command is that of the backup
// task. The attribute verify must be given.
func (m model) verify(ctx context.Context, command []string, credentials types.Map) (stack.Member, diag.Diagnostics) {
	var v verification
	diags := m.Verify.As(ctx, &v, basetypes.ObjectAsOptions{})
	out := m.task(verifyTaskName(m.Name.ValueString()), credentials)
	out.Command = append(slices.Clone(command), verifyArgument)
	out.Environment[subsetVariable] = strconv.FormatInt(v.ReadDataPercent.ValueInt64(), 10) + "%"
	out.Schedule = m.schedule(out, v.Cron).Text()
	return out, diags
}

// task is what both tasks have.
func (m model) task(name string, credentials types.Map) stack.Member {
	out := stack.Member{
		Kind:        stack.MemberBackup,
		Name:        name,
		From:        blueprintTask,
		Environment: map[string]string{},
		Timeout:     member.Duration(m.Timeout),
	}
	if !m.Repository.IsNull() {
		out.Environment[repository] = m.Repository.ValueString()
	}
	for _, file := range filesOf(slices.Collect(maps.Keys(credentials.Elements()))) {
		if out.GivenSecrets == nil {
			out.GivenSecrets = map[string]string{}
		}
		out.GivenSecrets[file.target] = member.GivenName(out, file.what, m.CredentialsWOVersion)
	}
	return out
}

// schedule is when a task runs, and who is told.
func (m model) schedule(task stack.Member, cron types.String) schedule.Schedule {
	s := schedule.Schedule{
		Cron:     cron.ValueString(),
		Timezone: m.Timezone.ValueString(),
		Paused:   m.Paused.ValueBool(),
		Timeout:  schedule.Duration(task.Timeout),
	}
	if !m.WebhookURLWOVersion.IsNull() {
		s.Webhook = member.GivenName(task, webhookWhat, m.WebhookURLWOVersion)
	}
	return s
}

const webhookWhat = "webhook"

func jitter(text types.String) *schedule.Duration {
	if text.IsNull() {
		return nil
	}
	d := schedule.Duration(member.Duration(text))
	return &d
}

// setBackup fills the configuration from the backup task, as an import needs it.
func (m *model) setBackup(ctx context.Context, portal string, task stack.Member) diag.Diagnostics {
	m.Portal = types.StringValue(portal)
	m.Name = types.StringValue(scheduleName(task.Name))
	m.Timeout = member.DurationOrNull(task.Timeout)
	m.Repository = member.TextOrNull(task.Environment[repository])
	m.Keep = keepFrom(task.Environment)
	include, diags := types.SetValueFrom(ctx, types.StringType, included(task.Environment[includeVariable]))
	m.Include = include
	m.CredentialsWO = types.MapNull(types.StringType)
	m.CredentialsWOVersion = member.VersionOf(slices.Collect(maps.Values(task.GivenSecrets))...)

	s, err := schedule.Parse(task.Schedule)
	if err != nil {
		diags.AddError("The schedule of "+task.Name+" cannot be read", err.Error())
		return diags
	}
	m.Cron = types.StringValue(s.Cron)
	m.Timezone = types.StringValue(s.Timezone)
	m.Paused = types.BoolValue(s.Paused)
	m.Retries = types.Int64Value(int64(s.Retries))
	m.Jitter = types.StringNull()
	if s.Jitter != nil {
		m.Jitter = types.StringValue(member.DurationText(time.Duration(*s.Jitter)))
	}
	m.WebhookURLWOVersion = member.VersionOf(s.Webhook)
	return diags
}

// setVerify fills the attribute verify from the task that checks the repository.
func (m *model) setVerify(ctx context.Context, task stack.Member) diag.Diagnostics {
	var diags diag.Diagnostics
	s, err := schedule.Parse(task.Schedule)
	if err != nil {
		diags.AddError("The schedule of "+task.Name+" cannot be read", err.Error())
		return diags
	}
	percent, err := strconv.ParseInt(strings.TrimSuffix(task.Environment[subsetVariable], "%"), 10, 64)
	if err != nil {
		percent = defaultReadPercent
	}
	value, d := types.ObjectValueFrom(ctx, verifyType.AttrTypes, verification{
		Cron: types.StringValue(s.Cron), ReadDataPercent: types.Int64Value(percent),
	})
	diags.Append(d...)
	m.Verify = value
	return diags
}
