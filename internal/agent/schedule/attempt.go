// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// startTimeout bounds a call that starts a container: Docker may have to wait
// for the drive.
const startTimeout = 2 * time.Minute

// Reasons that runs fail for, or do not take place.
const (
	wasRemoved = "its container was removed while it ran"
	stillRan   = "the run before was still going on"
)

// start starts the container and follows the run to its end. The run is written
// down first, so that whoever finds it going on, or ended, knows whose it is.
func (w *worker) start(ctx context.Context, next start) {
	if err := w.slots.acquire(w.idle, next.At, w.task.key()); err != nil {
		return
	}
	defer w.slots.release()
	// It may have waited for long.
	state, err := w.look(ctx)
	if err != nil || state.Running || w.idle.Err() != nil {
		return // the next turn finds out what to do about it
	}
	w.book.edit(func(h *schedule.History) {
		h.Pending = &schedule.Pending{
			Run:       schedule.Run{Trigger: next.trigger, Due: next.Due, Attempt: next.attempt, Started: w.Now()},
			At:        next.At,
			Container: w.task.container,
			Before:    state.Started,
		}
	})
	if !w.save(w.idle) {
		return
	}
	state, err = w.ignite(ctx, state.Started)
	switch {
	case ctx.Err() != nil:
		return
	case err == nil:
		w.log.Info("run started", "due", next.Due, "attempt", next.attempt)
		w.accompany(ctx, state)
	case errors.Is(err, ErrGone):
		w.finish(ctx, w.pending(), State{Finished: w.Now()}, wasRemoved)
	default:
		w.finish(ctx, w.pending(), State{Finished: w.Now()}, "Docker could not start it: "+err.Error())
	}
}

// ignite calls for the start until Docker has answered, and returns the state
// of the container that started after before.
func (w *worker) ignite(ctx context.Context, before time.Time) (State, error) {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		call, cancel := context.WithTimeout(ctx, startTimeout)
		startErr := w.Docker.Start(call, w.task.container)
		cancel()
		state, err := w.look(ctx)
		if err != nil {
			return State{}, err
		}
		var refused *RefusedError
		switch {
		case !state.Started.Equal(before):
			return state, nil
		case startErr == nil:
			return State{}, errors.New("the container did not start")
		case errors.As(startErr, &refused):
			return State{}, startErr
		}
		w.log.Warn("Docker does not answer the start: it is called for again", "error", startErr, "pause", pause)
		rest(ctx, pause)
		if ctx.Err() != nil {
			return State{}, ctx.Err()
		}
	}
}

// accompany follows a run, whoever started it, until it has ended, and records
// it. It stops one that takes too long.
func (w *worker) accompany(ctx context.Context, state State) {
	w.running.Store(true)
	defer w.running.Store(false)
	w.claim(ctx, state)
	reason := ""
	limit := w.task.schedule.RunTimeout()
	timeout := time.NewTimer(min(limit, limit-w.Now().Sub(state.Started)))
	defer timeout.Stop()
	for state.Running {
		late := w.sleep(ctx, w.nextLook(), timeout.C)
		if ctx.Err() != nil {
			return
		}
		w.overlap(w.Now())
		if late {
			reason = fmt.Sprintf("it did not end within its time-out of %s, and was stopped", limit)
			w.halt(ctx)
			timeout.Reset(maxPause)
		}
		now, err := w.look(ctx)
		switch {
		case errors.Is(err, ErrGone):
			run := w.current()
			run.Started = state.Started
			w.finish(ctx, run, State{Finished: w.Now()}, wasRemoved)
			return
		case err != nil:
			return
		}
		state = now
	}
	w.finish(ctx, w.current(), state, reason)
}

// halt stops a run that takes too long. It takes as long as the container may
// take to stop, and is to be repeated while the run goes on.
func (w *worker) halt(ctx context.Context) {
	w.log.Warn("the run takes too long: it is stopped")
	call, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := w.Docker.Stop(call, w.task.container); err != nil {
		w.log.Warn("the run cannot be stopped", "error", err)
	}
}

// claim settles what was due until a run started: the run stands for it.
func (w *worker) claim(ctx context.Context, state State) {
	if p := w.book.view().Pending; p != nil && p.Container != w.task.container {
		w.finish(ctx, p.Run, State{}, wasRemoved)
	}
	w.book.edit(func(h *schedule.History) {
		if p := h.Pending; p != nil && !p.Before.Equal(state.Started) {
			h.Settle(p.At)
		} else {
			h.Pending = nil // it did not start: this run is another one
		}
		h.Settle(state.Started)
	})
	w.log.Info("run goes on", "trigger", w.current().Trigger, "started", state.Started)
	w.overlap(w.Now())
}

// nextLook is when to look at a run, whether there was a hint or not: when the
// task is due next, zero for never. A worker that is retired gets no hints.
func (w *worker) nextLook() time.Time {
	if w.idle.Err() != nil {
		return w.Now().Add(w.Tick)
	}
	return w.task.timetable.Next(w.book.view().Settled).At
}

// overlap records the starts until a time that a run stood in the way of.
func (w *worker) overlap(until time.Time) {
	missed := w.task.timetable.Latest(w.book.view().Settled, until)
	if missed.IsZero() {
		return
	}
	w.skip(missed, stillRan)
	if err := w.book.save(); err != nil {
		w.log.Warn("the history of runs cannot be written: it is when the run has ended", "error", err)
	}
}

// skip takes down a start that does not take place.
func (w *worker) skip(missed schedule.Start, why string) {
	w.log.Info("run skipped", "due", missed.Due, "reason", why)
	w.book.edit(func(h *schedule.History) {
		h.Add(schedule.Run{Trigger: schedule.Scheduled, Due: missed.Due, Skipped: 1, Reason: why})
		h.Settle(missed.At)
	})
}

// settle records a run that ended unseen, and forgets one that never began. It
// tells whether it recorded one.
func (w *worker) settle(ctx context.Context, state State) bool {
	h := w.book.view()
	switch p := h.Pending; {
	case p != nil && p.Container != w.task.container:
		w.finish(ctx, p.Run, State{}, wasRemoved)
		return true
	case p != nil && !p.Before.Equal(state.Started):
		w.finish(ctx, p.Run, state, "")
		return true
	case p != nil:
		w.book.edit(func(h *schedule.History) { h.Pending = nil })
	}
	if state.Started.IsZero() || h.Container == w.task.container && h.LastStart.Equal(state.Started) {
		return false
	}
	w.finish(ctx, schedule.Run{Trigger: schedule.Manual}, state, "")
	return true
}

// current is the run that goes on in the container. If the scheduler asked for
// it, its Started is when.
func (w *worker) current() schedule.Run {
	if run := w.pending(); run.Trigger != "" {
		return run
	}
	return schedule.Run{Trigger: schedule.Manual}
}

// pending is the run that was asked for; its zero value is none.
func (w *worker) pending() schedule.Run {
	if p := w.book.view().Pending; p != nil {
		return p.Run
	}
	return schedule.Run{}
}
