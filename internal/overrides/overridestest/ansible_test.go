// SPDX-License-Identifier: MPL-2.0

package overridestest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/overridestest"
)

// ansible runs a shell command with standard input in the demo image of Open
// edX, which has Ansible, and returns its output. A directory is mounted at /in.
func ansible(t *testing.T, in, command string, stdin []byte) []byte {
	t.Helper()
	cmd := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--user", "0:0", "--volume", in+":/in:ro",
		"--entrypoint", "sh", image(t), "-ec", command)
	cmd.Stdin = bytes.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("Ansible in a container of the Docker Engine: %v\n%s", err, said.String())
	}
	return out
}

// image builds the demo image if it is not there yet.
func image(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("../../../tools/images/build", "edxapp")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build the demo image: %v\n%s", err, said.String())
	}
	var images map[string]string
	if err := json.Unmarshal(out, &images); err != nil || images["edxapp"] == "" {
		t.Fatalf("tools/images/build printed %q: %v", out, err)
	}
	return images["edxapp"]
}

func testdata(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAnsibleReadsWhatWasSet sets the corpus in files of several styles. A
// playbook that gets them by -e @file renders the values as JSON.
func TestAnsibleReadsWhatWasSet(t *testing.T) {
	values := overridestest.Values()
	if len(values) < 150 {
		t.Fatalf("the corpus has %d values", len(values))
	}
	want := map[string]any{"EDXAPP_MAP": map[string]any{}, "EDXAPP_LIST": values}
	nested := map[string]any{}
	for i, v := range values {
		want[fmt.Sprintf("EDXAPP_V%03d", i)] = v
		nested[fmt.Sprintf("v%03d", i)] = v
	}
	want["EDXAPP_MAP"] = nested
	leaves, err := overrides.Flatten(want)
	if err != nil {
		t.Fatal(err)
	}
	for i, expression := range []string{"{{ EDXAPP_BASE }}/x", "{{ 'a' ~ \"b\" }}"} {
		leaves = append(leaves, overrides.Leaf{Path: overrides.Path{fmt.Sprintf("EDXAPP_J%d", i)}, Value: expression})
		want[fmt.Sprintf("EDXAPP_J%d", i)] = []string{"acme.com/x", "ab"}[i]
	}
	for style, text := range map[string]string{
		"block": "---\n# head\nEDXAPP_BASE: acme.com\nEDXAPP_MAP: {}\n",
		"flow":  "{EDXAPP_BASE: acme.com, # base\n}\n",
		"json":  "{\"EDXAPP_BASE\": \"acme.com\"}",
	} {
		t.Run(style, func(t *testing.T) {
			d, err := overrides.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if d, _, err = d.Set(leaves); err != nil {
				t.Fatal(err)
			}
			out := ansible(t, testdata(t), `cat > /tmp/overrides.yml
				ansible-playbook --inventory localhost, /in/play.yml -e @/tmp/overrides.yml >&2
				cat /tmp/vars.json`, d.Text())
			compare(t, want, out)
		})
	}
}

// compare asserts that JSON of Ansible has these values.
func compare(t *testing.T, want map[string]any, text []byte) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var got map[string]any
	if err := decoder.Decode(&got); err != nil {
		t.Fatalf("%v in %.1000s", err, text)
	}
	if len(got) != len(want) {
		t.Errorf("Ansible has %d variables instead of %d", len(got), len(want))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if g := fromJSON(t, got[name]); !overrides.Equal(g, want[name]) {
			t.Errorf("%s is %s instead of %s", name, overrides.Describe(g), overrides.Describe(want[name]))
		}
	}
}

// fromJSON turns decoded JSON into values of overrides. A whole number that
// Ansible has as a float is a mistake.
func fromJSON(t *testing.T, value any) any {
	t.Helper()
	switch v := value.(type) {
	case json.Number:
		number, err := overrides.ParseNumber(v.String())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.ContainsAny(string(number), ".e") && v.String() != string(number) {
			t.Errorf("the whole number %s is %s to Ansible", number, v)
		}
		return number
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			list = append(list, fromJSON(t, item))
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for key, item := range v {
			m[key] = fromJSON(t, item)
		}
		return m
	}
	return value
}

// TestLookupReadsAsAnsible compares Lookup with Ansible's own loader: on the
// scalars of the corpus, and on files in all styles before and after Set.
func TestLookupReadsAsAnsible(t *testing.T) {
	var texts []string
	for _, p := range overridestest.Plains {
		texts = append(texts, "a: "+p.Text+"\n")
	}
	texts = append(texts, curious...)
	for i := range 1500 {
		text := overridestest.Hostile().Example(i)
		d, err := overrides.Parse([]byte(text))
		if err != nil {
			continue
		}
		texts = append(texts, text)
		if changed, _, err := d.Set(overridestest.Leaves().Example(i)); err == nil {
			texts = append(texts, string(changed.Text()))
		}
	}
	if len(texts) < 2000 {
		t.Fatalf("only %d of the texts are valid", len(texts))
	}
	stdin, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	var results []struct {
		Value json.RawMessage
		Error string
	}
	out := ansible(t, testdata(t), "python3 /in/load.py", stdin)
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(texts) {
		t.Fatalf("%d results: %v", len(results), err)
	}
	for i, text := range texts {
		d, err := overrides.Parse([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if results[i].Error != "" {
			t.Errorf("Ansible does not read %q: %s", text, results[i].Error)
			continue
		}
		var value any
		if err := json.Unmarshal(results[i].Value, &value); err != nil {
			t.Fatal(err)
		}
		want := fromLoader(t, value)
		if want == nil {
			want = map[string]any{} // a file without a value
		}
		if got, _ := d.Lookup(overrides.Path{}); !overrides.Equal(got, want) {
			t.Errorf("%q\nis   %#v\nwant %#v", text, got, want)
		}
	}
}

// curious are texts that parsers like to differ on.
var curious = []string{
	"{\"a\": 1e3, \"b\": \"\\ud83d\\ude00\\/\", \"c\": 1E400, \"d\": -0.0, \"e\": 1.0, \"f\": \"\\\\ud83d\"}", "{\"a\": 1e3, } # YAML",
	"a: !!int '5'\nb: !!float 1\nc: !!bool 'yes'\nd: !!null x\ne: !!str 1\nf: ! 12\ng: ! '12'\n",
	"%YAML 1.2\n---\na: 1\n", "a: x\u2028  y\nb: 1", "a: 1\u0085b: 2", "? a\n? b\n", "a:\n- 1\n-\n- 3\n", "{a: b#c}", "a:\t1", "a: [\t1,\t2]", "{\n\t\"a\":\t1\n}",
	"a: &x {b: 1}\nc:\n  <<: [*x, {b: 2, d: 3}]\n  e: 1\n", "a: &x {b: {c: 1}}\nd: {<<: *x, b: 2}\n",
	"a: b\n  c", "a: b:c", "a: |1\n x", "a: |2\n   x", "a: >\n  x\n\n\n   y\n  z\n", "a: |\n\n\n  x\n\n\n", "a: \"x\\\n  y\"", "a: 'it''s'",
	"12: a\n2.5: b\nyes: c\n~: d\n2020-01-01: e\n", "a: !unsafe {x: 1}\nb: !unsafe [1]\nc: !unsafe yes", "!!map\na: 1", "&r\na: 1\n", "a: \"\\x41\\u0042\\U00000043\\N\\_\\L\\P\\e\\0\"",
}

// fromLoader reads what load.py writes.
func fromLoader(t *testing.T, value any) any {
	t.Helper()
	switch v := value.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			list = append(list, fromLoader(t, item))
		}
		return list
	case map[string]any:
		if text, ok := v["number"].(string); ok {
			number, err := overrides.ParseNumber(text)
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
		entries, _ := v["map"].(map[string]any)
		m := map[string]any{}
		for key, item := range entries {
			m[key] = fromLoader(t, item)
		}
		return m
	}
	return value
}
