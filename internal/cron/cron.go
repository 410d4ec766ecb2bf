// SPDX-License-Identifier: MPL-2.0

// Package cron tells when a cron expression is due in a time zone, also where
// the zone's clocks are changed. It is pure.
//
// An expression has the five fields of crontab(5) (minute, hour, day of month,
// month, day of week), with names of months and days, or is one of @hourly,
// @daily, @weekly, @monthly, @yearly and their synonyms.
//
// When clocks are put forward, times that do not exist are due together, once,
// at the first minute after the gap. When clocks are put back, a time that
// occurs twice is due the first time only. An expression that is due in every
// hour goes by the time that passes instead, as every cron does it: "*/5 * * * *"
// neither pauses for an hour in autumn, nor has anything to make up for in
// spring.
package cron

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// maxLength bounds an expression, in bytes.
const maxLength = 256

const everyHour = 1<<24 - 1

// Expression is a cron expression in a time zone.
type Expression struct {
	// spec knows the calendar, and is used on a clock that is never changed:
	// UTC stands for the wall clock of the zone.
	spec *cron.SpecSchedule
	zone *time.Location
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse reads an expression. Its errors say what to write instead.
func Parse(text string, zone *time.Location) (*Expression, error) {
	if len(text) > maxLength {
		return nil, fmt.Errorf("a cron expression has at most %d characters, and this one %d", maxLength, len(text))
	}
	// The parser takes these for more than the five fields.
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return nil, fmt.Errorf("cron expression %q names a time zone: set the timezone beside the expression instead", text)
	}
	if strings.HasPrefix(text, "@every") {
		return nil, fmt.Errorf("cron expression %q is not supported, as it would begin anew with every restart: write for example \"*/15 * * * *\"", text)
	}
	schedule, err := parser.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("cron expression %q is not valid (%w): write five fields \"minute hour day-of-month month day-of-week\", for example \"15 2 * * *\" or \"0 4 * * SUN\" (Sunday is 0), or one of @hourly, @daily, @weekly, @monthly, @yearly", text, err)
	}
	spec, ok := schedule.(*cron.SpecSchedule)
	if !ok || spec.Minute == 0 || spec.Hour == 0 || spec.Dom == 0 || spec.Month == 0 || spec.Dow == 0 {
		return nil, fmt.Errorf("cron expression %q has a field that names no value: write \"*\" for any", text)
	}
	spec.Location = time.UTC
	// From a leap year on, so that 29 February is found.
	if spec.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("cron expression %q is never due: no such date exists", text)
	}
	return &Expression{spec: spec, zone: zone}, nil
}

// TimesPerHour is how often the expression is due in an hour in which it is.
func (e *Expression) TimesPerHour() int { return bits.OnesCount64(e.spec.Minute & (1<<60 - 1)) }

// hourly tells whether the expression is due in every hour of its days, and so
// goes by the time that passes.
func (e *Expression) hourly() bool { return e.spec.Hour&everyHour == everyHour }

// Latest returns the last time the expression is due after a time, and not
// after another; the zero time if there is none.
func (e *Expression) Latest(after, until time.Time) time.Time {
	// Look back in ever larger steps: the last one lies behind the first step
	// in which there is any.
	for back := time.Minute; after.Before(until); back *= 2 {
		from := until.Add(-back)
		if from.Before(after) {
			from = after
		}
		if due := e.Next(from); !due.IsZero() && !due.After(until) {
			return e.last(due, until)
		}
		if !from.After(after) {
			break
		}
	}
	return time.Time{}
}

// last goes on from one time it is due to the last one until a time.
func (e *Expression) last(due, until time.Time) time.Time {
	for {
		next := e.Next(due)
		if next.IsZero() || next.After(until) {
			return due
		}
		due = next
	}
}
