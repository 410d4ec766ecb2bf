// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"hash/fnv"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/cron"
)

// Timetable is when a task of a portal is started by its schedule.
type Timetable struct {
	expression *cron.Expression // nil: never
	jitter     time.Duration
}

// Start is one start of a task. Its zero value is none.
type Start struct {
	// Due is when the task is due, At when it is started: Due and the jitter.
	Due, At time.Time
}

// IsZero tells whether there is no start.
func (s Start) IsZero() bool { return s.At.IsZero() }

// Timetable is that of a task of a portal. A schedule that is paused or has no
// Cron starts nothing.
func (s Schedule) Timetable(portal, task string) (Timetable, error) {
	expression, err := s.expression()
	if err != nil || expression == nil || s.Paused {
		return Timetable{}, err
	}
	bound := DefaultJitter
	switch {
	case s.Jitter != nil:
		bound = time.Duration(*s.Jitter)
	case expression.TimesPerHour() > 1:
		bound = 0
	}
	return Timetable{expression, jitter(portal, task, bound)}, nil
}

// jitter is a whole number of seconds from 0 to bound that is always the same
// for one task, and spreads those of many portals.
func jitter(portal, task string, bound time.Duration) time.Duration {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(portal + "/" + task)) // never fails
	choices := uint64(bound/time.Second) + 1
	return time.Duration(hash.Sum64()%choices) * time.Second
}

// Jitter is how long after the due time the task is started.
func (t Timetable) Jitter() time.Duration { return t.jitter }

// Next is the first start after a time.
func (t Timetable) Next(after time.Time) Start {
	if t.expression == nil {
		return Start{}
	}
	return t.start(t.expression.Next(after.Add(-t.jitter)))
}

// Latest is the last start after a time, and not after another.
func (t Timetable) Latest(after, until time.Time) Start {
	if t.expression == nil {
		return Start{}
	}
	return t.start(t.expression.Latest(after.Add(-t.jitter), until.Add(-t.jitter)))
}

func (t Timetable) start(due time.Time) Start {
	if due.IsZero() {
		return Start{}
	}
	return Start{Due: due, At: due.Add(t.jitter)}
}
