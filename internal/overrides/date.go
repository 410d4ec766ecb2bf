// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// yamlDate are the two forms in which PyYAML finds dates: a day alone in full
// digits, and a day with a time.
var yamlDate = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})$|^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?$`)

// isoDate is a date as Python writes it in ISO 8601.
func isoDate(text string) (string, bool) {
	m := yamlDate.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	if m[1] != "" {
		return text, sound(m[1], m[2], m[3], "0", "0", "0")
	}
	if !sound(m[4], m[5], m[6], m[7], m[8], m[9]) {
		return "", false
	}
	iso := m[4] + "-" + twoDigits(m[5]) + "-" + twoDigits(m[6]) + "T" + twoDigits(m[7]) + ":" + m[8] + ":" + m[9]
	if fraction := (m[10] + "000000")[:6]; fraction != "000000" {
		iso += "." + fraction
	}
	switch {
	case m[12] != "":
		zone, ok := isoZone(m[12], m[13], m[14])
		return iso + zone, ok
	case m[11] != "":
		iso += "+00:00"
	}
	return iso, true
}

func twoDigits(text string) string { return ("0" + text)[len(text)-1:] }

// sound tells whether there is such a day and time.
func sound(year, month, day, hour, minute, second string) bool {
	var n [6]int
	for i, text := range []string{year, month, day, hour, minute, second} {
		var err error
		if n[i], err = strconv.Atoi(text); err != nil {
			return false
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	return n[0] > 0 && t.Day() == n[2] && t.Month() == time.Month(n[1]) && n[3] < 24 && n[4] < 60 && n[5] < 60
}

// isoZone is a zone's distance from UTC, which is less than a day.
func isoZone(sign, hour, minute string) (string, bool) {
	h, err := strconv.Atoi(hour)
	if err != nil {
		return "", false
	}
	m, err := strconv.Atoi("0" + minute)
	if err != nil {
		return "", false
	}
	h, m = h+m/60, m%60
	if h == 0 && m == 0 {
		sign = "+"
	}
	return fmt.Sprintf("%s%02d:%02d", sign, h, m), h < 24
}
