// SPDX-License-Identifier: MPL-2.0

package schedule_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	agent "github.com/privateportals/terraform-provider-portal/internal/agent/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// speed is how many times faster the clock of these tests goes: a minute takes
// three seconds.
const speed = 20

// fastClock is a clock that goes faster than the engine's.
type fastClock struct{ began time.Time }

func (c fastClock) now() time.Time { return c.at(time.Now()) }

// at is what the clock shows at a time.
func (c fastClock) at(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.began.Add(t.Sub(c.began) * speed)
}

// real is when the clock shows a time.
func (c fastClock) real(shown time.Time) time.Time { return c.began.Add(shown.Sub(c.began) / speed) }

// fastEngine is a real engine whose times are those of a fast clock.
type fastEngine struct {
	*agent.Engine
	clock fastClock
}

func (e fastEngine) Inspect(ctx context.Context, id string) (agent.State, error) {
	s, err := e.Engine.Inspect(ctx, id)
	s.Created, s.Started, s.Finished = e.clock.at(s.Created), e.clock.at(s.Started), e.clock.at(s.Finished)
	return s, err
}

func (e fastEngine) Log(ctx context.Context, id string, since time.Time) (string, error) {
	return e.Engine.Log(ctx, id, e.clock.real(since))
}

// host is a Docker Engine of the test's own with a drive and a fast clock.
type host struct {
	*testing.T
	*acctest.Engine
	clock fastClock
	drive agent.SharedDrive
	log   *syncBuffer

	end   context.CancelFunc
	ended chan error
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{
		T: t, Engine: acctest.StartEngine(t), drive: newDrive(t), log: &syncBuffer{},
		// A whole minute, so that what is due can be told.
		clock: fastClock{time.Now().Truncate(time.Minute)},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(h.log.String())
		}
	})
	return h
}

// task makes the container of a task of the portal acme that runs a script.
func (h *host) task(name, text, script string) string {
	h.Helper()
	r, err := h.Docker.ContainerCreate(h.Context(), &container.Config{
		Image: enginetest.ImageName, Cmd: []string{"sh", "-c", script}, Labels: labels("acme", name, text),
	}, &container.HostConfig{NetworkMode: "none"}, nil, nil, "acme-"+name)
	if err != nil {
		h.Fatal(err)
	}
	return r.ID
}

func (h *host) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s := agent.New(agent.Options{
		Docker: fastEngine{agent.NewEngine(h.Docker), h.clock}, Drive: h.drive, Notifier: &fakeNotifier{},
		Host: "dal-1", Limit: 4, Alive: func() {}, Now: h.clock.now, Tick: 50 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(h.log, nil)),
	})
	h.end, h.ended = cancel, make(chan error, 1)
	go func() { h.ended <- s.Run(ctx) }()
	h.Cleanup(h.stop)
}

func (h *host) stop() {
	if h.end == nil {
		return
	}
	h.end()
	if err := <-h.ended; err != nil {
		h.Error(err)
	}
	h.end = nil
}

// runs are those that took place, once there are enough of them.
func (h *host) runs(task string, enough int) []schedule.Run {
	h.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		history, err := h.drive.ReadHistory("acme", task)
		if err != nil {
			h.Fatal(err)
		}
		runs := slices.DeleteFunc(slices.Clone(history.Runs), func(r schedule.Run) bool { return r.Skipped > 0 })
		if len(runs) >= enough {
			return runs
		}
		if time.Now().After(deadline) {
			h.Fatalf("%s ran %d times, want %d", task, len(runs), enough)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestOnTheEngine has two tasks of every minute on a real engine: one runs on
// time three times, the other takes longer and never overlaps itself.
func TestOnTheEngine(t *testing.T) {
	h := newHost(t)
	h.task("quick", everyMinute, "echo I ran")
	h.task("slow", everyMinute, "sleep 5")
	h.start()
	runs := h.runs("quick", 3)
	for i, run := range runs {
		if late := run.Started.Sub(run.Due); late < 0 || late > time.Minute || !run.OK || run.Log != "I ran" {
			t.Errorf("run %d was due at %s and began %s later: %+v", i, run.Due, late, run)
		}
		if i > 0 && run.Due.Sub(runs[i-1].Due) != time.Minute {
			t.Errorf("runs were due at %s and %s", runs[i-1].Due, run.Due)
		}
	}
	slow := h.runs("slow", 3)
	for i := range slow[1:] {
		if !slow[i+1].Started.After(slow[i].Finished) {
			t.Errorf("a run overlaps the one before: %+v, %+v", slow[i], slow[i+1])
		}
	}

	// Due times without a scheduler, two at least, are one run.
	h.stop()
	stopped := h.clock.now()
	time.Sleep(2 * time.Minute / speed)
	h.start()
	started := h.clock.now()
	h.runs("quick", len(h.runs("quick", 0))+2)
	missed := slices.DeleteFunc(h.runs("quick", 0), func(r schedule.Run) bool {
		return !r.Due.After(stopped) || r.Due.After(started)
	})
	if len(missed) != 1 {
		t.Errorf("without a scheduler from %s until %s, these runs made up for what was missed: %+v", stopped, started, missed)
	}
}

// TestLimitOnTheEngine has 30 portals due at the same minute.
func TestLimitOnTheEngine(t *testing.T) {
	acctest.Long(t)
	h := newHost(t)
	const portals = 30
	due := h.clock.now().Add(4 * time.Minute).UTC()
	text := fmt.Sprintf(`{"cron":"%d %d * * *","jitter":"0s"}`, due.Minute(), due.Hour())
	for i := range portals {
		h.task(fmt.Sprintf("backup-%d", i), text, "sleep 1")
	}
	count := h.countRunning()
	h.start()
	for i := range portals {
		if runs := h.runs(fmt.Sprintf("backup-%d", i), 1); !runs[0].OK || len(runs) != 1 {
			t.Errorf("task %d: %+v", i, runs)
		}
	}
	most, starts := count()
	if most > 4 || starts != portals {
		t.Errorf("%d ran at once and %d were started, want 4 and %d", most, starts, portals)
	}
}

// countRunning counts by the engine's own events how many containers ran at
// once, and how often one was started.
func (h *host) countRunning() func() (most, starts int) {
	messages, _ := h.Docker.Events(h.Context(), events.ListOptions{Filters: filters.NewArgs(filters.Arg("label", schedule.Label))})
	var mu sync.Mutex
	running, most, starts := 0, 0, 0
	go func() {
		for {
			select {
			case m := <-messages:
				mu.Lock()
				switch m.Action {
				case events.ActionStart:
					starts++
					running++
					most = max(most, running)
				case events.ActionDie:
					running--
				}
				mu.Unlock()
			case <-h.Context().Done():
				return
			}
		}
	}()
	return func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return most, starts
	}
}

// TestEngineRestarts kills dockerd under the scheduler while a run goes on.
func TestEngineRestarts(t *testing.T) {
	acctest.Long(t)
	h := newHost(t)
	h.task("tick", everyMinute, "true")
	long := h.task("long", `{}`, "sleep 600")
	h.start()
	h.runs("tick", 1)
	if err := h.Docker.ContainerStart(t.Context(), long, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	h.Kill(t)
	before := len(h.runs("tick", 1))
	h.Start(t)
	h.runs("tick", before+2)
	// dockerd without live restore ends what ran.
	if run := h.runs("long", 1)[0]; run.OK || run.Trigger != schedule.Manual {
		t.Errorf("a run that dockerd took down is recorded as %+v", run)
	}
}

// TestFailuresOnTheEngine are recorded with what Docker knows of them.
func TestFailuresOnTheEngine(t *testing.T) {
	acctest.Long(t)
	h := newHost(t)
	h.task("fails", everyMinute, "echo out; echo err >&2; exit 7")
	h.task("hangs", `{"cron":"* * * * *","timeout":"5s"}`, "trap 'exit 0' TERM; sleep 1000 & wait")
	h.start()
	if run := h.runs("fails", 1)[0]; run.OK || run.ExitCode != 7 || run.Reason != "exit code 7" || !strings.Contains(run.Log, "out") || !strings.Contains(run.Log, "err") {
		t.Errorf("a run that failed is recorded as %+v", run)
	}
	if run := h.runs("hangs", 1)[0]; run.OK || run.ExitCode != 0 || !strings.Contains(run.Reason, "time-out of 5s") {
		t.Errorf("a run that took too long is recorded as %+v", run)
	}

	// A command that is not there: Docker cannot start it.
	if _, err := h.Docker.ContainerCreate(t.Context(), &container.Config{
		Image: enginetest.ImageName, Cmd: []string{"/no/such/program"}, Labels: labels("acme", "broken", everyMinute),
	}, nil, nil, nil, "acme-broken"); err != nil {
		t.Fatal(err)
	}
	if run := h.runs("broken", 1)[0]; run.OK || !strings.Contains(run.Reason, "/no/such/program") {
		t.Errorf("a start that failed is recorded as %+v", run)
	}

	// One that is removed while it runs.
	gone := h.task("gone", `{}`, "sleep 600")
	if err := h.Docker.ContainerStart(t.Context(), gone, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(h.log.String(), "msg=\"run goes on\" portal=acme task=gone") {
		time.Sleep(20 * time.Millisecond)
	}
	if err := h.Docker.ContainerRemove(t.Context(), gone, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if run := h.runs("gone", 1)[0]; run.OK {
		t.Errorf("a run whose container was removed is recorded as %+v", run)
	}
}
