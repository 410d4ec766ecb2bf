// SPDX-License-Identifier: MPL-2.0

package overrides_test

import (
	"errors"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/overridestest"
)

// FuzzParse parses anything at all, sets a leaf and removes it again.
func FuzzParse(f *testing.F) {
	for i := range 40 {
		f.Add([]byte(overridestest.Hostile().Example(i)))
	}
	for _, seed := range []string{"a: &a [*a]", "{{ x }}: 1", "? [a]\n: b", "a: |+\n\n\n", "\xff", "a\r\nb: \u2028c", "- - ? a", "%YAML 1.2\n---\n{}", "{\"a\": \"\\ud83d\"}", "# c\r\n{}\r\r\n", "{\n  a: 1,\n  b: \"2\n  3\" # c\r\n}\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		start := time.Now()
		d, err := overrides.Parse(text)
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("parsing %d bytes took %s", len(text), took)
		}
		if err != nil {
			var syntax *overrides.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		leaf := overrides.Leaf{Path: overrides.Path{"EDXAPP_FUZZED", "LEAF"}, Value: []any{"x: y", overrides.Number("1")}}
		if _, there := d.Lookup(leaf.Path[:1]); there {
			return
		}
		changed, filled, err := d.Set([]overrides.Leaf{leaf})
		if err != nil {
			return
		}
		if got, _ := changed.Lookup(leaf.Path); !overrides.Equal(got, leaf.Value) {
			t.Fatalf("%q: %v", changed.Text(), got)
		}
		back, err := changed.Remove([]overrides.Path{leaf.Path}, filled)
		if err != nil || string(back.Text()) != string(text) {
			t.Fatalf("%q became %q, then %v: %v", text, changed.Text(), back, err)
		}
	})
}
