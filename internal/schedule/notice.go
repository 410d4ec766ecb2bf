// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"fmt"
	"time"
)

// Event is what a notice tells of.
type Event string

const (
	// Failure is a run that failed and is not repeated before the next one.
	Failure Event = "failure"
	// Recovery is the first run that goes well after a failure.
	Recovery Event = "recovery"
)

// Notice is what a webhook is told, in JSON.
type Notice struct {
	Event  Event  `json:"event"`
	Portal string `json:"portal"`
	Task   string `json:"task"`
	Host   string `json:"host"`
	// Text is all in one line, as chat systems want it.
	Text     string    `json:"text"`
	Trigger  Trigger   `json:"trigger"`
	Due      time.Time `json:"due,omitzero"`
	Attempt  int       `json:"attempt,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	ExitCode int       `json:"exit_code"`
	Reason   string    `json:"reason,omitempty"`
	LogTail  string    `json:"log_tail,omitempty"`
}

// NewNotice tells of a run of a portal's task on a host.
func NewNotice(event Event, portal, task, host string, run Run) Notice {
	text := fmt.Sprintf("Task %s of portal %s failed on host %s: %s.", task, portal, host, run.Reason)
	if event == Recovery {
		text = fmt.Sprintf("Task %s of portal %s works again on host %s.", task, portal, host)
	}
	return Notice{
		Event: event, Portal: portal, Task: task, Host: host, Text: text,
		Trigger: run.Trigger, Due: run.Due, Attempt: run.Attempt,
		Started: run.Started, Finished: run.Finished,
		ExitCode: run.ExitCode, Reason: run.Reason, LogTail: run.Log,
	}
}
