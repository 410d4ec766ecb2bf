// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// punctual is how late a start may be and still count as one on time.
const punctual = time.Minute

// start is the next start of a task, and why. Its zero value is none.
type start struct {
	schedule.Start
	trigger schedule.Trigger
	attempt int
	// missed says that it is too late, and not to be made up for.
	missed bool
}

// plan finds what is next after what is settled: a start that is over already
// if there is one, and then the last of them.
func (w *worker) plan(now time.Time) start {
	h := w.book.view()
	next := start{Start: w.task.timetable.Latest(h.Settled, now), trigger: schedule.Scheduled, attempt: 1}
	if next.IsZero() {
		next.Start = w.task.timetable.Next(h.Settled)
	}
	if !next.IsZero() && now.Sub(next.At) > punctual {
		next.trigger, next.missed = schedule.CatchUp, w.task.schedule.SkipMissed
	}
	if r := h.Retry; r != nil && !w.task.schedule.Paused && (next.IsZero() || next.At.After(now) && r.At.Before(next.At)) {
		return start{Start: schedule.Start{Due: r.Due, At: r.At}, trigger: schedule.Retry, attempt: r.Attempt}
	}
	return next
}

// repetition is the retry after a run that failed at its end; nil when there is
// none before the task is due anyway.
func (w *worker) repetition(run schedule.Run) *schedule.Repetition {
	if run.OK || run.Trigger == schedule.Manual || run.Attempt > w.task.schedule.Retries {
		return nil
	}
	end := run.Finished
	if end.IsZero() {
		end = w.Now()
	}
	at := end.Add(w.task.schedule.RetryAfter(run.Attempt))
	if next := w.task.timetable.Next(end); !next.IsZero() && !at.Before(next.At) {
		return nil
	}
	return &schedule.Repetition{At: at, Due: run.Due, Attempt: run.Attempt + 1}
}
