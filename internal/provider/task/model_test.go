// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

var noSecrets = types.MapNull(types.StringType)

func TestMemberRoundTrip(t *testing.T) {
	ctx := context.Background()
	jitter, none := schedule.Duration(10*time.Minute), schedule.Duration(0)
	for name, want := range map[string]stack.Member{
		"by hand":         {Kind: stack.MemberTask, Name: "report", Image: "report:1"},
		"after another":   {Kind: stack.MemberTask, Name: "report", From: "lms", Command: []string{"manage.py", "report"}},
		"within an apply": {Kind: stack.MemberTask, Name: "report", From: "lms", RunOn: map[string]string{"release": "7"}, Timeout: time.Hour},
		"by the clock": {
			Kind: stack.MemberTask, Name: "report", From: "lms", Timeout: 90 * time.Minute,
			Schedule: schedule.Schedule{
				Cron: "15 2 * * *", Timezone: "Europe/Paris", Jitter: &jitter, Timeout: schedule.Duration(90 * time.Minute),
				Retries: 2, Paused: true, Webhook: "task-report-webhook-v3",
			}.Text(),
		},
		"by the clock, no jitter": {
			Kind: stack.MemberTask, Name: "report", Image: "report:1", Schedule: schedule.Schedule{Cron: "@daily", Jitter: &none}.Text(),
		},
		"by hand, told of": {
			Kind: stack.MemberTask, Name: "report", Image: "report:1", Schedule: schedule.Schedule{Webhook: "task-report-webhook-v1"}.Text(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			var m model
			if diags := m.setMember(ctx, "acme", want); diags.HasError() {
				t.Fatal(diags)
			}
			if !m.known(ctx, noSecrets) {
				t.Error("a model made from a member is not known")
			}
			got, diags := m.domain(ctx, noSecrets)
			if diags.HasError() {
				t.Fatal(diags)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestScheduleThatCannotBe(t *testing.T) {
	ctx := context.Background()
	var m model
	m.setMember(ctx, "acme", stack.Member{Name: "report", Image: "report:1", Timeout: 1000 * time.Hour})
	if _, diags := m.domain(ctx, noSecrets); !diags.HasError() {
		t.Error("a run of 1000 hours is allowed")
	}
}

func TestLastRun(t *testing.T) {
	began := time.Date(2026, 3, 29, 3, 15, 0, 0, time.FixedZone("CEST", 2*60*60))
	failed := schedule.Run{Started: began, Finished: began.Add(time.Minute), ExitCode: 3, Reason: "exit code 3", Log: "disk full\n"}
	if got := lastRun(nil); !got.IsNull() {
		t.Errorf("before the first run: %s", got)
	}
	skipped := schedule.Run{Skipped: 1, Reason: "it still ran"}
	got := lastRun([]schedule.Run{{OK: true}, failed, skipped}).Attributes()
	for name, want := range map[string]any{
		"started": types.StringValue("2026-03-29T01:15:00Z"), "finished": types.StringValue("2026-03-29T01:16:00Z"),
		"exit_code": types.Int64Value(3), "ok": types.BoolValue(false),
		"error": types.StringValue("exit code 3"), "log": types.StringValue("disk full\n"),
	} {
		if got[name] != want {
			t.Errorf("%s is %s instead of %s", name, got[name], want)
		}
	}
	if got := lastRun([]schedule.Run{{Reason: "no such image", ExitCode: -1}}).Attributes(); !got["started"].IsNull() || !got["finished"].IsNull() {
		t.Errorf("a run that never began: %v", got)
	}
}

// That time goes by is no change; that the task is another one makes what is
// known of its runs out of date.
func TestPlanRuns(t *testing.T) {
	ctx := context.Background()
	state := func(member stack.Member) *model {
		var m model
		m.setMember(ctx, "acme", member)
		m.Digest, m.Status = types.StringValue("d1"), types.StringValue("ready")
		m.observeRuns(deploy.MemberState{NextRun: time.Unix(1e9, 0), Runs: []schedule.Run{{OK: true, Started: time.Unix(9e8, 0)}}})
		return &m
	}
	daily := stack.Member{Name: "report", Image: "report:1", Schedule: schedule.Schedule{Cron: "@daily"}.Text()}
	manual := stack.Member{Name: "report", Image: "report:1"}
	paused := stack.Member{Name: "report", Image: "report:1", Schedule: schedule.Schedule{Cron: "@daily", Paused: true}.Text()}
	for name, tc := range map[string]struct {
		member     stack.Member
		prior      *model
		change     func(*model)
		next, last string
	}{
		"nothing changed":   {daily, state(daily), func(*model) {}, "known", "known"},
		"another one":       {daily, state(daily), func(m *model) { m.Digest = types.StringValue("d2") }, "unknown", "unknown"},
		"not known":         {daily, state(daily), func(m *model) { m.Digest = types.StringUnknown() }, "unknown", "unknown"},
		"mended":            {daily, state(daily), func(m *model) { m.Status = types.StringValue("never run") }, "unknown", "unknown"},
		"to be made":        {daily, nil, func(*model) {}, "unknown", "unknown"},
		"paused":            {paused, state(daily), func(m *model) { m.Digest = types.StringValue("d2") }, "null", "unknown"},
		"without a clock":   {manual, nil, func(*model) {}, "null", "unknown"},
		"unknown clock":     {daily, nil, func(m *model) { m.Cron = types.StringUnknown() }, "unknown", "unknown"},
		"by hand from then": {manual, state(daily), func(m *model) { m.Digest = types.StringValue("d2") }, "null", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			m := state(tc.member)
			tc.change(m)
			m.planRuns(tc.prior)
			for attribute, got := range map[string]struct {
				null, unknown bool
				want          string
			}{
				"next_run": {m.NextRun.IsNull(), m.NextRun.IsUnknown(), tc.next},
				"last_run": {m.LastRun.IsNull(), m.LastRun.IsUnknown(), tc.last},
			} {
				is := "known"
				if got.null {
					is = "null"
				}
				if got.unknown {
					is = "unknown"
				}
				if is != got.want {
					t.Errorf("%s is %s instead of %s", attribute, is, got.want)
				}
			}
		})
	}
}
