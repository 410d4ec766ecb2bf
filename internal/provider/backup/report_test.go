// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

func TestLastRun(t *testing.T) {
	started := time.Date(2026, 7, 1, 2, 15, 4, 0, time.FixedZone("", 2*60*60))
	run := schedule.Run{Started: started, Finished: started.Add(time.Minute), OK: true}
	with := func(change func(*schedule.Run)) schedule.Run {
		r := run
		change(&r)
		return r
	}
	values := func(ok bool, fault, snapshot string, bytes int64) map[string]attr.Value {
		v := map[string]attr.Value{
			"started": types.StringValue("2026-07-01T00:15:04Z"), "finished": types.StringValue("2026-07-01T00:16:04Z"),
			"ok": types.BoolValue(ok), "error": types.StringNull(), "snapshot": types.StringNull(), "bytes": types.Int64Null(),
		}
		if fault != "" {
			v["error"] = types.StringValue(fault)
		}
		if snapshot != "" {
			v["snapshot"], v["bytes"] = types.StringValue(snapshot), types.Int64Value(bytes)
		}
		return v
	}
	for name, tc := range map[string]struct {
		runs []schedule.Run
		want map[string]attr.Value // nil: null
	}{
		"never":        {nil, nil},
		"only skipped": {[]schedule.Run{{Due: started, Skipped: 3, Reason: "still running"}}, nil},
		"well": {
			[]schedule.Run{with(func(r *schedule.Run) {
				r.Log = "backup: done\n{\"ok\":true,\"snapshot\":\"4f1c22ab\",\"bytes\":0,\"files\":0}\n"
			})},
			values(true, "", "4f1c22ab", 0),
		},
		"errors are written after the result": {
			[]schedule.Run{with(func(r *schedule.Run) {
				r.Log = "{\"ok\":true,\"snapshot\":\"4f1c22ab\",\"bytes\":7}\nbackup: done {not json}\n{\"other\":1}"
			})},
			values(true, "", "4f1c22ab", 7),
		},
		"not well, and it says why": {
			[]schedule.Run{run, with(func(r *schedule.Run) {
				r.OK, r.ExitCode, r.Reason = false, 1, "exit code 1"
				r.Log = "backup: the disk is full\n{\"ok\":false,\"error\":\"the disk is full\"}"
			})},
			values(false, "the disk is full", "", 0),
		},
		"killed": {
			[]schedule.Run{with(func(r *schedule.Run) {
				r.OK, r.ExitCode, r.Reason, r.Log = false, 137, "it was killed (exit code 137)", "backup: saving media"
			}), {Due: started, Skipped: 1, Reason: "still running"}},
			values(false, "it was killed (exit code 137)", "", 0),
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := types.ObjectNull(lastRunType.AttrTypes)
			if tc.want != nil {
				want = types.ObjectValueMust(lastRunType.AttrTypes, tc.want)
			}
			if got := lastRun(tc.runs); !got.Equal(want) {
				t.Errorf("%s\ninstead of\n%s", got, want)
			}
		})
	}
}

func TestPartsAreReadBack(t *testing.T) {
	for want, chosen := range map[string][]string{
		"mysql mongo media overrides": {"overrides", "media", "databases"},
		"mysql mongo":                 {"databases"},
		"overrides":                   {"overrides"},
	} {
		got := includes(chosen)
		if got != want {
			t.Errorf("%q becomes %q instead of %q", chosen, got, want)
		}
		if back := includes(included(got)); back != want {
			t.Errorf("%q is read back as %q", want, back)
		}
	}
}
