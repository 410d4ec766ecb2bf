// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPathString(t *testing.T) {
	for want, path := range map[string]Path{
		"":                         {},
		"EDXAPP_PLATFORM_NAME":     {"EDXAPP_PLATFORM_NAME"},
		"EDXAPP_FEATURES.ENABLE_X": {"EDXAPP_FEATURES", "ENABLE_X"},
		`a."b.c"."d e"."".1-2`:     {"a", "b.c", "d e", "", "1-2"},
		`"q\"uote"."é\\n"`:         {"q\"uote", "é\\n"},
		`"\xff"`:                   {"\xff"},
	} {
		if got := path.String(); got != want {
			t.Errorf("%q is written %s instead of %s", []string(path), got, want)
		}
	}
}

func TestPathsAreReadAsWritten(t *testing.T) {
	key := rapid.OneOf(rapid.String(), rapid.StringMatching("[A-Z_]{1,8}"), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		path := Path(rapid.SliceOfN(key, 0, 5).Draw(t, "path"))
		got, err := ParsePath(path.String())
		if err != nil || !slices.Equal(got, path) {
			t.Fatalf("%q: %q, %v", []string(path), []string(got), err)
		}
	})
}

func TestParsePathRefuses(t *testing.T) {
	for text, want := range map[string]string{
		".":         "a key is missing",
		"a.":        "a key is missing",
		"a..b":      "a key is missing",
		"a b":       "the key a b has to be in double quotes",
		"é":         "the key é has to be in double quotes",
		"\"a":       "a double quote is not closed",
		"\"a\"b":    "after the key \"a\" a dot is missing",
		"a.\"\\q\"": "a double quote is not closed",
	} {
		if _, err := ParsePath(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "write it as in") {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
}
