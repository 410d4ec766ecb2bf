// SPDX-License-Identifier: MPL-2.0

package swarmjob_test

import (
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm/swarmjob"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// job is one whose present run is its fifth, begun at a time.
func job(began time.Time) swarm.Service {
	one := uint64(1)
	s := swarm.Service{ID: "s", JobStatus: &swarm.JobStatus{JobIteration: swarm.Version{Index: 5}, LastExecution: began}}
	s.Spec.Mode.ReplicatedJob = &swarm.ReplicatedJob{TotalCompletions: &one}
	return s
}

// task is one of a run of that job.
func task(run uint64, is swarm.TaskState, node string, exit int) swarm.Task {
	t := swarm.Task{ServiceID: "s", NodeID: node, JobIteration: &swarm.Version{Index: run}}
	t.CreatedAt = time.Now()
	t.Status = swarm.TaskStatus{State: is, Timestamp: time.Now(), ContainerStatus: &swarm.ContainerStatus{ExitCode: exit}}
	return t
}

func TestLast(t *testing.T) {
	hourAgo := time.Now().Add(-time.Hour)
	retried := task(5, swarm.TaskStateFailed, "n1", 7)
	retried.CreatedAt = hourAgo
	other := task(5, swarm.TaskStateFailed, "n1", 7)
	other.ServiceID = "other"
	for name, tc := range map[string]struct {
		began   time.Time
		tasks   []swarm.Task
		running bool
		exit    int
		ended   bool
	}{
		"runs":                      {hourAgo, []swarm.Task{task(5, swarm.TaskStateRunning, "n1", 0)}, true, 0, false},
		"ended well":                {hourAgo, []swarm.Task{task(5, swarm.TaskStateComplete, "n1", 0)}, false, 0, true},
		"failed":                    {hourAgo, []swarm.Task{task(5, swarm.TaskStateFailed, "n1", 7)}, false, 7, true},
		"could not begin":           {hourAgo, []swarm.Task{task(5, swarm.TaskStateRejected, "n1", 0)}, false, swarmjob.LostExit, true},
		"ran on a node that failed": {hourAgo, []swarm.Task{task(5, swarm.TaskStateRunning, "dead", 0)}, false, swarmjob.LostExit, true},
		"failed, and runs again":    {hourAgo, []swarm.Task{retried, task(5, swarm.TaskStateRunning, "n2", 0)}, true, 0, false},
		"only an older run failed":  {hourAgo, []swarm.Task{task(4, swarm.TaskStateFailed, "n1", 7), other}, false, 0, false},
		"has just been started":     {time.Now(), nil, true, 0, false},
	} {
		r := swarmjob.Last(job(tc.began), tc.tasks, map[string]bool{"dead": true})
		if r.Running != tc.running || r.ExitCode != tc.exit || r.Finished.IsZero() == tc.ended || !r.Started.Equal(tc.began) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestStopAndStart(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	j := job(began)
	swarmjob.Stop(&j)
	if r := swarmjob.Last(j, nil, nil); r.Running || !r.Started.Equal(began) || r.ExitCode != schedule.StoppedExit {
		t.Errorf("stopped: %+v", r)
	}
	swarmjob.Start(&j.Spec)
	j.JobStatus.LastExecution = time.Now()
	if r := swarmjob.Last(j, nil, nil); !r.Running {
		t.Errorf("started: %+v", r)
	}
	if j.Spec.TaskTemplate.ForceUpdate != 1 || j.Spec.Labels[schedule.StoppedLabel] != "" {
		t.Errorf("Swarm does not see that it is to run again: %+v", j.Spec)
	}
	never := job(began)
	none := uint64(0)
	never.Spec.Mode.ReplicatedJob.TotalCompletions = &none
	if r := swarmjob.Last(never, nil, nil); r.Running || !r.Started.IsZero() {
		t.Errorf("never run: %+v", r)
	}
}
