// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// TestSchedulerComesAndGoes runs the real scheduler: it is there as long as a
// task has a schedule, has no rights but those it needs, and records runs.
func TestSchedulerComesAndGoes(t *testing.T) {
	acctest.Long(t)
	drive := t.TempDir()
	if err := os.WriteFile(filepath.Join(drive, ".portal-storage"), []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := open(t, "", docker.Options{StoragePath: drive, AgentBinary: build(t, "./testdata/agent")})
	defer e.Close()
	ctx := enginetest.Context(t)
	sync := func() {
		t.Helper()
		if err := e.SyncSchedulers(ctx); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_ = enginetest.Client(t).ContainerRemove(enginetest.Context(t), agent.SchedulerName(drive), container.RemoveOptions{Force: true})
	})

	st := enginetest.NewStack(t)
	st.Directory = filepath.Join(drive, st.Portal)
	if err := os.MkdirAll(filepath.Join(st.Directory, "records"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(st.Directory, "portal.json"), []byte(`{"version":1,"portal":"`+st.Portal+`","status":"complete"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	enginetest.Add(t, st, "report", func(s *stack.Service) {
		s.Task = &stack.Task{When: stack.Scheduled, Schedule: schedule.Schedule{Cron: "0 0 1 1 *"}.Text()}
		s.Command, s.Restart = []string{"echo", "reported"}, "no"
	})

	sync()
	if n := len(schedulers(t, drive)); n != 0 {
		t.Errorf("%d schedulers without a schedule", n)
	}
	for n := range st.Networks {
		enginetest.Do(t, e, st, stack.EnsureNetwork, "", n)
	}
	enginetest.Do(t, e, st, stack.Create, "report", "")
	sync()
	first := schedulers(t, drive)
	if len(first) != 1 || first[0].State != "running" {
		t.Fatalf("schedulers: %+v", first)
	}
	sync()
	if again := schedulers(t, drive); again[0].ID != first[0].ID {
		t.Error("a scheduler that was right was replaced")
	}
	r, err := enginetest.Client(t).ContainerInspect(ctx, first[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.HostConfig.CapAdd) != 1 || !r.HostConfig.ReadonlyRootfs || len(r.NetworkSettings.Ports) > 0 || len(r.HostConfig.Mounts) != 2 {
		t.Errorf("it is made with %+v", r.HostConfig)
	}

	// A run by hand is recorded.
	enginetest.Do(t, e, st, stack.Start, "report", "")
	record := filepath.Join(st.Directory, "records", schedule.RecordName("report")+".json")
	waitFor(t, "the record of the run", func() bool {
		data, err := os.ReadFile(record)
		if err != nil {
			return false
		}
		h, err := schedule.ParseHistory(data)
		run, ok := h.Last()
		return err == nil && ok && run.OK && strings.Contains(run.Log, "reported") && time.Since(run.Finished) < time.Minute
	})

	enginetest.Do(t, e, st, stack.Remove, "report", "")
	sync()
	if n := len(schedulers(t, drive)); n != 0 {
		t.Errorf("%d schedulers after the last schedule went", n)
	}
}

func schedulers(t *testing.T, drive string) []container.Summary {
	t.Helper()
	list, err := enginetest.Client(t).ContainerList(enginetest.Context(t), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("name", "^/"+agent.SchedulerName(drive)+"$")),
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
