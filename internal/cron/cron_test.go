// SPDX-License-Identifier: MPL-2.0

package cron_test

import (
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/cron"
)

func TestParseRefuses(t *testing.T) {
	for text, part := range map[string]string{
		"":                             "five fields",
		"* * * *":                      "five fields",
		"0 * * * * *":                  "five fields",
		"60 * * * *":                   "above maximum",
		"* 24 * * *":                   "above maximum",
		"0 0 0 * *":                    "below minimum",
		"0 0 * * 7":                    "Sunday is 0",
		"*/0 * * * *":                  "positive",
		", * * * *":                    "names no value",
		"0 0 30 2 *":                   "never due",
		"@reboot":                      "@hourly",
		"@every 5m":                    "*/15 * * * *",
		"TZ=UTC":                       "timezone",
		"TZ=Europe/Paris 0 0 * * *":    "timezone",
		"CRON_TZ=UTC 0 0 * * *":        "timezone",
		"a b c d e":                    "five fields",
		"0 0 * * * " + manyBlanks(300): "at most 256",
	} {
		_, err := cron.Parse(text, time.UTC)
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Parse(%q): %v, want an error with %q", text, err, part)
		}
	}
}

func manyBlanks(n int) string { return strings.Repeat(" ", n) }

func TestParseAccepts(t *testing.T) {
	for _, text := range []string{
		"15 2 * * *", "0 4 * * SUN", "0 4 * * sun-tue", "0 0 1 JAN,jul *", "@hourly", "@daily", "@midnight",
		"@weekly", "@monthly", "@yearly", "@annually", "0-30/10,45 8-18 * * 1-5", "0 0 29 2 *", " 5  4 * * * ",
	} {
		if _, err := cron.Parse(text, time.UTC); err != nil {
			t.Error(err)
		}
	}
}

func TestTimesPerHour(t *testing.T) {
	for text, want := range map[string]int{
		"@hourly": 1, "15 2 * * *": 1, "* * * * *": 60, "*/5 * * * *": 12, "0,30 3 * * *": 2,
	} {
		e := parse(t, text, time.UTC)
		if got := e.TimesPerHour(); got != want {
			t.Errorf("%s: %d times an hour, want %d", text, got, want)
		}
	}
}
