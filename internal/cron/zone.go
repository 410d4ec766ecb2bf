// SPDX-License-Identifier: MPL-2.0

package cron

import "time"

// period is a time in which the zone's clocks are not changed.
type period struct {
	// start and end are the changes of the clocks before and after it, end
	// excluded. They are zero where there is none.
	start, end time.Time
	// offset is what the clocks show over UTC; shift is how much they were put
	// forward at start, negative when they were put back.
	offset, shift time.Duration
}

func periodAt(t time.Time, zone *time.Location) period {
	t = t.In(zone)
	p := period{offset: offsetAt(t)}
	p.start, p.end = t.ZoneBounds()
	if !p.start.IsZero() {
		p.shift = p.offset - offsetAt(p.start.Add(-1))
	}
	return p
}

func offsetAt(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// wall is what the clocks show at t, as a time in UTC.
func (p period) wall(t time.Time) time.Time { return t.UTC().Add(p.offset) }

// Next returns the first time the expression is due after a time, in the
// expression's zone; the zero time if there is none.
func (e *Expression) Next(after time.Time) time.Time {
	for at := after; ; {
		p := periodAt(at, e.zone)
		due, never := e.within(p, after)
		switch {
		case never:
			return time.Time{}
		case !due.IsZero():
			return due.In(e.zone)
		}
		at = p.end
	}
}

// within returns the first time it is due in a period, after a time; zero if it
// is not. never says that it will not be in any later one.
func (e *Expression) within(p period, after time.Time) (due time.Time, never bool) {
	from := p.wall(after)
	if p.start.After(after) {
		begin := p.wall(p.start)
		if p.shift > 0 && !e.hourly() && e.dueBetween(begin.Add(-p.shift), begin) {
			return p.start, false
		}
		from = justBefore(begin)
	}
	if p.shift < 0 && !e.hourly() {
		// Until then the clocks show times that they have shown before.
		from = later(from, justBefore(p.wall(p.start).Add(-p.shift)))
	}
	next := e.spec.Next(from)
	if next.IsZero() {
		return time.Time{}, true
	}
	due = next.Add(-p.offset)
	if !p.end.IsZero() && !due.Before(p.end) {
		return time.Time{}, false
	}
	return due, false
}

// dueBetween tells whether it is due at a time that the clocks would show from
// begin until before end.
func (e *Expression) dueBetween(begin, end time.Time) bool {
	next := e.spec.Next(justBefore(begin))
	return !next.IsZero() && next.Before(end)
}

// justBefore lets spec.Next, which looks at times after another, find t itself.
func justBefore(t time.Time) time.Time { return t.Add(-1) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
