// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm/swarmjob"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// scene is a service of two replicas as a manager shows it.
type scene struct {
	service swarm.Service
	state   *state
}

func newScene() *scene {
	s := swarm.Service{ID: "s"}
	s.Spec.Mode.Replicated = &swarm.ReplicatedService{Replicas: count(2)}
	s.Spec.TaskTemplate.ContainerSpec = &swarm.ContainerSpec{Image: "web:2", Labels: map[string]string{pool.LabelDigest: "new"}}
	s.Spec.TaskTemplate.RestartPolicy = &swarm.RestartPolicy{Condition: swarm.RestartPolicyConditionAny}
	return &scene{s, &state{tasks: map[string][]swarm.Task{}, down: map[string]bool{"dead": true}, hosts: map[string]string{}}}
}

// task adds a task of the digest in a state.
func (s *scene) task(digest string, is, wanted swarm.TaskState, node, problem string) {
	image := "web:2"
	if digest != "new" {
		image = "web:1"
	}
	t := swarm.Task{ID: "t", ServiceID: "s", NodeID: node, DesiredState: wanted}
	t.Spec.ContainerSpec = &swarm.ContainerSpec{Image: image, Labels: map[string]string{pool.LabelDigest: digest}}
	t.Status = swarm.TaskStatus{State: is, Err: problem, Timestamp: time.Now(), ContainerStatus: &swarm.ContainerStatus{ExitCode: 7}}
	s.state.tasks["s"] = append(s.state.tasks["s"], t)
}

func (s *scene) update(is swarm.UpdateState, ago time.Duration) {
	at := time.Now().Add(-ago)
	s.service.UpdateStatus = &swarm.UpdateStatus{State: is, StartedAt: &at}
	if is == swarm.UpdateStateCompleted || is == swarm.UpdateStateRollbackCompleted {
		s.service.UpdateStatus.CompletedAt = &at
	}
}

func TestHealthIsJudged(t *testing.T) {
	const run, end, fail = swarm.TaskStateRunning, swarm.TaskStateShutdown, swarm.TaskStateFailed
	well := func(s *scene) {
		s.task("new", run, run, "n1", "")
		s.task("new", run, run, "n2", "")
	}
	for name, tc := range map[string]struct {
		set  func(*scene)
		done bool
		says string // empty: nothing yet
	}{
		"all run":                {func(s *scene) { well(s) }, true, ""},
		"one starts":             {func(s *scene) { s.task("new", run, run, "n1", ""); s.task("new", "starting", run, "n2", "") }, false, ""},
		"one on a dead node":     {func(s *scene) { s.task("new", run, run, "n1", ""); s.task("new", run, run, "dead", "") }, false, ""},
		"a former one serves":    {func(s *scene) { well(s); s.task("old", run, run, "n3", "") }, false, ""},
		"a former one ends":      {func(s *scene) { well(s); s.task("old", run, end, "n3", "") }, true, ""},
		"an update is under way": {func(s *scene) { well(s); s.update(swarm.UpdateStateUpdating, 0) }, false, ""},
		"an update is done":      {func(s *scene) { well(s); s.update(swarm.UpdateStateCompleted, 0) }, true, ""},
		"Swarm goes back":        {func(s *scene) { well(s); s.update(swarm.UpdateStateRollbackStarted, 0) }, false, ""},
		"Swarm went back": {func(s *scene) {
			well(s)
			s.task("bad", fail, end, "n1", "task: no")
			s.update(swarm.UpdateStateRollbackCompleted, 0)
		}, false, "exit code 7: no\n\nSwarm has put back"},
		"Swarm went back long ago": {func(s *scene) { well(s); s.update(swarm.UpdateStateRollbackCompleted, time.Hour) }, true, ""},
		"Swarm gave up":            {func(s *scene) { s.update(swarm.UpdateStateRollbackPaused, 0) }, false, "could not put back"},
		"unhealthy once":           {func(s *scene) { s.task("new", fail, end, "n1", "task: dockerexec: unhealthy container") }, false, "unhealthy"},
		"ended twice":              {func(s *scene) { s.task("new", fail, end, "n1", "x"); s.task("new", fail, end, "n1", "x") }, false, ""},
		"ended thrice": {func(s *scene) {
			for range 3 {
				s.task("new", fail, end, "n1", "x")
			}
		}, false, "exit code 7"},
		"an update whose replica was lost is over": {func(s *scene) {
			well(s)
			s.task("new", swarm.TaskStateAssigned, end, "dead", "")
			s.update(swarm.UpdateStateUpdating, 0)
		}, true, ""},
		"an update whose replica was lost goes on elsewhere": {func(s *scene) {
			s.task("new", swarm.TaskStateAssigned, end, "dead", "")
			s.task("new", "starting", run, "n1", "")
			s.update(swarm.UpdateStateUpdating, 0)
		}, false, ""},
		"an update whose replica was lost fails elsewhere": {func(s *scene) {
			s.task("new", swarm.TaskStateAssigned, end, "dead", "")
			s.task("new", fail, end, "n1", "task: dockerexec: unhealthy container")
			s.update(swarm.UpdateStateUpdating, 0)
		}, false, "unhealthy"},
		"ended, and is not started again": {func(s *scene) {
			s.service.Spec.TaskTemplate.RestartPolicy.Condition = swarm.RestartPolicyConditionNone
			s.task("new", swarm.TaskStateComplete, end, "n1", "")
		}, false, "exit code 7"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			tc.set(s)
			w := &healthWait{task: &task{stack: &stack.Stack{}, op: &stack.Operation{}}, began: time.Now()}
			done, err := w.judge(&s.service, s.state)
			if done != tc.done || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("done: %t, %v", done, err)
			}
		})
	}
}

func TestNoNode(t *testing.T) {
	s := newScene()
	s.task("new", swarm.TaskStatePending, swarm.TaskStateRunning, "", "no suitable node (host-mode port already in use on 3 nodes)")
	w := &healthWait{task: &task{}, began: time.Now()}
	if _, err := w.judge(&s.service, s.state); err != nil {
		t.Errorf("it is given up at once: %v", err)
	}
	w.nowhere.Time = time.Now().Add(-2 * patience)
	if _, err := w.judge(&s.service, s.state); err == nil || !strings.Contains(err.Error(), "port already in use") {
		t.Errorf("it is not given up: %v", err)
	}
}

// An update waits for a replica on a node that failed, and has others left to replace.
func TestUpdateStandsStill(t *testing.T) {
	s := newScene()
	s.state.hosts["dead"] = "dal-2"
	s.task("new", swarm.TaskStateAssigned, swarm.TaskStateShutdown, "dead", "")
	s.task("new", swarm.TaskStateRunning, swarm.TaskStateRunning, "n1", "")
	s.task("old", swarm.TaskStateRunning, swarm.TaskStateRunning, "n2", "")
	s.update(swarm.UpdateStateUpdating, 0)
	w := &healthWait{task: &task{op: &stack.Operation{Container: "acme-lms"}}, began: time.Now()}
	if done, err := w.judge(&s.service, s.state); done || err != nil {
		t.Errorf("at once: done %t, %v", done, err)
	}
	w.stalled.Time = time.Now().Add(-2 * patience)
	if _, err := w.judge(&s.service, s.state); err == nil || !strings.Contains(err.Error(), "node dal-2") || !strings.Contains(err.Error(), "--force acme-lms") {
		t.Errorf("it is not given up: %v", err)
	}
	var u stack.Container
	u.Replicas = 2
	if serviceState(&u, s.service, s.state); u.Down != 1 {
		t.Errorf("the replica that runs what was before is taken for one of the service: %d are missing", u.Down)
	}
}

func TestJobState(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	job := swarm.Service{ID: "s", JobStatus: &swarm.JobStatus{JobIteration: swarm.Version{Index: 5}, LastExecution: began}}
	job.Spec.Mode.ReplicatedJob = &swarm.ReplicatedJob{TotalCompletions: count(1)}
	for name, tc := range map[string]struct {
		is   swarm.TaskState
		node string
		want stack.State
		code int
	}{
		"runs":                      {swarm.TaskStateRunning, "n1", stack.Running, 0},
		"ended well":                {swarm.TaskStateComplete, "n1", stack.Exited, 0},
		"failed":                    {swarm.TaskStateFailed, "n1", stack.Exited, 7},
		"ran on a node that failed": {swarm.TaskStateRunning, "dead", stack.Exited, swarmjob.LostExit},
	} {
		s := newScene()
		s.task("new", tc.is, tc.is, tc.node, "")
		s.state.tasks["s"][0].JobIteration = &swarm.Version{Index: 5}
		var u stack.Container
		jobState(&u, job, s.state)
		if u.State != tc.want || u.ExitCode != tc.code {
			t.Errorf("%s: %s with code %d", name, u.State, u.ExitCode)
		}
	}
	var u stack.Container
	job.Spec.Mode.ReplicatedJob.TotalCompletions = count(0)
	if jobState(&u, job, newScene().state); u.State != stack.Created {
		t.Errorf("one that has never run is %s", u.State)
	}
}

func TestPrivilegesRemedy(t *testing.T) {
	const log = "exim: setgroups() failed: Operation not permitted"
	careful := &stack.Service{SecurityOpt: []string{"no-new-privileges:true"}}
	for name, tc := range map[string]struct {
		api     string
		service *stack.Service
		log     string
		helps   bool
	}{
		"an old engine":               {"1.41", careful, log, true},
		"a new engine":                {"1.44", careful, log, false},
		"a service that asks nothing": {"1.41", &stack.Service{}, log, false},
		"another reason":              {"1.41", careful, "no such file", false},
	} {
		if got := privilegesRemedy(tc.api, tc.service, tc.log); (got != "") != tc.helps {
			t.Errorf("%s: %q", name, got)
		}
	}
}
