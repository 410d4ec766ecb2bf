// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

var (
	lastVerifyType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"started":  types.StringType,
		"finished": types.StringType,
		"ok":       types.BoolType,
		"error":    types.StringType,
	}}
	lastRunType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"started":  types.StringType,
		"finished": types.StringType,
		"ok":       types.BoolType,
		"error":    types.StringType,
		"snapshot": types.StringType,
		"bytes":    types.Int64Type,
	}}
)

// result is what the backup task says of a run in the last line that it writes.
type result struct {
	OK       *bool  `json:"ok"`
	Snapshot string `json:"snapshot"`
	Bytes    *int64 `json:"bytes"`
	Error    string `json:"error"`
}

// lastRun is the attribute last_run; null if the task never ran.
func lastRun(runs []schedule.Run) types.Object {
	run, found := schedule.History{Runs: runs}.Last()
	if !found {
		return types.ObjectNull(lastRunType.AttrTypes)
	}
	said := resultOf(run.Log)
	values := runValues(run, said)
	values["snapshot"] = member.TextOrNull(said.Snapshot)
	values["bytes"] = types.Int64PointerValue(said.Bytes)
	return types.ObjectValueMust(lastRunType.AttrTypes, values)
}

// lastVerify is the attribute last_verify.
func lastVerify(runs []schedule.Run) types.Object {
	run, found := schedule.History{Runs: runs}.Last()
	if !found {
		return types.ObjectNull(lastVerifyType.AttrTypes)
	}
	return types.ObjectValueMust(lastVerifyType.AttrTypes, runValues(run, resultOf(run.Log)))
}

// runValues is what both tell. The task's own words say more of what failed
// than its exit code.
func runValues(run schedule.Run, said result) map[string]attr.Value {
	reason := types.StringNull()
	switch {
	case run.OK:
	case said.Error != "":
		reason = types.StringValue(said.Error)
	case run.Reason != "":
		reason = types.StringValue(run.Reason)
	}
	return map[string]attr.Value{
		"started":  timeOrNull(run.Started, time.UTC),
		"finished": timeOrNull(run.Finished, time.UTC),
		"ok":       types.BoolValue(run.OK),
		"error":    reason,
	}
}

// resultOf finds the result in the end of a run's output. What is written to
// standard error may come after it, and a run that was killed has none.
func resultOf(log string) result {
	lines := strings.Split(log, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(lines[i])
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var said result
		if json.Unmarshal([]byte(line), &said) == nil && said.OK != nil {
			return said
		}
	}
	return result{}
}

// timeOrNull writes a time for people and for Terraform's functions.
func timeOrNull(t time.Time, zone *time.Location) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.In(zone).Format(time.RFC3339))
}
