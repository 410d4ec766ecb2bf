// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"errors"
	"strings"
	"testing"
)

func TestRemove(t *testing.T) {
	for _, tt := range []struct {
		before, remove, keep, after string
	}{
		{"a: 1 # one\nb: 2 # two\n", "a", "", "b: 2 # two\n"},
		{"# head\na: 1\n# foot\n", "a", "", "# head\n# foot\n"},
		{"a: 1\nb: 2", "b", "", "a: 1"},
		{"a: 1\nb: 2", "a b", "", ""},
		{"a: 1\nb:\n  - x\n\n  - y\n\nc: 3\n", "b", "", "a: 1\n\nc: 3\n"},
		{"a: |\n  text\n\n\nb: 2\n", "a", "", "\n\nb: 2\n"},
		{"a: |+\n  text\n\n\nb: 2\n", "a", "", "b: 2\n"},
		{"a: 'x\n\n  y' # c\nb: 2\n", "a", "", "b: 2\n"},

		// Mappings that become empty go with their last entry.
		{"f:\n  a: 1\nb: 2\n", "f.a", "", "b: 2\n"},
		{"f:\n  g:\n    a: 1\n  b: 2\n", "f.g.a", "", "f:\n  b: 2\n"},
		{"f: # of mine\n  # theirs\n  g:\n    a: 1\n\nb: 2\n", "f.g.a", "", "  # theirs\n\nb: 2\n"},
		{"f:\n  a: 1\nb: 2\n", "f.a", "f", "f: {}\nb: 2\n"},
		{"f: &n # c\n  a: 1\nb: 2\n", "f.a", "f", "f: &n {} # c\nb: 2\n"},
		{"f:\n  g:\n    a: 1\nb: 2\n", "f.g.a", "f", "f: {}\nb: 2\n"},
		{"f: {a: 1}\nb: 2\n", "f.a", "", "b: 2\n"},
		{"f: { a: 1 } # c\nb: 2\n", "f.a", "f", "f: {  } # c\nb: 2\n"},
		{"a: 1\n", "a", "", ""},
		{"# c\na: 1 # one\nb: 2\n", "a b", ".", "# c\n{}\n"},
		{"{a: 1}", "a", "", "{}"},
		{"a: 1\n...\n", "a", "", "{}\n...\n"},

		{"{a: 1, b: 2, c: 3}", "a", "", "{b: 2, c: 3}"},
		{"{a: 1, b: 2, c: 3}", "b", "", "{a: 1, c: 3}"},
		{"{a: 1, b: 2, c: 3}", "b c", "", "{a: 1}"},
		{"{a: 1, b: 2,}", "b", "", "{a: 1,}"},
		{"{a: 1, b: 2,}", "a b", "", "{}"},
		{"{\n  a: 1, # one\n  b: 2, # two\n  c: 3 # three\n}\n", "b", "", "{\n  a: 1, # one\n  c: 3 # three\n}\n"},
		{"{\n  a: 1, # one\n  b: 2, # two\n  c: 3 # three\n}\n", "c", "", "{\n  a: 1, # one\n  b: 2 # two\n}\n"},
		{"{a: 1, # one\n b: 2 # two\n}\n", "a", "", "{ # one\n b: 2 # two\n}\n"},
		{"{a: 1 # one\n , b: 2 # two\n}\n", "b", "", "{a: 1 # one\n   # two\n}\n"},

		// Nothing that is to go, or another's by now.
		{"a: 1\n", "b f.g", "", "a: 1\n"},
		{"f:\n  a: 1\n", "f", "", "f:\n  a: 1\n"},

		// What follows would belong to the value before.
		{"a: |+\n  text\nb: 1\n\nc: 2\n", "b", "", "a: |+\n  text\n#\n\nc: 2\n"},
		{"a: |\n  text\nb: 1", "b", "", "a: |\n  text\n"},
		// Behind an own key the merged value comes back.
		{"n: &n {a: 1}\nf:\n  <<: *n\n  a: 2\n", "f.a", "", "n: &n {a: 1}\nf:\n  <<: *n\n"},
		{"a: &n 1\nb: *n\nc: 1\n", "a b", "", "c: 1\n"},
	} {
		var paths, keep []Path
		for _, name := range strings.Fields(tt.remove) {
			path, err := ParsePath(name)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
		switch tt.keep {
		case "":
		case ".":
			keep = []Path{{}}
		default:
			keep = []Path{{tt.keep}}
		}
		d, err := parse(t, tt.before).Remove(paths, keep)
		if err != nil {
			t.Errorf("%q without %s: %v", tt.before, tt.remove, err)
			continue
		}
		if got := string(d.Text()); got != tt.after {
			t.Errorf("%q without %s\nbecame %q\nwant   %q", tt.before, tt.remove, got, tt.after)
		}
	}
}

func TestRemoveRefuses(t *testing.T) {
	for _, tt := range []struct{ text, path, want string }{
		{"n: &n {a: 1}\nf: *n\n", "f.a", "f.a (line 2): it comes by an alias or a merge (<<) and is not set here: remove it where it is set"},
		{"n: &n {a: 1}\nf:\n  <<: *n\n", "f.a", "f.a (line 2): it comes by an alias or a merge (<<) and is not set here: remove it where it is set"},
		{"a: &n 1\nb: *n\n", "a", "a (line 1): the alias *n on line 2 refers to what is here, and would change with it: write the value out in place of the alias"},
		{"a: [&n 1]\nb: *n\n", "a", "a (line 1): the alias *n on line 2 refers to what is here, and would change with it: write the value out in place of the alias"},
		{"&n a: 1\nb: *n\n", "a", "a (line 1): the alias *n on line 2 refers to what is here, and would change with it: write the value out in place of the alias"},
		{"f: &n {a: 1, b: 2}\ng: *n\n", "f.a", "f (line 1): the alias *n on line 2 refers to what is here, and would change with it: write the value out in place of the alias"},
		{"? f\n: a: 1\n  b: 2\n", "f.a", "f.a (line 2): the text there cannot be edited (it shares its line with another key): edit it by hand, or write it more simply"},
	} {
		path, err := ParsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parse(t, tt.text).Remove([]Path{path}, nil)
		var conflict *ConflictError
		if !errors.As(err, &conflict) || err.Error() != tt.want {
			t.Errorf("%q: %v\nwant %s", tt.text, err, tt.want)
		}
	}
}
