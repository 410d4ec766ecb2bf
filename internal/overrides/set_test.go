// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run `go test ./internal/overrides -update` and read the difference:\n%s", file, got)
	}
}

func parse(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return d
}

func flat(t *testing.T, values map[string]any) []Leaf {
	t.Helper()
	leaves, err := Flatten(values)
	if err != nil {
		t.Fatal(err)
	}
	return leaves
}

func pathsOf(leaves []Leaf) []Path {
	paths := make([]Path, 0, len(leaves))
	for _, l := range leaves {
		paths = append(paths, l.Path)
	}
	return paths
}

type m = map[string]any

// TestSetGolden shows where new text goes, and that removing it gives back the
// old one.
func TestSetGolden(t *testing.T) {
	values := m{
		"EDXAPP_FEATURES":      m{"ENABLE_MOBILE_REST_API": true, "LIMIT": Number("12"), "NESTED": m{"DEEP": "x"}},
		"EDXAPP_PLATFORM_NAME": "Acme \"Academy\"\nÉcole",
		"EDXAPP_LIST":          []any{"a", Number("1.5"), m{"k": nil, "l": []any{}}, []any{"b", "c"}},
		"EDXAPP_EMPTY":         m{},
		"dotted.key/x":         "yes",
	}
	for name, before := range map[string]string{
		"first":       "---\n# Values here beat the defaults of Open edX.\n# EDXAPP_PLATFORM_NAME: \"Acme Academy\"\n{}\n",
		"nothing":     "",
		"comments":    "# head\n\n# EDXAPP_X: 1\n",
		"block":       "---\n# head\nEDXAPP_BASE: \"{{ host }}:8000\" # Jinja\nEDXAPP_FEATURES:\n    AUTH: yes   # on\n    # none yet\n\nLAST: |\n  text\n\n# foot\n",
		"filled":      "EDXAPP_FEATURES: {}  # none yet\nOTHER: 1\n",
		"filled-flow": "EDXAPP_FEATURES: { } # none yet\nOTHER: 1\n",
		"flow":        "{\"EDXAPP_FEATURES\": {\"AUTH\": true}, \"OTHER\": 1e3}\n",
		"flow-lines":  "{\n  EDXAPP_FEATURES: {\n    AUTH: yes # on\n  },\n  OTHER: 1, # one\n}\n",
		"crlf":        "A: 1\r\nEDXAPP_FEATURES:\r\n  AUTH: yes\r\n",
		"no-newline":  "EDXAPP_FEATURES:\n  AUTH: yes",
		"open-scalar": "EDXAPP_FEATURES:\n  AUTH: yes\nLAST: |\n  text",
		"ended":       "%YAML 1.1\n---\nA: 1\n...\n# after\n",
		"merge":       "base: &base\n  AUTH: yes\nEDXAPP_FEATURES:\n  <<: *base\n  OWN: 1\n",
		"indented":    "  A: 1\n  EDXAPP_FEATURES:\n   AUTH: yes\n",
		"explicit":    "? EDXAPP_FEATURES\n: AUTH: yes\n? B\n: 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			leaves := flat(t, values)
			d := parse(t, before)
			changed, filled, err := d.Set(leaves)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("set", name+".yml"), changed.Text())
			if want := strings.HasPrefix(name, "fi"); want != (len(filled) == 1) {
				t.Errorf("the mappings that were filled: %v", filled)
			}
			back, err := changed.Remove(pathsOf(leaves), filled)
			if err != nil {
				t.Fatal(err)
			}
			if string(back.Text()) != before {
				t.Errorf("%q\nbecame %q", before, back.Text())
			}
			again, _, err := changed.Set(leaves)
			if err != nil || again != changed {
				t.Errorf("setting the same again changes the text: %v", err)
			}
		})
	}
}

// TestReplace shows what stays of a line whose value is replaced.
func TestReplace(t *testing.T) {
	list := []any{"x", "y"}
	for _, tt := range []struct {
		before string
		value  any
		after  string
	}{
		{"a: 1 # why\nb: 2\n", "x", "a: \"x\" # why\nb: 2\n"},
		{"a:   'old'   # why\n", nil, "a:   null   # why\n"},
		{"a: # why\n", true, "a: true # why\n"},
		{"a:", true, "a: true"},
		{"a:\n  old\n", "x", "a:\n  \"x\"\n"},
		{"a: old\n  text\nb: 1\n", Number("2"), "a: 2\nb: 1\n"},
		{"a: |  # why\n  text\n\n  more\n\nb: 1\n", "x", "a: \"x\"  # why\n\nb: 1\n"},
		{"a: |+\n  text\n\nb: 1\n", "x", "a: \"x\"\nb: 1\n"},
		{"a: |\n  text", "x", "a: \"x\""},
		{"a: |\n  text", list, "a:\n  - \"x\"\n  - \"y\"\n"},
		{"a: # why\n  # one\n  - 1 # 1\n  - 2\n\nb: 1\n", "x", "a: \"x\" # why\n  # one\n\nb: 1\n"},
		{"a:\n- 1\n- 2 # two\nb: 1\n", list, "a:\n- \"x\"\n- \"y\" # two\nb: 1\n"},
		{"a:\n  - 1", "x", "a: \"x\""},
		{"a: 1 # why\nb: 1\n", list, "a: # why\n  - \"x\"\n  - \"y\"\nb: 1\n"},
		{"a: # why\n", list, "a: # why\n  - \"x\"\n  - \"y\"\n"},
		{"a: [1,\n  2]\n", list, "a: [\"x\", \"y\"]\n"},
		{"a: &n !unsafe 1\n", "x", "a: \"x\"\n"},
		{"a: &n\n  - 1\n", "x", "a: \"x\"\n"},
		{"n: &n 1\na: *n\n", "x", "n: &n 1\na: \"x\"\n"},
		{"{a: 1, b: 2}", list, "{a: [\"x\", \"y\"], b: 2}"},
		{"{a: , b: 2}", "x", "{a: \"x\" , b: 2}"},
		{"{a, b: 2}", "x", "{a: \"x\", b: 2}"},
		{"{\"a\":1}", "x", "{\"a\":\"x\"}"},
		{"a: {}\n", list, "a:\n  - \"x\"\n  - \"y\"\n"},
		{"a: {} # c\n", "x", "a: \"x\" # c\n"},
		{"? a\n: 1\n", list, "? a\n:\n  - \"x\"\n  - \"y\"\n"},
		{"a: 1.0\n", Number("1"), "a: 1.0\n"},
		{"a: yes\n", true, "a: yes\n"},
		{"a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nb: 1\n", "x", "a: \"x\"\nb: 1\n"},
	} {
		d := parse(t, tt.before)
		changed, _, err := d.Set([]Leaf{{Path{"a"}, tt.value}})
		if err != nil {
			t.Errorf("%q: %v", tt.before, err)
			continue
		}
		if got := string(changed.Text()); got != tt.after {
			t.Errorf("%q with %v\nbecame %q\nwant   %q", tt.before, tt.value, got, tt.after)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	for _, tt := range []struct {
		text string
		path string
		want string
	}{
		{"a: 1\n", "a.b", "a (line 1): the value there is no mapping: remove it, or set it as a whole"},
		{"a:\n", "a.b", "a (line 1): the value there is no mapping: remove it, or set it as a whole"},
		{"a:\n  b: 1\n", "a", "a (line 1): a mapping with other values stands there: set values in it, or remove it"},
		{"n: &n {x: 1}\na: *n\n", "a.b", "a (line 2): an alias stands there, and a change would be one of what it refers to: write the value out in place of *n"},
		{"a: &n {x: 1}\nb: *n\n", "a.b", "a (line 1): the alias *n on line 2 refers to what is here, and would change with it: write the value out in place of the alias"},
		{"a: &n 1\nb: *n\n", "a", "a (line 1): the alias *n on line 2 refers to what is here, and would change with it: write the value out in place of the alias"},
		{"n: &n {a: {x: 1}}\n<<: *n\n", "a.b", "a (line 1): its values come by a merge (<<), and a key here would hide all of them: write them out here"},
		{"? a\n? b\n", "a", "a (line 1): the key there has no colon: write it as a key, a colon and a value on one line"},
	} {
		path, err := ParsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = parse(t, tt.text).Set([]Leaf{{path, "x"}})
		var conflict *ConflictError
		if !errors.As(err, &conflict) || err.Error() != tt.want {
			t.Errorf("%q: %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestSetChecksLeaves(t *testing.T) {
	d := parse(t, "a: 1\n")
	for want, leaves := range map[string][]Leaf{
		"a.b cannot be set together with a.b.c: one contains the other": {{Path{"a", "b", "c"}, "y"}, {Path{"a", "b"}, "x"}},
		"a cannot be set together with a: one contains the other":       {{Path{"a"}, "y"}, {Path{"a"}, "x"}},
		"a leaf needs a path":                                                         {{nil, "y"}},
		"a: values of type int are not supported":                                     {{Path{"a"}, 1}},
		"a: \"01\" is not in the form of a Number":                                    {{Path{"a"}, Number("01")}},
		"a: a mapping with entries is no leaf":                                        {{Path{"a"}, m{"b": "x"}}},
		"a: the string is not valid UTF-8: encode binary data, for example in base64": {{Path{"a"}, "\xff"}},
	} {
		if _, _, err := d.Set(leaves); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	long := Leaf{Path{strings.Repeat("k", maxKey)}, "x"}
	if _, _, err := d.Set([]Leaf{long}); err == nil || !strings.Contains(err.Error(), "is too long") {
		t.Errorf("a long key: %v", err)
	}
	large := Leaf{Path{"b"}, strings.Repeat("x", maxSize)}
	if _, _, err := d.Set([]Leaf{large}); err == nil || !strings.Contains(err.Error(), "after the change: the file has") {
		t.Errorf("a large value: %v", err)
	}
}

// TestOwnKeyBeatsMerge sets a leaf that is there by a merge.
func TestOwnKeyBeatsMerge(t *testing.T) {
	before := "n: &n {a: 1, b: 2}\nf:\n  <<: *n\n"
	d, _, err := parse(t, before).Set([]Leaf{{Path{"f", "a"}, Number("1")}})
	if err != nil {
		t.Fatal(err)
	}
	if want := before + "  a: 1\n"; string(d.Text()) != want {
		t.Errorf("%q\nwant %q", d.Text(), want)
	}
	if d, err = d.Remove([]Path{{"f", "a"}}, nil); err != nil || string(d.Text()) != before {
		t.Errorf("%v: %q", err, d.Text())
	}
}
