// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// slack is how far a clock may be put back, or a time lie in the future,
// without being taken for a mistake of the clock.
const slack = 5 * time.Minute

// worker looks after one container of a task: it alone starts it, waits for the
// end of its runs and writes its history.
type worker struct {
	*Scheduler
	task task
	log  *slog.Logger
	book *book
	// before is closed when the worker of the task's former container has
	// ended; nil if there was none.
	before <-chan struct{}

	hint    chan struct{} // a hint to look at the container
	news    chan struct{} // a hint that there are notices
	idle    context.Context
	retire  context.CancelFunc
	running atomic.Bool   // a run goes on
	done    chan struct{} // closed when the worker has ended
}

func newWorker(s *Scheduler, t task) *worker {
	w := &worker{
		Scheduler: s, task: t,
		log:  s.Log.With("portal", t.portal, "task", t.name),
		book: &book{drive: s.Drive, portal: t.portal, task: t.name},
		hint: make(chan struct{}, 1), news: make(chan struct{}, 1), done: make(chan struct{}),
	}
	w.idle, w.retire = context.WithCancel(context.Background())
	return w
}

// wake tells the worker to look at its container. It never blocks.
func (w *worker) wake() { poke(w.hint) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run works until ctx ends, or until the worker is retired and no run of its
// container goes on.
func (w *worker) run(ctx context.Context) {
	defer close(w.done)
	stop := context.AfterFunc(ctx, w.retire)
	defer stop()
	defer w.retire()
	if w.before != nil {
		select {
		case <-w.before:
		case <-ctx.Done():
			return
		}
	}
	if !w.load() {
		return
	}
	var courier sync.WaitGroup
	courier.Go(w.deliver)
	defer courier.Wait()
	defer w.retire()
	for w.idle.Err() == nil {
		w.turn(ctx)
	}
}

// turn looks at the container and does what is next: follow a run, record one,
// start one, or sleep until there is something to do.
func (w *worker) turn(ctx context.Context) {
	state, err := w.look(ctx)
	if err != nil {
		if errors.Is(err, ErrGone) {
			w.retire()
		}
		return
	}
	if w.begin(state) && !w.save(w.idle) {
		return
	}
	if state.Running {
		w.slots.take()
		defer w.slots.release()
		w.accompany(ctx, state)
		return
	}
	if w.settle(ctx, state) {
		return
	}
	next := w.plan(w.Now())
	switch {
	case next.IsZero():
		w.sleep(w.idle, time.Time{}, nil)
	case next.At.After(w.Now()):
		w.sleep(w.idle, next.At, nil)
	case next.missed:
		w.skip(next.Start, "it was missed, and the schedule does not make up for missed runs")
		w.save(ctx)
	default:
		w.start(ctx, next)
	}
}

// load reads the history, for as long as it takes. It returns false when the
// worker is retired first.
func (w *worker) load() bool {
	for pause := minPause; w.idle.Err() == nil; pause = min(2*pause, maxPause) {
		err := w.book.load()
		if err == nil {
			return true
		}
		var invalid *InvalidError
		if errors.As(err, &invalid) {
			w.log.Warn("the history of runs cannot be read and is begun anew", "error", err)
			return true
		}
		w.log.Warn("the history of runs cannot be read: the task is not started before", "error", err)
		w.sleep(w.idle, w.Now().Add(pause), nil)
	}
	return false
}

// begin takes note of a schedule that is new, or in force anew, which it tells:
// what was due before its container was made is not made up for.
func (w *worker) begin(state State) (changed bool) {
	when, jitter := w.task.schedule.When(), w.task.timetable.Jitter()
	w.book.edit(func(h *schedule.History) {
		if changed = h.When != when; changed {
			h.When = when
			h.Retry = nil
			h.Settle(state.Created.Add(jitter))
		}
		if now := w.Now(); h.Settled.After(now.Add(jitter + slack)) {
			w.log.Warn("the clock was put back: the task is due again from now on", "former", h.Settled, "now", now)
			h.Settled = now
		}
	})
	return changed
}

// look inspects the container, again and again while Docker does not answer.
func (w *worker) look(ctx context.Context) (State, error) {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		state, err := w.Docker.Inspect(call, w.task.container)
		cancel()
		if err == nil || errors.Is(err, ErrGone) || ctx.Err() != nil {
			return state, err
		}
		w.log.Warn("Docker does not tell of the container: it is asked again", "error", err, "pause", pause)
		rest(ctx, pause)
	}
}

// save writes the history, for as long as it takes.
func (w *worker) save(ctx context.Context) bool {
	return w.insist(ctx, "the history of runs cannot be written", w.book.save)
}

// insist does something with the drive again and again until it succeeds, which
// it tells: until ctx ends or, once the worker is retired, for some seconds.
func (w *worker) insist(ctx context.Context, failure string, do func() error) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(w.idle, func() {
		rest(ctx, parting)
		cancel()
	})
	defer stop()
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := do()
		if err == nil {
			return true
		}
		w.log.Warn(failure, "error", err)
		rest(ctx, pause)
		if ctx.Err() != nil {
			return false
		}
	}
}

// sleep waits until a time, zero for ever, by a clock that may be changed
// meanwhile; until there is a hint; until ctx ends; or until early, which may be
// nil, fires: then it returns true.
func (w *worker) sleep(ctx context.Context, until time.Time, early <-chan time.Time) bool {
	for last := w.Now(); ; {
		doze := w.Tick
		if !until.IsZero() {
			doze = min(doze, until.Sub(last))
		}
		if doze <= 0 {
			return false
		}
		timer := time.NewTimer(doze)
		select {
		case <-timer.C:
			now := w.Now()
			if now.Before(last.Add(-slack)) {
				return false // the clock was put back: what is next is found anew
			}
			last = now
			continue
		case <-early:
			timer.Stop()
			return true
		case <-w.hint:
		case <-ctx.Done():
		}
		timer.Stop()
		return false
	}
}
