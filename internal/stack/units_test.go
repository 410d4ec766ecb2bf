// SPDX-License-Identifier: MPL-2.0

package stack

import "testing"

// unitsOf is what an engine that runs replicas itself shows of a stack after a
// successful apply.
func unitsOf(s *Stack) Observed {
	o := Observed{Portal: s.Portal, Host: "swarm", Networks: sortedKeys(s.Networks)}
	for _, name := range sortedKeys(s.Services) {
		c := settledContainer(s, name, 1)
		c.Name, c.Replicas = UnitName(s.Portal, name), s.Services[name].Replicas
		c.Settings = Settings{Shape: "args=1 env=2", Replicas: c.Replicas}
		c.IntendedSettings, c.Constraints = c.Settings, s.Constraints
		o.Containers = append(o.Containers, c)
	}
	return o
}

func TestReconcileUnitsGolden(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(s *Stack, o *Observed)
	}{
		{"create", func(_ *Stack, o *Observed) { o.Containers = nil }},
		{"nothing to do", func(*Stack, *Observed) {}},
		{"image of edxapp", func(s *Stack, _ *Observed) {
			s.Services["lms"].Image, s.Services["migrate"].Image = "edxapp:2", "edxapp:2"
		}},
		{"scale up", func(s *Stack, _ *Observed) { s.Services["lms"].Replicas = 3 }},
		{"scale to zero", func(s *Stack, _ *Observed) { s.Services["lms"].Replicas = 0 }},
		{"scaled by hand", func(_ *Stack, o *Observed) { o.find("acme-lms").Settings.Replicas = 1 }},
		{"environment changed by hand", func(_ *Stack, o *Observed) { o.find("acme-lms").Settings.Shape = "args=1 env=3" }},
		{"stopped", func(_ *Stack, o *Observed) { o.find("acme-mysql").State = Exited }},
		{"a node failed", func(_ *Stack, o *Observed) {
			o.find("acme-lms").Down, o.find("acme-lms").Health = 1, HealthStarting
		}},
		{"constraints", func(s *Stack, _ *Observed) { s.Constraints = []string{"node.labels.zone == a"} }},
		{"service dropped", func(s *Stack, _ *Observed) { delete(s.Services, "lb") }},
		{"task changed while it runs", func(s *Stack, o *Observed) {
			s.Services["backup"].Image = "ops:2"
			o.find("acme-backup").State = Running
		}},
		{"task failed", func(_ *Stack, o *Observed) { o.find("acme-migrate").ExitCode = 3 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := fixture()
			o := unitsOf(s)
			tc.change(s, &o)
			plan, err := ReconcileUnits(s, o)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, plan.String())
		})
	}
}

// TestUnitSummaries: they equal those of the desired stack exactly when all is well.
func TestUnitSummaries(t *testing.T) {
	s := fixture()
	o := unitsOf(s)
	for name, want := range Summarize(s) {
		if got := SummarizeObserved(o)[name]; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	for want, change := range map[string]func(*Container){
		"acme-lms runs 1 of 2 replicas":               func(c *Container) { c.Down = 1 },
		"acme-lms stopped":                            func(c *Container) { c.State = Exited },
		"acme-lms replicas 5 instead of 2":            func(c *Container) { c.Settings.Replicas = 5 },
		"acme-lms changed by hand: env, ports, image": func(c *Container) { c.Settings.Shape = "args=1 env=3 ports=7"; c.IntendedSettings.Shape += " image=4" },
	} {
		o := unitsOf(s)
		change(o.find("acme-lms"))
		if got := SummarizeObserved(o)["lms"]; got.Status != want || got.Replicas != 2 {
			t.Errorf("%+v, want %s", got, want)
		}
	}
	plan := Teardown(o)
	if len(plan.Operations) != 9 { // stop three that run, remove five, one network
		t.Errorf("the teardown is\n%s", plan)
	}
}
