// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// TestReconcileGolden prints the whole plan of each situation: what is done,
// why, in which order, and how it is taken back.
func TestReconcileGolden(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(s *Stack, o *Observed)
	}{
		{"create", func(_ *Stack, o *Observed) { o.Containers = nil }},
		{"nothing to do", func(*Stack, *Observed) {}},
		{"container removed", func(_ *Stack, o *Observed) { o.drop("acme-lms-1") }},
		{"stopped, paused, unhealthy", func(_ *Stack, o *Observed) {
			o.find("acme-mysql-1").State = Exited
			o.find("acme-lms-1").State = Paused
			o.find("acme-lms-2").Health = HealthBad
		}},
		{"keeps restarting", func(_ *Stack, o *Observed) { o.find("acme-lms-1").State = Restarting }},
		{"memory changed by hand", func(s *Stack, o *Observed) {
			o.find("acme-lms-1").IntendedSettings.Resources.Memory = 2 << 30
			o.find("acme-lms-1").Settings.Resources.Memory = 1 << 30
		}},
		{"limit set by hand where none was", func(_ *Stack, o *Observed) {
			o.find("acme-lms-1").Settings.Resources.Memory = 1 << 30
		}},
		{"network detached and added", func(_ *Stack, o *Observed) {
			o.find("acme-lms-1").Networks = nil
			o.find("acme-lms-2").Networks = []string{"acme_default", "bridge"}
		}},
		{"made again from another image", func(_ *Stack, o *Observed) { o.find("acme-lms-1").Image = "debug" }},
		{"tag moved", func(_ *Stack, o *Observed) { o.find("acme-mysql-1").ImageMoved = true }},
		{"environment of lms", func(s *Stack, _ *Observed) { s.Services["lms"].Environment = map[string]string{"A": "1"} }},
		{"image of edxapp", func(s *Stack, _ *Observed) {
			s.Services["lms"].Image, s.Services["migrate"].Image = "edxapp:2", "edxapp:2"
		}},
		{"scale up", func(s *Stack, _ *Observed) { s.Services["lms"].Replicas = 3 }},
		{"scale down", func(s *Stack, _ *Observed) { s.Services["lms"].Replicas = 1 }},
		{"scale to zero", func(s *Stack, _ *Observed) { s.Services["lms"].Replicas = 0 }},
		{"service dropped", func(s *Stack, _ *Observed) {
			delete(s.Services, "backup")
			delete(s.Services, "lb")
		}},
		{"fixed port is replaced stop-first", func(s *Stack, _ *Observed) { s.Services["lb"].Image = "caddy:3" }},
		{"task failed", func(_ *Stack, o *Observed) { o.find("acme-migrate").ExitCode = 3 }},
		{"task changed while it runs", func(s *Stack, o *Observed) {
			s.Services["backup"].Image = "ops:2"
			o.find("acme-backup").State = Running
		}},
		{"cut off before the new one was made", func(s *Stack, o *Observed) {
			s.Services["mysql"].Image = "mysql:9"
			c := o.find("acme-mysql-1")
			c.Name, c.State = "acme-mysql-1_previous", Exited
		}},
		{"cut off before the new one was healthy", func(s *Stack, o *Observed) {
			old := *o.find("acme-mysql-1")
			old.ID, old.Name, old.State = "old", "acme-mysql-1_previous", Exited
			s.Services["mysql"].Image = "mysql:9"
			c := o.find("acme-mysql-1")
			c.Digest, c.Image, c.State = Digest(s.Services["mysql"]), "mysql:9", Created
			o.Containers = append(o.Containers, old)
		}},
		{"cut off with both running", func(s *Stack, o *Observed) {
			next := *o.find("acme-lms-1")
			s.Services["lms"].Image = "edxapp:2"
			next.ID, next.Name, next.Health = "next", "acme-lms-1_next", HealthStarting
			next.Digest, next.Image = Digest(s.Services["lms"]), "edxapp:2"
			o.Containers = append(o.Containers, next)
		}},
		{"cut off before the last rename", func(_ *Stack, o *Observed) {
			o.find("acme-lms-1").Name = "acme-lms-1_next"
		}},
		{"name held by a foreign container", func(_ *Stack, o *Observed) {
			o.drop("acme-lms-1")
			o.Foreign = []Foreign{
				{ID: "0123456789abcdef", Name: "acme-lms-1", Image: "debug", Running: true, Networks: []string{"acme_default", "bridge"}},
				{ID: "1", Name: "acme-other-1", Image: "x"},
			}
		}},
		{"dead container", func(_ *Stack, o *Observed) { o.find("acme-lms-1").State = Dead }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := fixture()
			o := settled(s)
			tc.change(s, &o)
			plan, err := Reconcile(s, o)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, plan.String())
		})
	}
}

func TestTeardownGolden(t *testing.T) {
	o := settled(fixture())
	o.find("acme-mysql-1").State = Paused
	golden(t, Teardown(o).String())
}

func golden(t *testing.T, got string) {
	t.Helper()
	name := strings.NewReplacer("/", "-", ",", "").Replace(t.Name())
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the plan differs from %s (-update rewrites it)\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestReconcileRefusesCycle(t *testing.T) {
	s := fixture()
	s.Services["mysql"].DependsOn = map[string]Condition{"lms": Started}
	if _, err := Reconcile(s, Observed{}); err == nil || !strings.Contains(err.Error(), "depends on itself") {
		t.Errorf("got %v, want a cycle to be refused", err)
	}
}

func TestReconcileRefusesMissingDependency(t *testing.T) {
	s := fixture()
	s.Services["lms"].DependsOn["mongo"] = Healthy
	if _, err := Reconcile(s, Observed{}); err == nil || !strings.Contains(err.Error(), `"mongo"`) {
		t.Errorf("got %v, want the missing dependency to be named", err)
	}
}

func TestConflictsNamesOnlyWhatTheStackNeeds(t *testing.T) {
	o := Observed{Foreign: []Foreign{{Name: "acme-lms-2"}, {Name: "acme-lms-3"}, {Name: "acme-backup"}, {Name: "acme-wiki-1"}}}
	var names []string
	for _, f := range Conflicts(fixture(), o) {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "acme-backup acme-lms-2" {
		t.Errorf("conflicts are %q", got)
	}
}
