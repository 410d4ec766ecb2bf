// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// found is what is there of a schedule.
type found struct {
	backup deploy.MemberState
	// verify is nil when there is no such task.
	verify *deploy.MemberState
}

// settle turns a plan that was carried out into a state.
func (m *model) settle(there found) {
	if m.Digest.IsUnknown() {
		m.Digest = there.digest()
	}
	m.Head.Settle(there.backup)
	if m.NextRun.IsUnknown() {
		m.NextRun = m.nextRun(there.backup)
	}
}

// observe turns a state into what was found.
func (m *model) observe(there found) {
	m.Head.Observe(there.backup, 1)
	m.Digest = there.digest()
	m.Status = m.status(there)
	m.NextRun = m.nextRun(there.backup)
	m.LastRun = lastRun(there.backup.Runs)
	m.LastVerify = types.ObjectNull(lastVerifyType.AttrTypes)
	if there.verify != nil {
		m.LastVerify = lastVerify(there.verify.Runs)
	}
}

// nextRun is when the next backup begins, by the clocks that cron is meant for.
func (m *model) nextRun(backup deploy.MemberState) types.String {
	zone, err := schedule.LoadZone(m.Timezone.ValueString())
	if err != nil {
		zone = time.UTC
	}
	return timeOrNull(backup.NextRun, zone)
}

func (f found) digest() types.String {
	digest := member.TextOrNull(f.backup.Summary.Digest)
	if f.verify == nil {
		return digest
	}
	return joinDigests(digest, types.StringValue(f.verify.Summary.Digest))
}

// status says what is wrong with either task. Called after Head.Observe, which
// knows the one of the backup.
func (m *model) status(there found) types.String {
	var faults []string
	if m.Status.ValueString() != stack.StatusReady {
		faults = append(faults, m.Status.ValueString())
	}
	if fault := m.verifyFault(there.verify); fault != "" {
		faults = append(faults, verifyTaskName(m.Name.ValueString())+": "+fault)
	}
	if len(faults) == 0 {
		return types.StringValue(stack.StatusReady)
	}
	return types.StringValue(strings.Join(faults, "; "))
}

// verifyFault says what is wrong with the task that checks the repository.
func (m *model) verifyFault(verify *deploy.MemberState) string {
	switch {
	case m.Verify.IsNull() && verify == nil:
		return ""
	case m.Verify.IsNull():
		return "left over from an unfinished update"
	case verify == nil:
		return member.StatusNothing
	}
	var head member.Head
	head.Observe(*verify, 1)
	if head.Status.ValueString() == stack.StatusReady {
		return ""
	}
	return head.Status.ValueString()
}
