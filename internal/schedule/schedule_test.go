// SPDX-License-Identifier: MPL-2.0

package schedule_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

func duration(d time.Duration) *schedule.Duration {
	out := schedule.Duration(d)
	return &out
}

func TestLabel(t *testing.T) {
	for label, s := range map[string]schedule.Schedule{
		`{}`:                {},
		`{"cron":"@daily"}`: {Cron: "@daily"},
		`{"cron":"* * * * *","timezone":"Europe/Paris","jitter":"0s","timeout":"2h0m0s","retries":3,"retry_delay":"30s","skip_missed":true,"paused":true,"webhook":"ops.hook"}`: {
			Cron: "* * * * *", Timezone: "Europe/Paris", Jitter: duration(0), Timeout: schedule.Duration(2 * time.Hour),
			Retries: 3, RetryDelay: schedule.Duration(30 * time.Second), SkipMissed: true, Paused: true, Webhook: "ops.hook",
		},
	} {
		if got := s.Text(); got != label {
			t.Errorf("%+v is %s, want %s", s, got, label)
		}
		got, err := schedule.Parse(label)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("Parse(%s) = %+v, %v", label, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for label, part := range map[string]string{
		``:                                 "not a schedule",
		`[]`:                               "not a schedule",
		`{"cron":"@daily"} {}`:             "more than a schedule",
		`{"crn":"@daily"}`:                 `unknown field "crn"`,
		`{"cron":"61 * * * *"}`:            "above maximum",
		`{"timezone":"Mars/Olympus"}`:      "IANA",
		`{"timezone":"../../etc/passwd"}`:  "IANA",
		`{"timezone":"Local"}`:             "host to host",
		`{"jitter":"-1s"}`:                 "jitter is -1s",
		`{"jitter":"13h"}`:                 "from 0s to 12h",
		`{"jitter":5}`:                     "not a schedule",
		`{"timeout":"1000h"}`:              "timeout",
		`{"retries":11}`:                   "retries is 11",
		`{"retries":-1}`:                   "retries is -1",
		`{"retry_delay":"2h"}`:             "retry_delay",
		`{"webhook":"../mysql_root"}`:      "not the name of a secret",
		`{"webhook":".x"}`:                 "not the name of a secret",
		strings.Repeat(" ", 9000) + "{}":   "at most 8192",
		`{"cron":"x","retries":99}`:        "retries is 99",
		`{"cron":"0 0 * * 7","retries":1}`: "Sunday is 0",
	} {
		if _, err := schedule.Parse(label); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Parse(%.60s): %v, want an error with %q", label, err, part)
		}
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestNext(t *testing.T) {
	from := at(t, "2025-06-01T12:00:00Z")
	for _, tt := range []struct {
		schedule schedule.Schedule
		want     string
	}{
		{schedule.Schedule{Cron: "15 2 * * *"}, "2025-06-02T02:15:00Z"},
		{schedule.Schedule{Cron: "15 2 * * *", Timezone: "Europe/Paris"}, "2025-06-02T02:15:00+02:00"},
		{schedule.Schedule{Cron: "0 12 * * *"}, "2025-06-02T12:00:00Z"},
	} {
		if got := tt.schedule.Next(from); got.Format(time.RFC3339) != tt.want {
			t.Errorf("%s: next is %s, want %s", tt.schedule.Text(), got.Format(time.RFC3339), tt.want)
		}
	}
	for _, never := range []schedule.Schedule{{}, {Cron: "@daily", Paused: true}, {Cron: "wrong"}} {
		if got := never.Next(from); !got.IsZero() {
			t.Errorf("%s: next is %s", never.Text(), got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		delay   time.Duration
		attempt int
		want    time.Duration
	}{
		{0, 1, time.Minute},
		{0, 2, 2 * time.Minute},
		{0, 10, time.Hour},
		{10 * time.Second, 3, 40 * time.Second},
		{time.Hour, 2, time.Hour},
	} {
		s := schedule.Schedule{RetryDelay: schedule.Duration(tt.delay)}
		if got := s.RetryAfter(tt.attempt); got != tt.want {
			t.Errorf("after attempt %d with a delay of %s: %s, want %s", tt.attempt, tt.delay, got, tt.want)
		}
	}
}

func TestWhenIsAboutTheDueTimesOnly(t *testing.T) {
	base := schedule.Schedule{Cron: "@daily", Timezone: "UTC"}
	same, other := base, base
	same.Retries, same.Webhook, same.Jitter = 3, "hook", duration(time.Second)
	other.Paused = true
	if base.When() != same.When() {
		t.Errorf("%s and %s are due at the same times", base.Text(), same.Text())
	}
	if base.When() == other.When() {
		t.Errorf("%s and %s are not due at the same times", base.Text(), other.Text())
	}
}

// TestJitter spreads the portals, each always to the same second.
func TestJitter(t *testing.T) {
	due := at(t, "2025-06-02T02:00:00Z")
	for text, most := range map[string]time.Duration{
		`{"cron":"0 2 * * *"}`:                  time.Minute,
		`{"cron":"0 * * * *"}`:                  time.Minute,
		`{"cron":"*/30 * * * *"}`:               0,
		`{"cron":"0 2 * * *","jitter":"0s"}`:    0,
		`{"cron":"*/30 * * * *","jitter":"5m"}`: 5 * time.Minute,
	} {
		s, err := schedule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[time.Duration]int{}
		for i := range 100 {
			table, err := s.Timetable(fmt.Sprintf("portal-%d", i), "backup")
			if err != nil {
				t.Fatal(err)
			}
			start := table.Next(due.Add(-time.Second))
			if later := table.Next(due.Add(-time.Second)); later != start {
				t.Fatalf("%s: at %s, and then at %s", text, start.At, later.At)
			}
			wait := start.At.Sub(start.Due)
			if wait < 0 || wait > most {
				t.Fatalf("%s: %s after it is due", text, wait)
			}
			// A start whose due time has passed is the next one all the same.
			if got := table.Next(start.At.Add(-time.Nanosecond)); got != start {
				t.Errorf("%s: next before %s is %s", text, start.At, got.At)
			}
			if got := table.Latest(start.At.Add(-time.Second), start.At); got != start {
				t.Errorf("%s: latest at %s is %s", text, start.At, got.At)
			}
			if got := table.Next(start.At); !got.Due.After(start.Due) {
				t.Errorf("%s: after %s comes %s", text, start.Due, got.Due)
			}
			seen[wait]++
		}
		if most > 0 && len(seen) < 30 {
			t.Errorf("%s: 100 portals are started at %d different times", text, len(seen))
		}
	}
}

func TestHistory(t *testing.T) {
	var h schedule.History
	if _, ok := h.Last(); ok {
		t.Error("there was no run, and there is a last one")
	}
	began := at(t, "2025-06-02T02:00:00Z")
	for i := range 25 {
		h.Add(schedule.Run{Trigger: schedule.Scheduled, Started: began.Add(time.Duration(i) * time.Hour), OK: true})
	}
	if len(h.Runs) != schedule.MaxRuns || !h.Runs[0].Started.Equal(began.Add(5*time.Hour)) {
		t.Errorf("%d runs from %s on are kept", len(h.Runs), h.Runs[0].Started)
	}
	for i := range 3 {
		h.Add(schedule.Run{Skipped: 1, Reason: "busy", Due: began.Add(time.Duration(i) * time.Minute)})
	}
	h.Add(schedule.Run{Skipped: 1, Reason: "missed"})
	last := len(h.Runs) - 1
	if got := h.Runs[last-1]; got.Skipped != 3 || !got.Due.Equal(began.Add(2*time.Minute)) {
		t.Errorf("three starts skipped one after the other are %+v", got)
	}
	if h.Runs[last].Skipped != 1 {
		t.Errorf("one skipped for another reason is %+v", h.Runs[last])
	}
	if run, ok := h.Last(); !ok || !run.Started.Equal(began.Add(24*time.Hour)) {
		t.Errorf("the last run is %+v", run)
	}

	h.Settle(began)
	h.Settle(began.Add(-time.Hour))
	h.Pending = &schedule.Pending{Run: schedule.Run{Trigger: schedule.Retry, Due: began}, At: began, Container: "c1", Before: began.Add(time.Nanosecond)}
	for i := range 12 {
		h.Notify(schedule.Notice{Event: schedule.Failure, ExitCode: i})
	}
	if len(h.Notices) != 10 || h.Notices[0].ExitCode != 2 {
		t.Errorf("%d notices from %d on wait", len(h.Notices), h.Notices[0].ExitCode)
	}
	again, err := schedule.ParseHistory(h.Record())
	if err != nil || !reflect.DeepEqual(again, h) {
		t.Errorf("written and read, the history is %+v, %v", again, err)
	}
	if _, err := schedule.ParseHistory([]byte("{")); err == nil {
		t.Error("half a history is accepted")
	}
}

func TestNotice(t *testing.T) {
	run := schedule.Run{Trigger: schedule.Scheduled, ExitCode: 3, Reason: "exit code 3", Log: "no space left", Attempt: 2}
	data, err := json.Marshal(schedule.NewNotice(schedule.Failure, "acme", "backup", "dal-1", run))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"event":"failure"`, `"portal":"acme"`, `"task":"backup"`, `"host":"dal-1"`, `"exit_code":3`, `"log_tail":"no space left"`,
		`"text":"Task backup of portal acme failed on host dal-1: exit code 3."`,
	} {
		if !strings.Contains(string(data), part) {
			t.Errorf("%s does not hold %s", data, part)
		}
	}
}
