// SPDX-License-Identifier: MPL-2.0

// Package schedule is what the provider and the scheduler say to each other:
// the schedule of a task, which is a label of its container, and the history of
// its runs, which is a record on the shared drive. It is pure.
package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // neither the agent's image nor every runner has the time zones

	"github.com/privateportals/terraform-provider-portal/internal/cron"
)

// Label holds the schedule of a task, on its container, in JSON.
const Label = "io.privateportals.schedule"

// StoppedLabel tells of a job of Swarm when the run began that was stopped, in RFC
// 3339: Swarm itself forgets it. StoppedExit is what such a run ended with: the
// code of a process that SIGTERM ended.
const (
	StoppedLabel = "io.privateportals.stopped"
	StoppedExit  = 128 + 15
)

// GivenSecrets is where webhooks' addresses are, within a portal's directory:
// secrets that the user gave, each a file named as the secret.
const GivenSecrets = "secrets/given"

// Bounds of a schedule, and what holds where it says nothing.
const (
	// maxLabel bounds the label, in bytes.
	maxLabel   = 8 << 10
	maxRetries = 10
	maxJitter  = 12 * time.Hour
	maxTimeout = 7 * 24 * time.Hour

	// DefaultTimeout ends a run that would keep others from running for good.
	DefaultTimeout = 24 * time.Hour
	// DefaultJitter holds for schedules that are due at most once an hour. More
	// frequent ones have none.
	DefaultJitter = time.Minute
	// DefaultRetryDelay is the pause before the first repetition.
	DefaultRetryDelay = time.Minute
	// MaxRetryDelay bounds the pauses, which double each time.
	MaxRetryDelay = time.Hour
)

// Schedule says when a task is started, and what happens around it.
type Schedule struct {
	// Cron is when the task is due, as package cron reads it. Empty: it is
	// started by hand alone; its runs are recorded, bounded and reported all the
	// same.
	Cron string `json:"cron,omitempty"`
	// Timezone is the IANA name of the zone that Cron is meant in; empty: UTC.
	Timezone string `json:"timezone,omitempty"`
	// Jitter bounds how long after the due time the task may be started. How
	// long it is follows from the names of portal and task. nil: DefaultJitter.
	Jitter *Duration `json:"jitter,omitempty"`
	// Timeout bounds a run; zero: DefaultTimeout.
	Timeout Duration `json:"timeout,omitzero"`
	// Retries is how often a run that failed is repeated.
	Retries int `json:"retries,omitempty"`
	// RetryDelay is the pause before the first repetition; zero:
	// DefaultRetryDelay. It doubles each time.
	RetryDelay Duration `json:"retry_delay,omitzero"`
	// SkipMissed gives up runs that were missed while the scheduler did not run.
	// Otherwise they are made up for by one.
	SkipMissed bool `json:"skip_missed,omitempty"`
	// Paused keeps the task from being started.
	Paused bool `json:"paused,omitempty"`
	// Webhook names the given secret that holds the address which is told of
	// failures and recoveries; empty: nobody is told.
	Webhook string `json:"webhook,omitempty"`
}

// Parse reads and checks a label.
func Parse(label string) (Schedule, error) {
	if len(label) > maxLabel {
		return Schedule{}, fmt.Errorf("the label %s has %d bytes: at most %d are read", Label, len(label), maxLabel)
	}
	decoder := json.NewDecoder(strings.NewReader(label))
	decoder.DisallowUnknownFields()
	var s Schedule
	if err := decoder.Decode(&s); err != nil {
		return Schedule{}, fmt.Errorf("the label %s is not a schedule: %w", Label, err)
	}
	if decoder.More() {
		return Schedule{}, fmt.Errorf("the label %s holds more than a schedule", Label)
	}
	return s, s.Validate()
}

// Text is the schedule as a label.
func (s Schedule) Text() string {
	text, _ := json.Marshal(s) // strings, numbers and booleans: it never fails
	return string(text)
}

// secretName is what a file of a given secret may be called.
var secretName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Validate tells all that is wrong with a schedule, nil when it is fine.
func (s Schedule) Validate() error {
	_, err := s.expression()
	problems := []error{err}
	outside := func(field string, got Duration, most time.Duration) {
		if got < 0 || time.Duration(got) > most {
			problems = append(problems, fmt.Errorf("%s is %s: it must be from 0s to %s", field, got, Duration(most)))
		}
	}
	if s.Jitter != nil {
		outside("jitter", *s.Jitter, maxJitter)
	}
	outside("timeout", s.Timeout, maxTimeout)
	outside("retry_delay", s.RetryDelay, MaxRetryDelay)
	if s.Retries < 0 || s.Retries > maxRetries {
		problems = append(problems, fmt.Errorf("retries is %d: it must be from 0 to %d", s.Retries, maxRetries))
	}
	if s.Webhook != "" && !secretName.MatchString(s.Webhook) {
		problems = append(problems, fmt.Errorf("webhook %q is not the name of a secret: use letters, digits, dots, hyphens and underscores", s.Webhook))
	}
	return errors.Join(problems...)
}

// expression is nil where there is no Cron.
func (s Schedule) expression() (*cron.Expression, error) {
	zone, err := LoadZone(s.Timezone)
	if err != nil || s.Cron == "" {
		return nil, err
	}
	return cron.Parse(s.Cron, zone)
}

// LoadZone finds a time zone by its IANA name; an empty one is UTC.
func LoadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, errors.New(`time zone "Local" differs from host to host: name one, for example "Europe/Paris"`)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not known: use a name of the IANA database, for example \"Europe/Paris\" or \"UTC\"", name)
	}
	return zone, nil
}

// Next is when the task is due after a time; the zero time when it is never
// started by this schedule: it is paused, wrong or has no Cron.
func (s Schedule) Next(after time.Time) time.Time {
	expression, err := s.expression()
	if err != nil || expression == nil || s.Paused {
		return time.Time{}
	}
	return expression.Next(after)
}

// RunTimeout is how long a run may take.
func (s Schedule) RunTimeout() time.Duration {
	if s.Timeout == 0 {
		return DefaultTimeout
	}
	return time.Duration(s.Timeout)
}

// RetryAfter is the pause after an attempt, counted from 1, that failed.
func (s Schedule) RetryAfter(attempt int) time.Duration {
	delay := time.Duration(s.RetryDelay)
	if delay == 0 {
		delay = DefaultRetryDelay
	}
	for ; attempt > 1 && delay < MaxRetryDelay; attempt-- {
		delay *= 2
	}
	return min(delay, MaxRetryDelay)
}

// When identifies what decides when the task is due: after a change of it,
// nothing that was due before is made up for.
func (s Schedule) When() string {
	return Schedule{Cron: s.Cron, Timezone: s.Timezone, Paused: s.Paused}.Text()
}

// Duration is a time.Duration that is text in JSON: "1m30s".
type Duration time.Duration

// String is the duration as time.Duration writes it.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
