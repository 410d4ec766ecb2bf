// SPDX-License-Identifier: MPL-2.0

package task

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// planRuns says what is known of runs before anything happens: as long as the
// task itself stays as it is, what was read of them does. That time goes by is
// so never a difference.
func (m *model) planRuns(prior *model) {
	if prior != nil && m.Digest.Equal(prior.Digest) && m.Status.Equal(prior.Status) {
		m.NextRun, m.LastRun = prior.NextRun, prior.LastRun
		return
	}
	m.NextRun = types.StringUnknown()
	m.LastRun = types.ObjectUnknown(lastRunType.AttrTypes)
	if m.Cron.IsNull() || m.Paused.ValueBool() {
		m.NextRun = types.StringNull()
	}
}

// settleRuns fills in what was unknown in a plan that was carried out.
func (m *model) settleRuns(result deploy.MemberState) {
	if m.NextRun.IsUnknown() {
		m.NextRun = timeOrNull(result.NextRun)
	}
	if m.LastRun.IsUnknown() {
		m.LastRun = lastRun(result.Runs)
	}
}

// observeRuns puts what was found into a state.
func (m *model) observeRuns(result deploy.MemberState) {
	m.NextRun = timeOrNull(result.NextRun)
	m.LastRun = lastRun(result.Runs)
}

// lastRun is the attribute last_run; null if the task never ran.
func lastRun(runs []schedule.Run) types.Object {
	run, found := schedule.History{Runs: runs}.Last()
	if !found {
		return types.ObjectNull(lastRunType.AttrTypes)
	}
	return types.ObjectValueMust(lastRunType.AttrTypes, map[string]attr.Value{
		"started":   timeOrNull(run.Started.UTC()),
		"finished":  timeOrNull(run.Finished.UTC()),
		"exit_code": types.Int64Value(int64(run.ExitCode)),
		"ok":        types.BoolValue(run.OK),
		"error":     member.TextOrNull(run.Reason),
		"log":       member.TextOrNull(run.Log),
	})
}

// timeOrNull writes a time for people and for Terraform's functions.
func timeOrNull(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.Format(time.RFC3339))
}
