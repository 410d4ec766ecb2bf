// SPDX-License-Identifier: MPL-2.0

// Package swarmjob tells what became of a job of a Docker Swarm, which is a service
// whose tasks end: engine swarm and its scheduler read the same from it.
package swarmjob

import (
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

const (
	// LostExit is what a run is said to have ended with that has no exit code: its
	// node failed, or it could not even begin.
	LostExit = 255
	// begins is how long Swarm may take to make the task of a run.
	begins = time.Minute
)

// Run is the last run of a job.
type Run struct {
	Running           bool
	Started, Finished time.Time // zero: never
	ExitCode          int
	// Error is Swarm's own, for a run without an exit code.
	Error string
	// Task is the run's newest task, nil when Swarm has none (yet, or any more).
	Task *swarm.Task
}

// Last tells of the last run of a job, from tasks of any services in any order, and
// the nodes that do not answer any more. A run on one of those has ended, as far as
// anybody can tell. Of a run whose task nobody remembers, because its node left the
// Swarm, it says that it ended well.
func Last(job swarm.Service, tasks []swarm.Task, down map[string]bool) Run {
	if n := job.Spec.Mode.ReplicatedJob.TotalCompletions; n == nil || *n == 0 || job.JobStatus == nil {
		return stopped(job)
	}
	r := Run{Started: job.JobStatus.LastExecution, Task: newest(job, tasks)}
	switch t := r.Task; {
	case t == nil:
		r.Running = time.Since(r.Started) < begins
		return r
	case t.Status.State == swarm.TaskStateComplete:
	case Over(t.Status.State):
		r.ExitCode, r.Error = LostExit, t.Status.Err
		if c := t.Status.ContainerStatus; c != nil && c.ExitCode != 0 {
			r.ExitCode, r.Error = c.ExitCode, ""
		}
	case down[t.NodeID]:
		r.ExitCode, r.Error = LostExit, "its node failed while it ran"
	default:
		r.Running = true
		return r
	}
	r.Finished = r.Task.Status.Timestamp
	return r
}

// stopped is a run of which Swarm keeps nothing, because the job may not run now.
func stopped(job swarm.Service) Run {
	started, err := time.Parse(time.RFC3339Nano, job.Spec.Labels[schedule.StoppedLabel])
	if err != nil {
		return Run{}
	}
	return Run{Started: started, Finished: job.UpdatedAt, ExitCode: schedule.StoppedExit}
}

// newest is the newest task of the job's present run.
func newest(job swarm.Service, tasks []swarm.Task) (found *swarm.Task) {
	for i, t := range tasks {
		if t.ServiceID != job.ID || t.JobIteration == nil || t.JobIteration.Index != job.JobStatus.JobIteration.Index {
			continue
		}
		if found == nil || t.CreatedAt.After(found.CreatedAt) {
			found = &tasks[i]
		}
	}
	return found
}

// Over tells whether a task in a state has no container that runs, nor will have.
func Over(s swarm.TaskState) bool {
	switch s {
	case swarm.TaskStateComplete, swarm.TaskStateShutdown, swarm.TaskStateFailed, swarm.TaskStateRejected, swarm.TaskStateRemove, swarm.TaskStateOrphaned:
		return true
	}
	return false
}

// Start alters a job so that it runs once more.
func Start(job *swarm.ServiceSpec) {
	one := uint64(1)
	job.Mode.ReplicatedJob.TotalCompletions = &one
	job.TaskTemplate.ForceUpdate++
	delete(job.Labels, schedule.StoppedLabel)
}

// Stop alters a job so that Swarm ends its run. Swarm forgets it: a label keeps when
// it began.
func Stop(job *swarm.Service) {
	none := uint64(0)
	job.Spec.Mode.ReplicatedJob.TotalCompletions = &none
	if job.JobStatus == nil {
		return
	}
	if job.Spec.Labels == nil {
		job.Spec.Labels = map[string]string{}
	}
	job.Spec.Labels[schedule.StoppedLabel] = job.JobStatus.LastExecution.Format(time.RFC3339Nano)
}
