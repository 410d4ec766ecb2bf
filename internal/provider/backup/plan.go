// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// complete fills in the computed attributes of a planned schedule, as far as
// they are known before anything happens. credentials are the configured ones;
// prior is the state, nil for a schedule to be created.
func (m *model) complete(ctx context.Context, c *client.Client, credentials types.Map, prior *model) diag.Diagnostics {
	var head *member.Head
	if prior != nil {
		head = &prior.Head
	}
	m.Head.Plan(stack.MemberBackup, head, nil)
	m.planRuns(prior)
	if !m.known(ctx, credentials) {
		return nil
	}
	digest, diags := m.plannedDigest(ctx, c, credentials)
	m.Digest = digest
	return diags
}

// planRuns says what is known of runs: those that were stay, and the next one
// is when it was, unless it is planned for another time. What changes while
// time goes by is so never a difference.
func (m *model) planRuns(prior *model) {
	m.LastRun = types.ObjectNull(lastRunType.AttrTypes)
	m.LastVerify = types.ObjectNull(lastVerifyType.AttrTypes)
	if prior != nil {
		m.LastRun = prior.LastRun
		if !m.Verify.IsNull() {
			m.LastVerify = prior.LastVerify
		}
	}
	switch {
	case prior != nil && m.Cron.Equal(prior.Cron) && m.Timezone.Equal(prior.Timezone) && m.Paused.Equal(prior.Paused):
		m.NextRun = prior.NextRun
	case m.Paused.ValueBool():
		m.NextRun = types.StringNull()
	default:
		m.NextRun = types.StringUnknown()
	}
}

// plannedDigest is unknown while the portal's stack is. The model must be known.
func (m *model) plannedDigest(ctx context.Context, c *client.Client, credentials types.Map) (types.String, diag.Diagnostics) {
	portal := m.Portal.ValueString()
	backup, diags := m.backup(ctx, credentials)
	if diags.HasError() {
		return types.StringUnknown(), diags
	}
	joined, d := member.Join(ctx, c, portal, backup)
	diags.Append(atPortal(d)...)
	if joined == nil || m.Verify.IsNull() {
		return digestOf(joined, backup), diags
	}
	verify, d := m.verify(ctx, joined.Services[backup.Name].Command, credentials)
	diags.Append(d...)
	checked, d := member.Join(ctx, c, portal, verify)
	diags.Append(atPortal(d)...)
	if checked == nil {
		return types.StringUnknown(), diags
	}
	return joinDigests(digestOf(joined, backup), digestOf(checked, verify)), diags
}

func digestOf(part *stack.Stack, m stack.Member) types.String {
	if part == nil {
		return types.StringUnknown()
	}
	return types.StringValue(stack.Digest(part.Services[m.Name]))
}

// joinDigests makes one digest of those of the two tasks.
func joinDigests(backup, verify types.String) types.String {
	return types.StringValue(backup.ValueString() + "-" + verify.ValueString())
}

// atPortal puts errors about the blueprint's backup task, which no attribute
// names, at the portal that lacks it.
func atPortal(diags diag.Diagnostics) diag.Diagnostics {
	var out diag.Diagnostics
	for _, d := range diags {
		if located, ok := d.(diag.DiagnosticWithPath); ok && located.Path().Equal(path.Root("from")) {
			d = diag.NewAttributeErrorDiagnostic(path.Root("portal"), "The portal's blueprint makes no backups",
				fmt.Sprintf("A backup schedule starts a task named %q, as the built-in blueprint has it. %s", blueprintTask, d.Detail()))
		}
		out.Append(d)
	}
	return out
}
