// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// simulator carries out operations on an Observed, as an engine would on
// containers, in a random order that the plan allows.
type simulator struct {
	t       *rapid.T
	desired *Stack
	state   Observed
	serial  int
	// sick names services whose new containers never become healthy.
	sick map[string]bool
	// each is called after every operation.
	each func()
}

// run executes at most limit operations and tells whether all succeeded.
// Operations that wait for a failed one are not attempted.
func (sim *simulator) run(plan Plan, limit int) bool {
	done, failed := map[string]bool{}, map[string]bool{}
	for range limit {
		var ready []*Operation
		for _, op := range plan.Operations {
			pending := func(id string) bool { return !done[id] }
			if !done[op.ID] && !failed[op.ID] && !slices.ContainsFunc(op.After, pending) {
				ready = append(ready, op)
			}
		}
		if len(ready) == 0 {
			return len(failed) == 0 && len(done) == len(plan.Operations)
		}
		op := rapid.SampledFrom(ready).Draw(sim.t, "next")
		if sim.perform(op) {
			done[op.ID] = true
		} else {
			failed[op.ID] = true
			for _, undo := range plan.Rollback[op.Group] {
				if undo.Undoes == "" || done[undo.Undoes] || failed[undo.Undoes] {
					sim.perform(undo)
				}
			}
		}
		if sim.each != nil {
			sim.each()
		}
	}
	return false
}

func (sim *simulator) lookup(op *Operation) int {
	return slices.IndexFunc(sim.state.Containers, func(c Container) bool {
		if op.ContainerID != "" {
			return c.ID == op.ContainerID
		}
		return c.Name == op.Container
	})
}

func (sim *simulator) perform(op *Operation) bool {
	switch op.Kind {
	case EnsureImage, EnsureNetwork, RemoveNetwork:
		return true
	case Create:
		if sim.lookup(op) >= 0 {
			sim.t.Fatalf("%s: the name is taken", op.ID)
		}
		c := settledContainer(sim.desired, op.Service, op.Number)
		sim.serial++
		c.ID, c.Name, c.State, c.Health = fmt.Sprintf("new%d", sim.serial), op.Container, Created, NoHealth
		sim.state.Containers = append(sim.state.Containers, c)
		return true
	}
	i := sim.lookup(op)
	if i < 0 {
		return op.Undoes != ""
	}
	return sim.change(op, i)
}

func (sim *simulator) change(op *Operation, i int) bool {
	c := &sim.state.Containers[i]
	switch op.Kind {
	case Start, Restart, Unpause:
		c.State, c.Health, c.ExitCode = Running, HealthStarting, 0
	case Stop:
		c.State, c.Health = Exited, NoHealth
	case Remove:
		if isUp(*c) {
			sim.t.Fatalf("%s: it runs", op.ID)
		}
		sim.state.Containers = slices.Delete(sim.state.Containers, i, i+1)
	case Rename:
		for _, other := range sim.state.Containers {
			if other.Name == op.Target {
				sim.t.Fatalf("%s to %s: the name is taken", op.ID, op.Target)
			}
		}
		c.Name = op.Target
	case WaitHealthy:
		if sim.sick[c.Service] && c.Digest == Digest(sim.desired.Services[c.Service]) {
			c.Health = HealthBad
			return false
		}
		c.Health = HealthHealthy
	case WaitDone, WaitEnd:
		c.State, c.ExitCode = Exited, 0
		if sim.sick[c.Service] {
			c.ExitCode = 3
			return op.Kind == WaitEnd
		}
	case Connect, Disconnect:
		c.Networks = c.IntendedNetworks
	case UpdateLimits:
		c.Settings = c.IntendedSettings
	}
	return true
}

// up counts the containers of a service that run.
func (sim *simulator) up(service string) int {
	n := 0
	for _, c := range sim.state.Containers {
		if c.Service == service && c.State == Running {
			n++
		}
	}
	return n
}

const unlimitedSteps = 10_000

// mustConverge reconciles until nothing is left to do and checks the outcome.
func (sim *simulator) mustConverge() {
	plan, err := Reconcile(sim.desired, sim.state)
	if err != nil {
		sim.t.Fatal(err)
	}
	if !sim.run(plan, unlimitedSteps) {
		sim.t.Fatalf("the plan did not succeed:\n%s", plan)
	}
	if got, want := SummarizeObserved(sim.state), Summarize(sim.desired); !maps.Equal(got, want) {
		sim.t.Fatalf("observed %v\nwant %v\nafter\n%s", got, want, plan)
	}
	again, err := Reconcile(sim.desired, sim.state)
	if err != nil || !again.Empty() {
		sim.t.Fatalf("a second plan is not empty:\n%s(%v)", again, err)
	}
}

// drawChange changes what is desired in some way.
func drawChange(t *rapid.T, s *Stack) {
	for _, name := range sortedKeys(s.Services) {
		if rapid.Bool().Draw(t, "change "+name) {
			s.Services[name].Image += "+"
		}
	}
	s.Services["lms"].Replicas = rapid.IntRange(0, 3).Draw(t, "replicas")
}

// drawDamage changes what runs, as people and crashes do.
func drawDamage(t *rapid.T, o *Observed) {
	for i := range o.Containers {
		c := &o.Containers[i]
		switch rapid.IntRange(0, 8).Draw(t, "damage "+c.Name) {
		case 0:
			c.State, c.ExitCode = Exited, 137
		case 1:
			if c.State == Running {
				c.State = Paused
			}
		case 2:
			c.Networks = nil
		case 3:
			c.ImageMoved = true
		case 4:
			c.Settings.Resources.PIDs = 7
		case 5:
			c.State = Dead
		case 6:
			c.Image = "made-by-hand"
		}
	}
	if len(o.Containers) > 0 && rapid.Bool().Draw(t, "drop") {
		o.Containers = slices.Delete(o.Containers, 0, 1)
	}
}

// TestConvergesFromAnyInterruption cuts several applies off at random points,
// with random changes and damage between them. The next whole apply must lead
// to what is desired, with nothing left over, and a database must never run
// twice on its files.
func TestConvergesFromAnyInterruption(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sim := &simulator{t: t, desired: fixture(), state: Observed{Portal: "acme"}}
		sim.each = func() {
			if sim.up("mysql") > 1 {
				t.Fatal("two containers of mysql run at once")
			}
		}
		for range rapid.IntRange(0, 4).Draw(t, "rounds") {
			plan, err := Reconcile(sim.desired, sim.state)
			if err != nil {
				t.Fatal(err)
			}
			sim.run(plan, rapid.IntRange(0, len(plan.Operations)).Draw(t, "cut"))
			drawDamage(t, &sim.state)
			drawChange(t, sim.desired)
		}
		sim.mustConverge()
	})
}

// TestUpdateKeepsServing: while the lms is replaced, at least as many
// containers as before serve, less none.
func TestUpdateKeepsServing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sim := &simulator{t: t, desired: fixture()}
		sim.state = settled(sim.desired)
		sim.desired.Services["lms"].Image = "edxapp:2"
		sim.desired.Services["migrate"].Image = "edxapp:2"
		sim.each = func() {
			if sim.up("lms") < 2 {
				t.Fatal("fewer than two containers of lms run")
			}
		}
		sim.mustConverge()
	})
}

// TestFailedUpdateRollsBack: a new container that never becomes healthy leaves
// the old one running under its name, whatever the order of replacement.
func TestFailedUpdateRollsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		service := rapid.SampledFrom([]string{"mysql", "lms", "lb"}).Draw(t, "service")
		sim := &simulator{t: t, desired: fixture(), sick: map[string]bool{service: true}}
		sim.state = settled(sim.desired)
		before := Summarize(sim.desired)
		sim.desired.Services[service].Image = "broken"
		plan, err := Reconcile(sim.desired, sim.state)
		if err != nil {
			t.Fatal(err)
		}
		if sim.run(plan, unlimitedSteps) {
			t.Fatal("the update succeeded")
		}
		if got := SummarizeObserved(sim.state); !maps.Equal(got, before) {
			t.Fatalf("observed %v\nwant what was before: %v\nafter\n%s", got, before, plan)
		}
	})
}

// TestFailedTaskLeavesDependentsAlone: a migration that fails keeps the lms as
// it was.
func TestFailedTaskLeavesDependentsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sim := &simulator{t: t, desired: fixture(), sick: map[string]bool{"migrate": true}}
		sim.state = settled(sim.desired)
		before := SummarizeObserved(sim.state)["lms"]
		sim.desired.Services["lms"].Image = "edxapp:2"
		sim.desired.Services["migrate"].Image = "edxapp:2"
		plan, err := Reconcile(sim.desired, sim.state)
		if err != nil {
			t.Fatal(err)
		}
		if sim.run(plan, unlimitedSteps) {
			t.Fatal("the update succeeded")
		}
		got := SummarizeObserved(sim.state)
		if got["lms"] != before || got["migrate"].Status != "acme-migrate failed with exit code 3" {
			t.Fatalf("observed %v", got)
		}
	})
}

// TestTeardownRemovesEverything also from a half-made portal.
func TestTeardownRemovesEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sim := &simulator{t: t, desired: fixture()}
		sim.state = settled(sim.desired)
		damaged := rapid.Bool().Draw(t, "damaged")
		if damaged {
			drawDamage(t, &sim.state)
		}
		sim.each = func() {
			if !damaged && sim.up("lms") > 0 && sim.up("mysql") == 0 {
				t.Fatal("mysql stopped before the lms that depends on it")
			}
		}
		if !sim.run(Teardown(sim.state), unlimitedSteps) || len(sim.state.Containers) > 0 {
			t.Fatalf("left over: %v", sim.state.Containers)
		}
	})
}
