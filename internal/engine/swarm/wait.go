// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm/swarmjob"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// Swarm tells no events of tasks: it is asked, by all waits of a portal at once,
	// first soon and then more seldom.
	firstGap = 200 * time.Millisecond
	lastGap  = time.Second
	// toleratedEnds is how often replicas of a service that is awaited may end: some
	// programs need a second go.
	toleratedEnds = 3
	// patience is how long a service may have no node that it can run on, or an
	// update stand still.
	patience = 20 * time.Second
)

// verdict of a look at a service: it is as it should be, or never will be, or
// neither yet.
type verdict func(*swarm.Service, *state) (done bool, err error)

// faultError tells what is wrong with a service, and which task shows it.
type faultError struct {
	text string
	task string // its id; its log tells why. Empty when there is none.
	log  string // its log, where it is gone by now
}

func (e *faultError) Error() string { return e.text }

// await looks at the operation's service until judge is done. A service that is
// not there is nil to judge.
func (t *task) await(ctx context.Context, judge verdict) error {
	for gap := firstGap; ; gap = min(gap*3/2, lastGap) {
		state, err := t.engine.listing.recent(ctx, t.stack.Portal)
		if err != nil {
			return err
		}
		if done, err := judge(state.service(t.op.Container), state); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(gap):
		}
	}
}

// waitHealthy waits until all replicas of a service run in the configuration that it
// has, healthy if they have a check, and Swarm is done with replacing them.
func (t *task) waitHealthy(ctx context.Context) error {
	w := &healthWait{task: t, began: time.Now()}
	return t.explain(ctx, "wait for the health of", t.await(ctx, w.judge))
}

type healthWait struct {
	*task
	began     time.Time
	nowhere   nowhere
	stalled   spell // of the update that stands still
	otherwise bool  // Swarm was seen to go back
}

func (w *healthWait) judge(s *swarm.Service, state *state) (bool, error) {
	if s == nil {
		return false, errGone
	}
	if err := w.rolledBack(s, state); err != nil || w.otherwise {
		return false, err
	}
	tasks := state.tasks[s.ID]
	present, former := state.replicas(s)
	lost := lostReplica(s, state)
	inVain := lost != nil && len(former) > 0
	switch still := w.stalled.lasts(inVain); {
	case underWay(s.UpdateStatus) && lost == nil:
		return false, nil // Swarm decides itself when it is too much
	case len(present) >= wantedTasks(s, tasks) && len(former) == 0:
		return true, nil
	case still:
		return false, w.standsStill(state.hosts[lost.NodeID])
	case inVain:
		return false, nil
	}
	return false, w.hopeless(s, tasks)
}

// lostReplica is a replica that an update under way waits for in vain, nil when
// there is none: its node failed before it started. Swarm has replaced it by now, but
// its updater goes on only when the node is back (swarmkit's updater.go waits for
// the task that it made, without a time-out).
func lostReplica(s *swarm.Service, state *state) *swarm.Task {
	if !underWay(s.UpdateStatus) {
		return nil
	}
	for i, x := range state.tasks[s.ID] {
		if sameTemplate(x, s) && state.down[x.NodeID] && x.DesiredState == swarm.TaskStateShutdown && notStarted(x) {
			return &state.tasks[s.ID][i]
		}
	}
	return nil
}

func notStarted(t swarm.Task) bool {
	return t.Status.State != swarm.TaskStateRunning && !swarmjob.Over(t.Status.State)
}

// standsStill tells of an update that has replicas left to replace, and waits for a
// node that failed.
func (w *healthWait) standsStill(node string) error {
	return &faultError{text: fmt.Sprintf("Swarm's update stands still, with replicas left that run what was before: it waits for one that it gave to node %s, which failed. "+
		"It goes on when the node is back; without it, run docker service update --force %s", node, w.op.Container)}
}

// rolledBack fails when Swarm has put back what was there before.
func (w *healthWait) rolledBack(s *swarm.Service, state *state) error {
	w.otherwise = false
	u := s.UpdateStatus
	if u == nil || u.CompletedAt != nil && u.CompletedAt.Before(since(w.began)) {
		return nil // it has nothing to do with what is awaited
	}
	switch u.State {
	case swarm.UpdateStateRollbackStarted:
		w.otherwise = true
	case swarm.UpdateStateRollbackCompleted:
		cause := w.lastFailure(state.tasks[s.ID], s)
		return &faultError{text: cause.text + "\n\nSwarm has put back what ran before, which serves as before", task: cause.task}
	case swarm.UpdateStateRollbackPaused, swarm.UpdateStatePaused:
		if u.StartedAt != nil && u.StartedAt.Before(since(w.began)) {
			return nil
		}
		cause := w.lastFailure(state.tasks[s.ID], s)
		return &faultError{text: cause.text + "\n\nSwarm could not put back what ran before: " + u.Message, task: cause.task}
	}
	return nil
}

// lastFailure tells of the newest replica that failed since the wait began and is
// not of what Swarm went back to.
func (w *healthWait) lastFailure(tasks []swarm.Task, s *swarm.Service) *faultError {
	for _, x := range tasks {
		if failed(x) && x.Status.Timestamp.After(since(w.began)) && !sameTemplate(x, s) {
			return &faultError{text: endText(x), task: x.ID}
		}
	}
	return &faultError{text: "a new replica failed: " + s.UpdateStatus.Message}
}

// hopeless fails when replicas end again and again, or have nowhere to run.
func (w *healthWait) hopeless(s *swarm.Service, tasks []swarm.Task) error {
	ends, pending := 0, ""
	var last *swarm.Task
	for i, x := range tasks {
		switch {
		case failed(x) && sameTemplate(x, s) && x.Status.Timestamp.After(since(w.began)):
			ends++
			if last == nil {
				last = &tasks[i]
			}
		case x.Status.State == swarm.TaskStatePending && x.DesiredState == swarm.TaskStateRunning && x.Status.Err != "":
			pending = x.Status.Err
		}
	}
	if ends >= toleratedEnds || ends > 0 && (!restarts(s) || strings.Contains(last.Status.Err, "unhealthy")) {
		return &faultError{text: endText(*last), task: last.ID}
	}
	return w.nowhere.since(pending)
}

// spell is since when something has been so, zero when it is not.
type spell struct{ time.Time }

// lasts takes whether it is so now, and tells whether that has gone on for longer
// than patience.
func (s *spell) lasts(so bool) bool {
	switch {
	case !so:
		s.Time = time.Time{}
	case s.IsZero():
		s.Time = time.Now()
	}
	return so && time.Since(s.Time) > patience
}

// nowhere is since when a task has had no node.
type nowhere struct{ spell }

// since takes what Swarm says of a task that waits for a node, empty when none does;
// it fails once that has lasted.
func (n *nowhere) since(says string) error {
	if n.lasts(says != "") {
		return &faultError{text: "no node of the Swarm can run it: " + says}
	}
	return nil
}

func restarts(s *swarm.Service) bool {
	p := s.Spec.TaskTemplate.RestartPolicy
	return p == nil || p.Condition != swarm.RestartPolicyConditionNone
}

// wantedTasks is how many replicas are to run.
func wantedTasks(s *swarm.Service, tasks []swarm.Task) int {
	if r := s.Spec.Mode.Replicated; r != nil && r.Replicas != nil {
		return int(*r.Replicas) //nolint:gosec // a handful
	}
	n := 0
	for _, t := range tasks {
		if t.DesiredState == swarm.TaskStateRunning {
			n++
		}
	}
	return max(n, 1) // one at least: before Swarm has made any, none is wanted
}

// sameTemplate tells whether a task was made from what its service says now.
func sameTemplate(t swarm.Task, s *swarm.Service) bool {
	if t.Spec.ForceUpdate != s.Spec.TaskTemplate.ForceUpdate || t.Spec.ContainerSpec == nil || s.Spec.TaskTemplate.ContainerSpec == nil {
		return false
	}
	return t.Spec.ContainerSpec.Labels[pool.LabelDigest] == s.Spec.TaskTemplate.ContainerSpec.Labels[pool.LabelDigest] &&
		t.Spec.ContainerSpec.Image == s.Spec.TaskTemplate.ContainerSpec.Image
}

func underWay(u *swarm.UpdateStatus) bool {
	return u != nil && (u.State == swarm.UpdateStateUpdating || u.State == swarm.UpdateStateRollbackStarted)
}

func failed(t swarm.Task) bool {
	switch t.Status.State {
	case swarm.TaskStateFailed, swarm.TaskStateRejected:
		return true
	case swarm.TaskStateComplete: // a server that ends, even well
		return t.JobIteration == nil
	}
	return false
}

// endText says how a task ended.
func endText(t swarm.Task) string {
	text := "it ended"
	if t.Status.State == swarm.TaskStateRejected {
		text = "it could not be started"
	}
	if c := t.Status.ContainerStatus; c != nil && t.Status.State != swarm.TaskStateRejected {
		text += " with exit code " + strconv.Itoa(c.ExitCode)
	}
	if t.Status.Err != "" {
		text += ": " + strings.TrimPrefix(t.Status.Err, "task: ")
	}
	return text
}

// waitDone waits until a job ended well. One that takes longer than the task's
// time-out is stopped.
func (t *task) waitDone(ctx context.Context) error {
	w := &doneWait{}
	if s := t.stack.Services[t.op.Service]; s != nil && s.Task != nil {
		w.timeout = s.Task.Timeout
	}
	err := t.await(ctx, w.judge)
	if errors.Is(err, errTimedOut) {
		err = &faultError{text: fmt.Sprintf("it did not end within its time-out of %s, and was stopped", w.timeout), log: t.tail(ctx, "")}
		if stopErr := t.stop(ctx); stopErr != nil {
			err = errors.Join(err, stopErr)
		}
	}
	return t.explain(ctx, "wait for the end of", err)
}

var errTimedOut = errors.New("it takes too long")

// doneWait is the wait for a job.
type doneWait struct {
	timeout time.Duration // 0: none
	nowhere nowhere
}

func (w *doneWait) judge(s *swarm.Service, state *state) (bool, error) {
	if s == nil {
		return false, errGone
	}
	r := swarmjob.Last(*s, state.tasks[s.ID], state.down)
	x := r.Task
	switch {
	case x == nil: // Swarm has not begun yet
		return false, nil
	case x.Status.State == swarm.TaskStateComplete:
		return true, nil
	case swarmjob.Over(x.Status.State):
		return false, &faultError{text: endText(*x), task: x.ID}
	case !r.Running:
		return false, &faultError{text: "its node " + state.hosts[x.NodeID] + " failed while it ran"}
	case x.Status.State == swarm.TaskStateRunning && w.timeout > 0 && time.Since(x.Status.Timestamp) > w.timeout:
		return false, errTimedOut
	case x.Status.State == swarm.TaskStatePending:
		return false, w.nowhere.since(x.Status.Err)
	}
	return false, nil
}

// waitEnd waits until a job does not run any more, for whatever reason.
func (t *task) waitEnd(ctx context.Context) error {
	return t.explain(ctx, "wait for the end of", t.awaitEnd(ctx))
}

// awaitEnd waits until nothing of a service runs.
func (t *task) awaitEnd(ctx context.Context) error {
	return t.await(ctx, func(s *swarm.Service, state *state) (bool, error) {
		return s == nil || len(state.unfinished(s.ID)) == 0, nil
	})
}

// awaitNone waits until nothing runs of a service that was removed.
func (t *task) awaitNone(ctx context.Context, id string) error {
	return t.await(ctx, func(_ *swarm.Service, state *state) (bool, error) {
		return len(state.unfinished(id)) == 0, nil
	})
}

// explain makes the operation's error from that of a wait, with the end of the log.
func (t *task) explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	about := t.about()
	var fault *faultError
	switch {
	case errors.Is(err, errGone):
		about.Remedy = "Apply again: it is made anew."
	case errors.Is(err, context.DeadlineExceeded):
		err = docker.Said("it took longer than the resource's timeouts allow", err)
		about.Log = t.tail(ctx, "")
	case errors.As(err, &fault):
		if about.Log = fault.log; about.Log == "" {
			about.Log = t.tail(ctx, fault.task)
		}
		about.Remedy = t.remedy(ctx, about.Log)
	}
	return fail(what, about, err)
}

// remedy is what may help a service that failed with a log, empty when nothing is
// known.
func (t *task) remedy(ctx context.Context, log string) string {
	s := t.stack.Services[t.op.Service]
	if s == nil {
		return ""
	}
	_, c, err := t.engine.find(ctx)
	if err != nil {
		return ""
	}
	return privilegesRemedy(c.ClientVersion(), s, log)
}

// privilegesRemedy is for programs that are set-user-ID, such as exim: without
// no-new-privileges they take themselves for root, and fail at what root could do.
func privilegesRemedy(api string, s *stack.Service, log string) string {
	if passesNoNewPrivileges(api) || len(s.SecurityOpt) == 0 || !strings.Contains(log, "not permitted") {
		return ""
	}
	return `Set "no-new-privileges": true in /etc/docker/daemon.json of all nodes and restart Docker there: the service wants that, and Swarm passes it on only from Docker 25 on. Programs that are set-user-ID fail without it.`
}

// tail is the end of the log of a task or, without one, of all of the service; empty
// when it cannot be had: the error it goes with matters more.
func (t *task) tail(ctx context.Context, id string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterthought)
	defer cancel()
	log := ""
	_ = t.engine.do(ctx, func(ctx context.Context, c *client.Client) (err error) {
		log, err = readLog(ctx, c, t.op.Container, id, logLines)
		return err
	})
	return log
}

// intendedReplicas are those that a service is to have.
func intendedReplicas(spec swarm.ServiceSpec) *uint64 {
	n, err := strconv.Atoi(spec.Labels[labelReplicas])
	if err != nil {
		n = 1
	}
	return count(n)
}
