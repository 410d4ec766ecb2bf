// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Hand scales a service, as somebody may do by hand.
type Hand func(t *testing.T, service string, replicas int)

// byHand is that of the engine under test.
var byHand Hand

func goneUnit(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", nil)
	for _, kind := range []stack.Kind{stack.Stop, stack.Remove, stack.WaitEnd} {
		Do(t, e, st, kind, "web", "")
	}
	Do(t, e, st, stack.RemoveNetwork, "", stack.NetworkName(st.Portal, "default"))
}

// apply reconciles, and carries the plan out.
func apply(t *testing.T, e engine.Engine, st *stack.Stack) error {
	t.Helper()
	ctx := Context(t)
	o, err := e.Observe(ctx, st.Portal)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := e.Reconcile(st, o)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Execute(ctx, e, st, plan, nil)
}

// settled wants that there is nothing to do, and that all is as desired.
func settled(t *testing.T, e engine.Engine, st *stack.Stack) {
	t.Helper()
	o, err := e.Observe(Context(t), st.Portal)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := e.Reconcile(st, o)
	if err != nil || !plan.Empty() {
		t.Errorf("there is something left to do: %v, %v", plan.Operations, err)
	}
	want, got := stack.Summarize(st), stack.SummarizeObserved(o)
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s is %+v, want %+v", name, got[name], w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("observed %v", got)
	}
}

// site is a service of three replicas whose health says whether it was told to be
// well.
func site(t *testing.T, st *stack.Stack, word string) {
	Add(t, st, "web", func(s *stack.Service) {
		s.Replicas, s.Update = 3, stack.StartFirst
		s.Command = []string{"sh", "-c", "echo my word is " + word + "; sleep infinity"}
		s.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "test", word, "!=", "bad"}, Interval: time.Second, Timeout: 5 * time.Second, Retries: 1}
		s.StopGrace = time.Second
	})
}

func updateRollsOut(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	site(t, st, "first")
	Add(t, st, "migrate", asTask(time.Minute, "echo migrated"))
	if err := apply(t, e, st); err != nil {
		t.Fatal(err)
	}
	settled(t, e, st)
	site(t, st, "second")
	st.Services["web"].Replicas = 2
	if err := apply(t, e, st); err != nil {
		t.Fatal(err)
	}
	settled(t, e, st)
	delete(st.Services, "migrate")
	if err := apply(t, e, st); err != nil {
		t.Fatal(err)
	}
	settled(t, e, st)
}

func updateRollsBack(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	site(t, st, "first")
	if err := apply(t, e, st); err != nil {
		t.Fatal(err)
	}
	former := *st.Services["web"]
	site(t, st, "bad")
	err := apply(t, e, st)
	if err == nil || !strings.Contains(err.Error(), "put back") || !strings.Contains(err.Error(), "my word is bad") {
		t.Errorf("the update failed with %v", err)
	}
	st.Services["web"] = &former
	settled(t, e, st)
}

func unitChangedByHand(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	site(t, st, "first")
	if err := apply(t, e, st); err != nil {
		t.Fatal(err)
	}
	byHand(t, stack.UnitName(st.Portal, "web"), 1)
	o, err := e.Observe(Context(t), st.Portal)
	if err != nil {
		t.Fatal(err)
	}
	if status := stack.SummarizeObserved(o)["web"].Status; !strings.Contains(status, "replicas 1 instead of 3") {
		t.Errorf("the status is %q", status)
	}
	if err := apply(t, e, st); err != nil {
		t.Fatal(err)
	}
	settled(t, e, st)
}

func unitFlushes(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	drive := t.TempDir()
	Add(t, st, "db", func(s *stack.Service) {
		s.Command = []string{"sh", "-c", `trap 'sleep 12; echo flushed > /data/log; exit 0' TERM; while :; do sleep 0.1; done`}
		s.Mounts = []stack.Mount{{Source: drive, Target: "/data"}}
		s.StopGrace = 40 * time.Second
	})
	Up(t, e, st, "db")
	Do(t, e, st, stack.WaitHealthy, "db", "")
	Do(t, e, st, stack.Stop, "db", "")
	if log, err := os.ReadFile(filepath.Join(drive, "log")); err != nil || string(log) != "flushed\n" {
		t.Errorf("it was taken for stopped before it flushed: %q, %v", log, err)
	}
}
