// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/versions"
)

const (
	// recheck is how long a wait trusts the events alone.
	recheck = 15 * time.Second
	// afterthought bounds what is still done after the caller gave up: to
	// fetch a log, to stop a task.
	afterthought = 20 * time.Second
)

// await looks at the operation's container, and again whenever something may
// have happened to it, until judge is done or finds an error. It also ends
// well when early, which may be nil, is closed.
func (t *task) await(ctx context.Context, judge func(container.InspectResponse) (done bool, err error), early <-chan struct{}) error {
	w, err := t.host.Watch(ctx, t.ref())
	if err != nil {
		return err
	}
	defer w.Stop()
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	for {
		r, err := inspect(ctx, t.api, t.ref())
		if err != nil {
			return err
		}
		if done, err := judge(r); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-early:
			return nil
		case <-w.C:
		case <-tick.C:
		}
	}
}

// waitHealthy waits until a container is healthy, or runs if it has no health
// check. Old engines run the first health check only after a whole interval,
// and all engines do so after a pause; then its command is run from here in the
// meantime.
func (t *task) waitHealthy(ctx context.Context) error {
	probing, stop := context.WithCancel(ctx)
	defer stop()
	var once sync.Once
	healthy := make(chan struct{})
	old := versions.LessThan(t.api.ClientVersion(), apiStartInterval)

	err := t.await(ctx, func(r container.InspectResponse) (bool, error) {
		done, err := judgeHealth(r)
		if !done && err == nil && r.State.Running && (old || r.State.Health.Status == container.Unhealthy) {
			once.Do(func() { go t.probe(probing, r, healthy) })
		}
		return done, err
	}, healthy)
	return t.explain(ctx, "wait for the health of", err)
}

// waitDone waits until a task ended well. One that takes longer than the
// task's time-out is stopped.
func (t *task) waitDone(ctx context.Context) error {
	const what = "wait for the end of"
	timeout := time.Duration(0)
	if s := t.service(); s != nil && s.Task != nil {
		timeout = s.Task.Timeout
	}
	if timeout == 0 {
		return t.explain(ctx, what, t.await(ctx, judgeDone, nil))
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := t.await(bounded, judgeDone, nil)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = &stateError{fmt.Sprintf("it did not end within its time-out of %s, and was stopped", timeout)}
		if stopErr := t.stop(ctx); stopErr != nil {
			err = errors.Join(err, stopErr)
		}
	}
	return t.explain(ctx, what, err)
}

// waitEnd waits until a container does not run any more, for whatever reason.
func (t *task) waitEnd(ctx context.Context) error {
	err := t.await(ctx, func(r container.InspectResponse) (bool, error) {
		return !r.State.Running && !r.State.Restarting, nil
	}, nil)
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return t.explain(ctx, "wait for the end of", err)
}

// waitGone waits until a container is removed. The error is then the daemon's
// that there is no such container.
func (t *task) waitGone(ctx context.Context) error {
	return t.await(ctx, func(container.InspectResponse) (bool, error) { return false, nil }, nil)
}

// explain makes the operation's error from that of a wait: with the end of the
// container's log, unless the caller gave up for another reason.
func (t *task) explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	e := t.about()
	var state *stateError
	switch {
	case cerrdefs.IsNotFound(err):
		err = &said{"the container is gone: somebody removed it", err}
		e.Remedy = "Apply again: it is made anew."
	case errors.Is(err, context.DeadlineExceeded):
		err = &said{"it took longer than the resource's timeouts allow", err}
		e.Log = t.tail(ctx)
	case errors.As(err, &state):
		e.Log = t.tail(ctx)
	}
	return fail(t.host, what, e, err)
}

// tail is the end of the container's log, empty when it cannot be had: the
// error it goes with matters more.
func (t *task) tail(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterthought)
	defer cancel()
	log, _ := readLog(ctx, t.api, t.ref(), logLines)
	return log
}
