// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// noticed is how long a program may have run before the start that Docker tells:
// Docker takes down the start of one that is over at once after its end.
const noticed = 5 * time.Second

// finish records the end of a run. The state is that of its container; without
// a start when Docker has none of the run, and then reason says what became of
// it, and without an end when that was not seen.
func (w *worker) finish(ctx context.Context, run schedule.Run, state State, reason string) {
	run.Finished, run.ExitCode = state.Finished, -1
	if !state.Started.IsZero() {
		run.Log = w.output(ctx, w.since(run, state))
		run.Started, run.ExitCode = state.Started, state.ExitCode
		if run.Finished.Before(run.Started) {
			run.Finished = run.Started
		}
		if reason == "" {
			reason = failure(state)
		}
	}
	if ctx.Err() != nil {
		return // the next scheduler finds it all
	}
	run.Reason, run.OK = reason, reason == ""
	w.log.Info("run ended", "trigger", run.Trigger, "ok", run.OK, "exit_code", run.ExitCode, "started", run.Started, "finished", run.Finished, "reason", reason)

	w.settleRun(run)
	w.book.edit(func(h *schedule.History) {
		h.Add(run)
		h.Pending = nil
		h.Retry = w.repetition(run)
		if !state.Started.IsZero() {
			h.Container, h.LastStart = w.task.container, state.Started
		}
		w.report(h, run)
	})
	w.save(ctx)
	poke(w.news)
}

// settleRun settles what was due until a run ended: before its start it stands
// for it, and later it stood in the way.
func (w *worker) settleRun(run schedule.Run) {
	w.book.edit(func(h *schedule.History) {
		if h.Pending != nil {
			h.Settle(h.Pending.At)
		}
		h.Settle(run.Started)
	})
	if missed := w.task.timetable.Latest(w.book.view().Settled, run.Finished); !missed.IsZero() {
		w.skip(missed, stillRan)
	}
}

// failure says why a run that ended is a failure, empty if it is none.
func failure(state State) string {
	switch {
	case state.OutOfMemory:
		return fmt.Sprintf("it needed more memory than its limit, and was killed (exit code %d)", state.ExitCode)
	case state.Error != "":
		return fmt.Sprintf("Docker says: %s (exit code %d)", state.Error, state.ExitCode)
	case state.ExitCode != 0:
		return fmt.Sprintf("exit code %d", state.ExitCode)
	}
	return ""
}

// report puts in a notice where somebody is to be told of a run.
func (w *worker) report(h *schedule.History, run schedule.Run) {
	var event schedule.Event
	switch {
	case run.OK && h.Failing:
		h.Failing, event = false, schedule.Recovery
	case !run.OK && run.Trigger != schedule.Manual && h.Retry == nil:
		h.Failing, event = true, schedule.Failure
	default:
		return
	}
	if w.task.schedule.Webhook != "" {
		h.Notify(schedule.NewNotice(event, w.task.portal, w.task.name, w.Host, run))
	}
}

// since is the time from which on a container's output is that of a run: when the
// scheduler asked for it or, as others do not tell, somewhat before its start.
func (w *worker) since(run schedule.Run, state State) time.Time {
	if !run.Started.IsZero() {
		return run.Started
	}
	since := state.Started.Add(-noticed)
	if last, ok := w.book.view().Last(); ok && last.Finished.After(since) {
		return last.Finished
	}
	return since
}

// output is the end of what a run wrote, without the portal's secrets. A record
// without it is better than none.
func (w *worker) output(ctx context.Context, since time.Time) string {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	text, err := w.Docker.Log(call, w.task.container, since)
	if err != nil {
		w.log.Warn("the run's output cannot be read", "error", err)
		return ""
	}
	concealed := ""
	w.insist(ctx, "the run's output may hold secrets, and those cannot be read", func() error {
		concealed, err = w.Drive.Conceal(w.task.portal, text)
		return err
	})
	return ending(concealed, schedule.MaxLog)
}

// ending is the end of a text, of at most limit bytes, in whole lines if there
// are any.
func ending(text string, limit int) string {
	text = strings.TrimRight(text, "\r\n")
	if len(text) <= limit {
		return text
	}
	text = text[len(text)-limit:]
	if _, whole, found := strings.Cut(text, "\n"); found {
		return whole
	}
	return strings.ToValidUTF8(text, "")
}
