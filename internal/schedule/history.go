// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"encoding/json"
	"fmt"
	"time"
)

// MaxRuns is how many runs a history keeps.
const MaxRuns = 20

// MaxLog bounds the end of a run's output that is kept, in bytes.
const MaxLog = 4 << 10

// maxNotices bounds the notices that wait, should nobody take them.
const maxNotices = 10

// RecordName is the name of the record that holds the history of a task's runs.
func RecordName(task string) string { return "runs-" + task }

// Trigger is what started a run.
type Trigger string

const (
	// Scheduled runs began when they were due.
	Scheduled Trigger = "schedule"
	// CatchUp makes up for runs that were missed.
	CatchUp Trigger = "catch-up"
	// Retry repeats a run that failed.
	Retry Trigger = "retry"
	// Manual runs were started by somebody else: by hand, or in an apply.
	Manual Trigger = "manual"
)

// Run is one run of a task, or one that did not take place.
type Run struct {
	Trigger Trigger `json:"trigger"`
	// Due is when it was due; zero for a manual run.
	Due time.Time `json:"due,omitzero"`
	// Attempt counts the repetitions of a run, from 1.
	Attempt int `json:"attempt,omitempty"`
	// Started and Finished are by Docker's clock; zero where it did not start.
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// ExitCode is the container's; -1 where it is not known.
	ExitCode int  `json:"exit_code"`
	OK       bool `json:"ok"`
	// Skipped counts due times one after the other at which the task was not
	// started, up to Due; zero for a run.
	Skipped int `json:"skipped,omitempty"`
	// Reason says what went wrong; empty for a run that went well.
	Reason string `json:"reason,omitempty"`
	// Log is the end of its output.
	Log string `json:"log,omitempty"`
}

// Pending is a run that was asked for and has not been seen to end.
type Pending struct {
	Run
	// At is when it was to be started.
	At time.Time `json:"at"`
	// Container is the ID of its container, and Before that container's former
	// start: as long as Docker tells that one, the run has not begun.
	Container string    `json:"container"`
	Before    time.Time `json:"before,omitzero"`
}

// Repetition is a retry that is to come.
type Repetition struct {
	At      time.Time `json:"at"`
	Due     time.Time `json:"due"`
	Attempt int       `json:"attempt"`
}

// History is what is kept of a task, in a record of its portal.
type History struct {
	// Runs are the last ones, the newest last.
	Runs []Run `json:"runs"`
	// Pending is the run under way, if the scheduler started it.
	Pending *Pending `json:"pending,omitempty"`
	// Retry is the repetition to come, if there is one.
	Retry *Repetition `json:"retry,omitempty"`
	// Failing tells that a failure was reported, and no recovery since.
	Failing bool `json:"failing,omitempty"`
	// Settled is until when all that was due is dealt with.
	Settled time.Time `json:"settled,omitzero"`
	// When is the Schedule.When that Settled is about.
	When string `json:"when,omitempty"`
	// Container and LastStart tell the newest start that is among the runs, as
	// Docker tells it.
	Container string    `json:"container,omitempty"`
	LastStart time.Time `json:"last_start,omitzero"`
	// Notices are for the webhook, and not delivered yet.
	Notices []Notice `json:"notices,omitempty"`
}

// ParseHistory reads a record.
func ParseHistory(record []byte) (History, error) {
	var h History
	if err := json.Unmarshal(record, &h); err != nil {
		return History{}, fmt.Errorf("the history of runs is not valid: %w", err)
	}
	return h, nil
}

// Record is the history as a record.
func (h History) Record() []byte {
	data, _ := json.MarshalIndent(h, "", "  ") // strings, numbers and times: it never fails
	return append(data, '\n')
}

// Last is the newest run that took place.
func (h History) Last() (Run, bool) {
	for i := len(h.Runs) - 1; i >= 0; i-- {
		if h.Runs[i].Skipped == 0 {
			return h.Runs[i], true
		}
	}
	return Run{}, false
}

// Add puts in a run, and drops the oldest if there are too many. One that did
// not take place joins those before it that did not for the same reason.
func (h *History) Add(run Run) {
	if last := len(h.Runs) - 1; run.Skipped > 0 && last >= 0 && h.Runs[last].Skipped > 0 && h.Runs[last].Reason == run.Reason {
		run.Skipped += h.Runs[last].Skipped
		h.Runs = h.Runs[:last]
	}
	h.Runs = append(h.Runs, run)
	if over := len(h.Runs) - MaxRuns; over > 0 {
		h.Runs = append([]Run(nil), h.Runs[over:]...)
	}
}

// Settle says that all due until a time is dealt with.
func (h *History) Settle(until time.Time) {
	if until.After(h.Settled) {
		h.Settled = until
	}
}

// Notify puts in a notice, and drops the oldest if there are too many.
func (h *History) Notify(n Notice) {
	h.Notices = append(h.Notices, n)
	if over := len(h.Notices) - maxNotices; over > 0 {
		h.Notices = append([]Notice(nil), h.Notices[over:]...)
	}
}
