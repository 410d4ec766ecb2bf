// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// model is the resource as Terraform has it.
type model struct {
	member.Head
	member.Container
	From                types.String   `tfsdk:"from"`
	RunOn               types.Map      `tfsdk:"run_on"`
	Timeout             types.String   `tfsdk:"timeout"`
	Cron                types.String   `tfsdk:"cron"`
	Timezone            types.String   `tfsdk:"timezone"`
	Jitter              types.String   `tfsdk:"jitter"`
	Retries             types.Int64    `tfsdk:"retries"`
	Paused              types.Bool     `tfsdk:"paused"`
	WebhookURLWO        types.String   `tfsdk:"webhook_url_wo"`
	WebhookURLWOVersion types.Int64    `tfsdk:"webhook_url_wo_version"`
	Timeouts            timeouts.Value `tfsdk:"timeouts"`
	NextRun             types.String   `tfsdk:"next_run"`
	LastRun             types.Object   `tfsdk:"last_run"`
}

var lastRunType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"started":   types.StringType,
	"finished":  types.StringType,
	"exit_code": types.Int64Type,
	"ok":        types.BoolType,
	"error":     types.StringType,
	"log":       types.StringType,
}}

// webhookWhat is what the webhook's address is called among given secrets.
const webhookWhat = "webhook"

// known tells whether everything that the task is made from is known. secrets
// are the configured secret files, of which only the paths count.
func (m model) known(ctx context.Context, secrets types.Map) bool {
	return !secrets.IsUnknown() && m.Container.Known(ctx) && member.Known(ctx, m.Portal, m.Name, m.From, m.RunOn,
		m.Timeout, m.Cron, m.Timezone, m.Jitter, m.Retries, m.Paused, m.WebhookURLWOVersion)
}

// domain is the configuration in the domain's terms. The model must be known.
func (m model) domain(ctx context.Context, secrets types.Map) (stack.Member, diag.Diagnostics) {
	out := stack.Member{
		Kind:    stack.MemberTask,
		Name:    m.Name.ValueString(),
		From:    m.From.ValueString(),
		Timeout: member.Duration(m.Timeout),
	}
	diags := m.AddTo(ctx, &out)
	m.AddGiven(&out, secrets)
	if len(m.RunOn.Elements()) > 0 {
		diags.Append(m.RunOn.ElementsAs(ctx, &out.RunOn, false)...)
		return out, diags
	}
	s := m.schedule(out)
	if s == (schedule.Schedule{}) {
		return out, diags
	}
	if err := s.Validate(); err != nil {
		diags.AddError("The schedule is not valid", err.Error())
	}
	out.Schedule = s.Text()
	return out, diags
}

// schedule is when the task is started, how long it may run and who is told. A
// task that only people start has one as well if it says anything of these.
func (m model) schedule(task stack.Member) schedule.Schedule {
	s := schedule.Schedule{
		Cron:     m.Cron.ValueString(),
		Timezone: m.Timezone.ValueString(),
		Timeout:  schedule.Duration(task.Timeout),
		Retries:  int(m.Retries.ValueInt64()),
		Paused:   m.Paused.ValueBool(),
	}
	if !m.Jitter.IsNull() {
		d := schedule.Duration(member.Duration(m.Jitter))
		s.Jitter = &d
	}
	if !m.WebhookURLWOVersion.IsNull() {
		s.Webhook = member.GivenName(task, webhookWhat, m.WebhookURLWOVersion)
	}
	return s
}

// setMember fills the configuration from the domain's terms, as an import needs
// it: what is empty becomes null, as if it had never been written, or the
// default.
func (m *model) setMember(ctx context.Context, portal string, t stack.Member) diag.Diagnostics {
	m.Portal = types.StringValue(portal)
	m.Name = types.StringValue(t.Name)
	m.From = member.TextOrNull(t.From)
	m.Timeout = member.DurationOrNull(t.Timeout)
	m.WebhookURLWO = types.StringNull()
	m.Timeouts = member.NoTimeouts()

	diags := m.SetFrom(ctx, t)
	m.RunOn = member.MapOrNull(ctx, t.RunOn, &diags)
	var s schedule.Schedule
	if t.Schedule != "" {
		var err error
		if s, err = schedule.Parse(t.Schedule); err != nil {
			diags.AddError("The schedule of "+member.Title(t)+" cannot be read", err.Error())
		}
	}
	m.setSchedule(s)
	return diags
}

func (m *model) setSchedule(s schedule.Schedule) {
	m.Cron = member.TextOrNull(s.Cron)
	m.Timezone = member.TextOrNull(s.Timezone)
	m.Paused = types.BoolValue(s.Paused)
	m.WebhookURLWOVersion = member.VersionOf(s.Webhook)
	m.Retries = types.Int64Null()
	if s.Retries != 0 {
		m.Retries = types.Int64Value(int64(s.Retries))
	}
	m.Jitter = types.StringNull()
	if s.Jitter != nil {
		m.Jitter = types.StringValue(member.DurationText(time.Duration(*s.Jitter)))
	}
}
