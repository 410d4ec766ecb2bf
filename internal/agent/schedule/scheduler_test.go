// SPDX-License-Identifier: MPL-2.0

package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

const (
	everyMinute = `{"cron":"* * * * *"}`
	hourly      = `{"cron":"0 * * * *","jitter":"0s"}`
)

// TestEveryMinute runs one task on time, while another one that takes longer
// than a minute never overlaps itself.
func TestEveryMinute(t *testing.T) {
	inBubble(t, func(b *bed) {
		quick := b.task("acme", "quick", everyMinute, program{takes: time.Second, log: "done"})
		slow := b.task("acme", "slow", everyMinute, program{takes: 150 * time.Second})
		b.start()
		pass(6*time.Minute + 45*time.Second)
		b.wantStarts(quick, "00:01:00", "00:02:00", "00:03:00", "00:04:00", "00:05:00", "00:06:00")
		b.wantStarts(slow, "00:01:00", "00:04:00")
		b.wantTriggers("acme", "slow", "skipped schedule skipped schedule")

		run := b.history("acme", "quick").Runs[0]
		if run.Log != "done" || !run.OK || run.Attempt != 1 || !run.Due.Equal(run.Started) || run.Finished.Sub(run.Started) != time.Second {
			t.Errorf("a run is recorded as %+v", run)
		}
		if skips := b.history("acme", "slow").Runs[0]; skips.Skipped != 2 || !strings.Contains(skips.Reason, "still going on") {
			t.Errorf("two starts that a run stood in the way of are recorded as %+v", skips)
		}
	})
}

// TestCatchUp stops the scheduler over due times.
func TestCatchUp(t *testing.T) {
	for name, tt := range map[string]struct {
		schedule, triggers string
		down               time.Duration
		starts             []string
	}{
		"exactly one run makes up for two": {
			hourly, "schedule catch-up schedule", 2 * time.Hour, []string{"01:00:00", "03:30:00", "04:00:00"},
		},
		"a due time that has just passed": {
			hourly, "schedule schedule schedule", 90*time.Minute + 20*time.Second, []string{"01:00:00", "03:00:20", "04:00:00"},
		},
		"none where none was due": {
			hourly, "schedule schedule schedule schedule", 20 * time.Minute, []string{"01:00:00", "02:00:00", "03:00:00", "04:00:00"},
		},
		"none where it is not wanted": {
			`{"cron":"0 * * * *","jitter":"0s","skip_missed":true}`, "schedule skipped schedule", 2 * time.Hour, []string{"01:00:00", "04:00:00"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bed) {
				id := b.task("acme", "backup", tt.schedule, program{takes: time.Second})
				b.start()
				pass(90 * time.Minute)
				b.stop()
				pass(tt.down)
				b.start()
				pass(4*time.Hour + 15*time.Minute - 90*time.Minute - tt.down)
				b.wantStarts(id, tt.starts...)
				b.wantTriggers("acme", "backup", tt.triggers)
			})
		})
	}
}

// TestJitterIsNoDelay has no scheduler when a task is due, but one when it is to
// be started.
func TestJitterIsNoDelay(t *testing.T) {
	inBubble(t, func(b *bed) {
		const text = `{"cron":"0 * * * *","jitter":"1h"}`
		s, err := schedule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		table, err := s.Timetable("acme", "backup")
		if err != nil {
			t.Fatal(err)
		}
		start := table.Next(b.now().Add(59 * time.Minute))
		if start.At.Sub(start.Due) < time.Minute {
			t.Fatalf("a jitter of %s proves nothing: give the task another name", start.At.Sub(start.Due))
		}
		id := b.task("acme", "backup", text, program{takes: time.Second})
		pass(start.At.Sub(b.now()) - time.Second)
		b.start()
		pass(30 * time.Second)
		b.wantStarts(id, start.At.UTC().Format("15:04:05"))
		b.wantTriggers("acme", "backup", "schedule")
	})
}

// TestChangeOfClocks runs a nightly task over the two nights of the year.
func TestChangeOfClocks(t *testing.T) {
	for night, want := range map[string]string{
		"2025-03-29T23:30:00Z": "2025-03-30T01:00:00Z",
		"2025-10-25T22:30:00Z": "2025-10-26T00:30:00Z",
	} {
		t.Run(night, func(t *testing.T) {
			inBubble(t, func(b *bed) {
				b.clock(night)
				id := b.task("acme", "backup", `{"cron":"30 2 * * *","timezone":"Europe/Paris","jitter":"0s"}`, program{takes: time.Second})
				b.start()
				pass(12 * time.Hour)
				starts := b.docker.starts(id)
				if len(starts) != 1 || !starts[0].Equal(at(t, want)) {
					t.Errorf("started at %v, want once at %s", starts, want)
				}
			})
		})
	}
}

// TestLimit has 30 portals due at the same minute.
func TestLimit(t *testing.T) {
	inBubble(t, func(b *bed) {
		var ids []string
		for i := range 30 {
			ids = append(ids, b.task(fmt.Sprintf("portal-%d", i), "backup", `{"cron":"5 * * * *","jitter":"0s"}`, program{takes: 20 * time.Second}))
		}
		b.start()
		pass(30 * time.Minute)
		for _, id := range ids {
			if n := len(b.docker.starts(id)); n != 1 {
				t.Errorf("%s was started %d times", id, n)
			}
		}
		if b.docker.mostAtOnce != 4 {
			t.Errorf("%d ran at once: the limit is 4", b.docker.mostAtOnce)
		}
	})
}

// TestQueueGoesByDueTime has one slot, and starts who was due first.
func TestQueueGoesByDueTime(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.limit = 1
		long := b.task("a", "long", `{"cron":"1 * * * *","jitter":"0s"}`, program{takes: 10 * time.Minute})
		third := b.task("b", "third", `{"cron":"4 * * * *","jitter":"0s"}`, program{takes: time.Minute})
		second := b.task("z", "second", `{"cron":"3 * * * *","jitter":"0s"}`, program{takes: time.Minute})
		b.start()
		pass(30 * time.Minute)
		b.wantStarts(long, "00:01:00")
		b.wantStarts(second, "00:11:00")
		b.wantStarts(third, "00:12:00")
	})
}

// TestRunByHandInTheQueue is what a task waits for whose slot comes later.
func TestRunByHandInTheQueue(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.limit = 1
		b.task("a", "long", `{"cron":"1 * * * *","jitter":"0s"}`, program{takes: 10 * time.Minute})
		id := b.task("b", "waits", `{"cron":"3 * * * *","jitter":"0s"}`, program{takes: 15 * time.Minute})
		b.start()
		pass(5 * time.Minute)
		b.docker.startByHand(id)
		pass(40 * time.Minute)
		b.wantStarts(id, "00:05:00")
		b.wantTriggers("b", "waits", "manual")
	})
}

func TestHundredsOfSchedules(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.limit = 1000
		var ids []string
		for i := range 300 {
			ids = append(ids, b.task(fmt.Sprintf("portal-%d", i), "tick", everyMinute, program{takes: 2 * time.Second}))
		}
		b.start()
		pass(3*time.Minute + 30*time.Second)
		for _, id := range ids {
			b.wantStarts(id, "00:01:00", "00:02:00", "00:03:00")
		}
	})
}

func TestRunByHand(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: 10 * time.Minute, code: 3})
		byHandOnly := b.task("acme", "report", `{}`, program{takes: time.Minute})
		b.start()
		pass(55 * time.Minute)
		b.docker.startByHand(id)
		b.docker.startByHand(byHandOnly)
		pass(80 * time.Minute)
		b.wantStarts(id, "00:55:00", "02:00:00")
		b.wantTriggers("acme", "backup", "skipped manual schedule")
		if run := b.history("acme", "backup").Runs[1]; run.ExitCode != 3 || run.OK || run.Reason != "exit code 3" {
			t.Errorf("a run by hand is recorded as %+v", run)
		}
		b.wantTriggers("acme", "report", "manual")
	})
}

// TestRunByHandCounts does not make up for a run that somebody made up for.
func TestRunByHandCounts(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", `{"cron":"0 2 * * *","jitter":"0s"}`, program{takes: time.Minute})
		pass(3 * time.Hour) // nobody is there at 02:00
		b.docker.startByHand(id)
		pass(time.Hour)
		b.start()
		pass(time.Hour)
		b.wantStarts(id, "03:00:00")
		b.wantTriggers("acme", "backup", "manual")
	})
}

// TestScheduleChanges makes the container anew with other labels, as an apply
// does.
func TestScheduleChanges(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: time.Second})
		b.start()
		pass(70 * time.Minute)
		b.docker.remove(id)
		id = b.task("acme", "backup", `{"cron":"12 * * * *","jitter":"0s"}`, program{takes: time.Second})
		pass(10 * time.Minute)
		b.wantStarts(id, "01:12:00")

		b.docker.remove(id)
		id = b.task("acme", "backup", `{"cron":"* * * * *","paused":true}`, program{takes: time.Second})
		pass(10 * time.Minute)
		b.docker.remove(id)
		id = b.task("acme", "backup", `{"cron":"29 * * * *","jitter":"0s"}`, program{takes: time.Second})
		pass(30 * time.Minute)
		// What was due while it was paused is not made up for.
		b.wantStarts(id)
		b.wantTriggers("acme", "backup", "schedule schedule")
		pass(40 * time.Minute)
		b.wantStarts(id, "02:29:00")
	})
}

// TestSameScheduleOnANewContainer does not forget a missed run because the
// container was made anew meanwhile.
func TestSameScheduleOnANewContainer(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: time.Second})
		b.start()
		pass(70 * time.Minute)
		b.stop()
		pass(time.Hour) // 02:00 is missed
		b.docker.remove(id)
		id = b.task("acme", "backup", `{"cron":"0 * * * *","jitter":"0s","retries":1}`, program{takes: time.Second})
		pass(time.Minute)
		b.start()
		pass(time.Minute)
		b.wantStarts(id, "02:11:00")
		b.wantTriggers("acme", "backup", "schedule catch-up")
	})
}

func TestTimeout(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", `{"cron":"0 * * * *","jitter":"0s","timeout":"10m"}`, program{takes: 100 * time.Hour})
		byHand := b.task("acme", "report", `{"timeout":"5m"}`, program{takes: 100 * time.Hour})
		b.start()
		b.docker.startByHand(byHand)
		pass(61 * time.Minute)
		b.stop() // the time goes on without the scheduler
		pass(4 * time.Minute)
		b.start()
		pass(4 * time.Minute)
		if !b.docker.state(id).Running {
			t.Error("stopped too early")
		}
		pass(2 * time.Minute)
		run, _ := b.history("acme", "backup").Last()
		if run.OK || !strings.Contains(run.Reason, "time-out of 10m0s") || run.Finished.Sub(run.Started) != 10*time.Minute {
			t.Errorf("a run that took too long is recorded as %+v", run)
		}
		if run, _ := b.history("acme", "report").Last(); run.Finished.Sub(run.Started) != 5*time.Minute {
			t.Errorf("one that was started by hand is recorded as %+v", run)
		}
	})
}

// TestOtherDrives have schedulers of their own.
func TestOtherDrives(t *testing.T) {
	inBubble(t, func(b *bed) {
		own := b.task("acme", "tick", everyMinute, program{takes: time.Second})
		l := labels("beta", "tick", everyMinute)
		l[pool.LabelDirectory] = "/mnt/other/beta"
		other := b.docker.createRaw("beta-tick", l, program{takes: time.Second})
		b.start()
		pass(90 * time.Second)
		b.wantStarts(own, "00:01:00")
		b.wantStarts(other)
	})
}

// TestHostileLabels are ignored, each with one line of log, and disturb nobody.
func TestHostileLabels(t *testing.T) {
	inBubble(t, func(b *bed) {
		good := b.task("acme", "tick", everyMinute, program{takes: time.Second})
		with := func(key, value string) map[string]string {
			l := labels("acme", "evil", everyMinute)
			l[key] = value
			return l
		}
		for i, l := range []map[string]string{
			with("io.privateportals.portal", "../../etc"),
			with("io.privateportals.portal", ""),
			with("io.privateportals.service", "../x"),
			with("io.privateportals.service", strings.Repeat("x", 5000)),
			with("io.privateportals.task", ""),
			with("io.privateportals.task", "service"),
			with(schedule.Label, strings.Repeat(`{"cron":`, 100_000)),
			with(schedule.Label, `{"cron":"* * * * *","webhook":"../../mysql_root"}`),
			with(schedule.Label, `{"cron":"x\nlevel=ERROR msg=forged"}`),
			labels("acme", "tick", everyMinute), // under another name
		} {
			b.docker.createRaw(fmt.Sprintf("evil-%d", i), l, program{})
		}
		b.start()
		pass(3*time.Minute + 30*time.Second)
		b.wantStarts(good, "00:01:00", "00:02:00", "00:03:00")
		ignored := 0
		for line := range strings.Lines(b.log.String()) {
			if len(line) > 1500 {
				t.Errorf("a line of log has %d bytes", len(line))
			}
			if strings.HasPrefix(line, "level=ERROR") {
				t.Error("a label forged a line of log")
			}
			if strings.Contains(line, "is ignored") {
				ignored++
			}
		}
		if ignored != 10 {
			t.Errorf("%d lines of log are on ignored containers, want 10:\n%s", ignored, b.log)
		}
	})
}
