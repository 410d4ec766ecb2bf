// SPDX-License-Identifier: MPL-2.0

package cron_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	robfig "github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"github.com/privateportals/terraform-provider-portal/internal/cron"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func parse(t testing.TB, text string, z *time.Location) *cron.Expression {
	t.Helper()
	e, err := cron.Parse(text, z)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// zones whose clocks are changed in different ways.
var zones = []string{
	"UTC",
	"Europe/Paris", "Europe/London", "America/New_York", "America/Los_Angeles", "Australia/Sydney",
	"Australia/Lord_Howe", // by half an hour
	"America/Sao_Paulo",   // at midnight, until 2019
	"America/Havana",      // back to the day before
	"Asia/Beirut", "Asia/Gaza", "Africa/Cairo",
	"Africa/Casablanca", // back and forth around a month
	"Antarctica/Troll",  // by two hours
	"Pacific/Apia",      // a day that does not exist, in 2011
	"Asia/Pyongyang",    // by half an hour, once
	"America/Scoresbysund", "Europe/Lisbon", "Asia/Tehran", "Pacific/Chatham", "Asia/Kolkata",
}

var expressions = []string{
	"* * * * *", "*/5 * * * *", "30 * * * *", "@hourly", "17 * * * 0",
	"0 0 * * *", "@daily", "30 0 * * *", "0 1 * * *", "30 1 * * *", "59 1 * * *",
	"0 2 * * *", "15 2 * * *", "30 2 * * *", "0 3 * * *", "30 23 * * *", "59 23 * * *",
	"0,30 1-3 * * *", "*/10 2 * * *", "0 */2 * * *", "0 1-23/2 * * *", "*/20 0-22 * * *",
	"0 2 * * SUN", "30 2 * * 1-5", "0 12 30 * *", "@weekly", "@monthly", "45 2 28-31 3,10 *",
}

// changes returns when the clocks of a zone are changed, in some years.
func changes(z *time.Location) []time.Time {
	var out []time.Time
	for _, years := range [][2]int{{2011, 2012}, {2015, 2018}, {2024, 2027}} {
		end := time.Date(years[1], 1, 1, 0, 0, 0, 0, time.UTC)
		at := time.Date(years[0], 1, 1, 0, 0, 0, 0, time.UTC)
		for {
			_, at = at.In(z).ZoneBounds()
			if at.IsZero() || at.After(end) {
				break
			}
			out = append(out, at)
		}
	}
	return out
}

// wall is what the clocks show, as a time in UTC.
func wall(at time.Time, z *time.Location) time.Time {
	l := at.In(z)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}

// minute is one that the clocks show, or pass over, and when that is.
type minute struct {
	at                                time.Time
	minute, hour, day, month, weekday uint64 // as in a robfig.SpecSchedule
}

func minuteOf(shown, at time.Time) minute {
	return minute{
		at, 1 << shown.Minute(), 1 << shown.Hour(), 1 << shown.Day(),
		1 << shown.Month(), 1 << shown.Weekday(),
	}
}

// watch looks at the clocks each minute from begin until before end. passed are
// the minutes that they show, or pass over, for the first time. It knows
// nothing of periods, only what the clocks show.
func watch(z *time.Location, begin, end time.Time) (shown, passed []minute) {
	// highest is the latest that the clocks have ever shown.
	at := begin.Add(-26 * time.Hour)
	highest := wall(at.Add(-time.Minute), z)
	for ; at.Before(end); at = at.Add(time.Minute) {
		now := wall(at, z)
		if !at.Before(begin) {
			shown = append(shown, minuteOf(now, at))
		}
		for highest.Before(now) {
			highest = highest.Add(time.Minute)
			if !at.Before(begin) {
				passed = append(passed, minuteOf(highest, at))
			}
		}
	}
	return shown, passed
}

// due picks the minutes that an expression names, each time once.
func due(s *robfig.SpecSchedule, minutes []minute) []time.Time {
	const star = 1 << 63
	var out []time.Time
	for _, m := range minutes {
		if s.Minute&m.minute == 0 || s.Hour&m.hour == 0 || s.Month&m.month == 0 {
			continue
		}
		day, weekday := s.Dom&m.day != 0, s.Dow&m.weekday != 0
		named := day && weekday
		if (s.Dom|s.Dow)&star == 0 {
			named = day || weekday
		}
		if !named {
			continue
		}
		if n := len(out); n == 0 || !out[n-1].Equal(m.at) {
			out = append(out, m.at)
		}
	}
	return out
}

// isHourly is the rule in other words than the package's.
func isHourly(s *robfig.SpecSchedule) bool {
	for hour := range 24 {
		if s.Hour&(1<<hour) == 0 {
			return false
		}
	}
	return true
}

// TestChangesOfClocks compares every expression around every change of every
// zone's clocks with what a look at each single minute finds.
func TestChangesOfClocks(t *testing.T) {
	for _, name := range zones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := zone(t, name)
			looked := changes(z)
			if name == "UTC" || name == "Asia/Kolkata" {
				looked = []time.Time{time.Date(2025, 3, 30, 1, 0, 0, 0, time.UTC)}
			}
			if len(looked) == 0 {
				t.Fatal("no change of clocks: the zone proves nothing")
			}
			for _, change := range looked {
				begin, end := change.Add(-30*time.Hour), change.Add(30*time.Hour)
				shown, passed := watch(z, begin, end)
				for _, text := range expressions {
					schedule, err := robfig.ParseStandard(text)
					if err != nil {
						t.Fatal(err)
					}
					spec := schedule.(*robfig.SpecSchedule)
					minutes := passed
					if isHourly(spec) {
						minutes = shown
					}
					compare(t, parse(t, text, z), text, due(spec, minutes), begin, end)
				}
			}
		})
	}
}

func compare(t *testing.T, e *cron.Expression, text string, want []time.Time, begin, end time.Time) {
	t.Helper()
	var got []time.Time
	for at := e.Next(begin.Add(-1)); !at.IsZero() && at.Before(end); at = e.Next(at) {
		got = append(got, at)
	}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Fatalf("%s from %s:\n got %v\nwant %v", text, begin, got, want)
	}
	var last time.Time
	if len(want) > 0 {
		last = want[len(want)-1]
	}
	if at := e.Latest(begin.Add(-1), end.Add(-1)); !at.Equal(last) {
		t.Fatalf("%s: the latest before %s is %s, want %s", text, end, at, last)
	}
}

// TestKnownDays has days that anybody can check with a calendar.
func TestKnownDays(t *testing.T) {
	for _, tt := range []struct {
		name, zone, expression string
		from, to               string // local
		want                   []string
	}{
		{
			"a time that does not exist is due at the next one", "Europe/Paris", "30 2 * * *",
			"2025-03-29T00:00:00+01:00", "2025-04-01T00:00:00+02:00",
			[]string{"2025-03-29T02:30:00+01:00", "2025-03-30T03:00:00+02:00", "2025-03-31T02:30:00+02:00"},
		},
		{
			"many that do not exist are one", "Europe/Paris", "*/10 2 * * *",
			"2025-03-30T00:00:00+01:00", "2025-03-30T23:00:00+02:00",
			[]string{"2025-03-30T03:00:00+02:00"},
		},
		{
			"one that does not exist and the next are one", "Europe/Paris", "0,30 2-3 * * *",
			"2025-03-30T00:00:00+01:00", "2025-03-30T23:00:00+02:00",
			[]string{"2025-03-30T03:00:00+02:00", "2025-03-30T03:30:00+02:00"},
		},
		{
			"a time that occurs twice is due the first time", "Europe/Paris", "30 2 * * *",
			"2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00",
			[]string{"2025-10-26T02:30:00+02:00"},
		},
		{
			"every hour goes on while clocks are put back", "Europe/Paris", "30 * * * *",
			"2025-10-26T01:00:00+02:00", "2025-10-26T04:00:00+01:00",
			[]string{"2025-10-26T01:30:00+02:00", "2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00", "2025-10-26T03:30:00+01:00"},
		},
		{
			"every hour has nothing to make up for", "Europe/Paris", "30 * * * *",
			"2025-03-30T01:00:00+01:00", "2025-03-30T04:00:00+02:00",
			[]string{"2025-03-30T01:30:00+01:00", "2025-03-30T03:30:00+02:00"},
		},
		{
			"midnight that does not exist", "America/Sao_Paulo", "@daily",
			"2017-10-14T12:00:00-03:00", "2017-10-16T12:00:00-02:00",
			[]string{"2017-10-15T01:00:00-02:00", "2017-10-16T00:00:00-02:00"},
		},
		{
			"half an hour", "Australia/Lord_Howe", "15 2 * * *",
			"2025-10-05T00:00:00+10:30", "2025-10-06T12:00:00+11:00",
			[]string{"2025-10-05T02:30:00+11:00", "2025-10-06T02:15:00+11:00"},
		},
		{
			"a day that does not exist", "Pacific/Apia", "0 2 * * *",
			"2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00",
			[]string{"2011-12-29T02:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T02:00:00+14:00"},
		},
		{
			"29 February", "UTC", "0 0 29 2 *", "2025-01-01T00:00:00Z", "2033-01-01T00:00:00Z",
			[]string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"},
		},
		{
			"either of two days", "UTC", "0 0 1 * MON", "2025-06-01T00:00:00Z", "2025-06-10T00:00:00Z",
			[]string{"2025-06-01T00:00:00Z", "2025-06-02T00:00:00Z", "2025-06-09T00:00:00Z"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := parse(t, tt.expression, zone(t, tt.zone))
			var want []time.Time
			for _, text := range tt.want {
				want = append(want, at(t, text))
			}
			compare(t, e, tt.expression, want, at(t, tt.from), at(t, tt.to))
		})
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestNextAndLatestAgree draws expressions and times at random.
func TestNextAndLatestAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%s %s %s * *",
			rapid.SampledFrom([]string{"*", "0", "*/7", "13", "59", "10-20"}).Draw(t, "minute"),
			rapid.SampledFrom([]string{"*", "0", "2", "*/3", "1-3", "23"}).Draw(t, "hour"),
			rapid.SampledFrom([]string{"*", "1", "25-31"}).Draw(t, "day"))
		e, err := cron.Parse(text, z)
		if err != nil {
			t.Fatal(err)
		}
		after := time.Unix(rapid.Int64Range(1.2e9, 2.2e9).Draw(t, "after"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		next := e.Next(after)
		if !next.After(after) {
			t.Fatalf("%s: next after %s is %s", text, after, next)
		}
		if got := e.Latest(after, next); !got.Equal(next) {
			t.Fatalf("%s: latest in (%s, %s] is %s", text, after, next, got)
		}
		if got := e.Latest(after, next.Add(-1)); !got.IsZero() {
			t.Fatalf("%s: between %s and its next %s lies %s", text, after, next, got)
		}
	})
}
