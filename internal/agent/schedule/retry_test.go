// SPDX-License-Identifier: MPL-2.0

package schedule_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRetries(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.write("acme/secrets/given/hook", "https://hooks.example/secret\n")
		id := b.task("acme", "backup", `{"cron":"0 * * * *","jitter":"0s","retries":2,"retry_delay":"2m0s","webhook":"hook"}`, program{takes: time.Minute, code: 1, log: "no"})
		b.start()
		pass(90 * time.Minute)
		b.wantStarts(id, "01:00:00", "01:03:00", "01:08:00")
		b.wantTriggers("acme", "backup", "schedule retry retry")
		if got := fmt.Sprint(b.notifier.events()); got != "[failure]" {
			t.Errorf("the webhook was told of %s after three attempts", got)
		}
		n := b.notifier.notices[0]
		if n.Attempt != 3 || n.Host != "dal-1" || n.ExitCode != 1 || n.LogTail != "no" || b.notifier.to[0] != "https://hooks.example/secret" {
			t.Errorf("the webhook %q was told %+v", b.notifier.to, n)
		}

		// The next run fails once and is repeated with success.
		pass(29 * time.Minute)
		pass(90 * time.Second)
		b.docker.set(id, program{takes: time.Second})
		pass(90 * time.Minute)
		b.wantStarts(id, "01:00:00", "01:03:00", "01:08:00", "02:00:00", "02:03:00", "03:00:00")
		if got := fmt.Sprint(b.notifier.events()); got != "[failure recovery]" {
			t.Errorf("the webhook was told of %s", got)
		}
		if strings.Contains(b.log.String(), "hooks.example") {
			t.Error("the log holds the webhook's address")
		}
	})
}

// TestRetriesSurviveARestart repeats a run under the next scheduler, unless the
// task is due again by then.
func TestRetriesSurviveARestart(t *testing.T) {
	for name, tt := range map[string]struct {
		down     time.Duration
		starts   []string
		triggers string
	}{
		"in time":           {time.Minute, []string{"01:00:00", "01:11:00"}, "schedule retry"},
		"late":              {30 * time.Minute, []string{"01:00:00", "01:32:00"}, "schedule retry"},
		"when due again":    {time.Hour, []string{"01:00:00", "02:02:00", "02:13:00"}, "schedule catch-up retry"},
		"long after it all": {49 * time.Hour, []string{"01:00:00", "02:02:00", "02:13:00"}, "schedule catch-up retry"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bed) {
				id := b.task("acme", "backup", `{"cron":"0 * * * *","jitter":"0s","retries":1,"retry_delay":"10m0s"}`, program{takes: time.Minute, code: 1})
				b.start()
				pass(62 * time.Minute)
				b.stop()
				pass(tt.down)
				b.start()
				pass(25 * time.Minute)
				b.wantStarts(id, tt.starts...)
				b.wantTriggers("acme", "backup", tt.triggers)
			})
		})
	}
}

// TestPauseDropsRetries so that a task does not run at once when it is resumed.
func TestPauseDropsRetries(t *testing.T) {
	inBubble(t, func(b *bed) {
		const running, paused = `{"cron":"0 * * * *","jitter":"0s","retries":1,"retry_delay":"10m0s"}`, `{"cron":"0 * * * *","jitter":"0s","retries":1,"paused":true}`
		id := b.task("acme", "backup", running, program{takes: time.Minute, code: 1})
		b.start()
		pass(62 * time.Minute)
		for _, text := range []string{paused, running} {
			b.docker.remove(id)
			id = b.task("acme", "backup", text, program{takes: time.Minute})
			pass(20 * time.Minute)
			b.wantStarts(id)
		}
		pass(20 * time.Minute)
		b.wantStarts(id, "02:00:00")
	})
}

// TestPauseOverADueTime does not make up for what was due in the pause.
func TestPauseOverADueTime(t *testing.T) {
	inBubble(t, func(b *bed) {
		id := b.task("acme", "backup", hourly, program{takes: time.Minute})
		b.start()
		for _, text := range []string{`{"cron":"0 * * * *","jitter":"0s","paused":true}`, hourly} {
			pass(70 * time.Minute)
			b.docker.remove(id)
			id = b.task("acme", "backup", text, program{takes: time.Minute})
		}
		pass(time.Hour) // from 02:20
		b.wantStarts(id, "03:00:00")
		b.wantTriggers("acme", "backup", "schedule schedule")
	})
}

// TestFailureOfAFrequentTask is told although its retries never run out.
func TestFailureOfAFrequentTask(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.write("acme/secrets/given/hook", "https://hooks.example/secret")
		b.task("acme", "tick", `{"cron":"* * * * *","retries":3,"retry_delay":"5m0s","webhook":"hook"}`, program{takes: time.Second, code: 1})
		b.start()
		pass(90 * time.Second)
		if got := fmt.Sprint(b.notifier.events()); got != "[failure]" {
			t.Errorf("the webhook was told of %s", got)
		}
	})
}

// TestNoticesWait has a webhook that cannot be reached, and a restart meanwhile.
func TestNoticesWait(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.write("acme/secrets/given/hook", "https://hooks.example/secret")
		b.notifier.fail(errors.New("no route to host"))
		b.task("acme", "backup", `{"cron":"0 * * * *","jitter":"0s","webhook":"hook"}`, program{takes: time.Second, code: 1})
		b.start()
		pass(70 * time.Minute)
		b.stop()
		if n := len(b.history("acme", "backup").Notices); n != 1 {
			t.Fatalf("%d notices wait, want 1", n)
		}
		b.notifier.fail(nil)
		b.start()
		pass(time.Second)
		if got := fmt.Sprint(b.notifier.events()); got != "[failure]" {
			t.Errorf("the webhook was told of %s", got)
		}
		if n := len(b.history("acme", "backup").Notices); n != 0 {
			t.Errorf("%d notices wait after delivery", n)
		}
	})
}
