// SPDX-License-Identifier: MPL-2.0

package ownership

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

func parse(t *testing.T, text string) *overrides.Document {
	t.Helper()
	doc, err := overrides.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func record(t *testing.T) *Record {
	t.Helper()
	r, err := Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func leaves(t *testing.T, values map[string]any) []overrides.Leaf {
	t.Helper()
	out, err := overrides.Flatten(values)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// set makes a change that must succeed, completes it, and returns the text.
func set(t *testing.T, r *Record, text, id string, change Change) string {
	t.Helper()
	doc, err := r.Set(parse(t, text), id, change)
	if err != nil {
		t.Fatal(err)
	}
	r.Settle()
	return string(doc.Text())
}

const file = "# settings\nA: 1 # one\nM:\n  X: yes\n  Y: [a, b]\n"

func TestSetAndRemoveGiveBackTheText(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"a key":             {"B": "b"},
		"into a map":        {"M": map[string]any{"Z": true}},
		"a new map":         {"N": map[string]any{"Z": []any{"a"}}},
		"what is there too": {"B": nil, "M": map[string]any{"W": overrides.Number("1")}},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t)
			text := set(t, r, file, "acme/1", Change{Values: leaves(t, values), Create: true})
			if text == file {
				t.Fatal("nothing was set")
			}
			doc, err := r.Remove(parse(t, text), "acme/1")
			if err != nil || string(doc.Text()) != file || len(r.Owners) > 0 {
				t.Errorf("%v, owners %v:\n%s", err, r.Owners, doc.Text())
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	secret := Change{Secrets: leaves(t, map[string]any{"A": "s3cret"}), Create: true}
	for name, tc := range map[string]struct {
		change Change
		leaf   string
		says   string // also not, with a "!" before it
	}{
		"another value by hand":         {Change{Values: leaves(t, map[string]any{"A": "x"})}, "A", "with the value 1"},
		"a secret by hand":              {secret, "A", "!with the value"},
		"a map by hand":                 {Change{Values: leaves(t, map[string]any{"M": "x"})}, "M", "somebody else"},
		"a value where a map would be":  {Change{Values: leaves(t, map[string]any{"A": map[string]any{"B": "x"}})}, "A", "somebody else"},
		"another override's":            {Change{Values: leaves(t, map[string]any{"O": "x"})}, "O", "override acme/other has O"},
		"above another override's":      {Change{Values: leaves(t, map[string]any{"P": "x"})}, "P", "override acme/other has P.Q"},
		"below another override's leaf": {Change{Values: leaves(t, map[string]any{"O": map[string]any{"Q": "x"}})}, "O.Q", "override acme/other has O"},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t)
			text := set(t, r, file, "acme/other", Change{Values: leaves(t, map[string]any{"O": "o", "P": map[string]any{"Q": "q"}}), Create: true})
			before := string(r.Bytes())
			_, err := r.Set(parse(t, text), "acme/1", tc.change)
			var conflict *ConflictError
			if !errors.As(err, &conflict) || conflict.Leaf != tc.leaf {
				t.Fatalf("got %v", err)
			}
			if says, not := strings.CutPrefix(tc.says, "!"); strings.Contains(err.Error(), says) == not {
				t.Errorf("the error is: %v", err)
			}
			if string(r.Bytes()) != before {
				t.Error("the record was changed")
			}
			tc.change.Adopt = true
			if tc.leaf == "M" {
				// It has values of others below it, who would lose them.
				if _, err := r.Set(parse(t, text), "acme/1", tc.change); err == nil || !strings.Contains(err.Error(), "other values") {
					t.Errorf("adopt of a map: %v", err)
				}
				return
			}
			adopted := set(t, r, text, "acme/1", tc.change)
			for _, l := range append(tc.change.Values, tc.change.Secrets...) {
				if got, _ := parse(t, adopted).Lookup(l.Path); !overrides.Equal(got, l.Value) {
					t.Errorf("%s is %v after adopt:\n%s", l.Path, got, adopted)
				}
			}
		})
	}
}

// A leaf that is no longer asked for goes, and one of the same value that is
// there already is taken over as it is written.
func TestSetChangesWhatDiffersOnly(t *testing.T) {
	r := record(t)
	text := set(t, r, file, "acme/1", Change{Values: leaves(t, map[string]any{"A": overrides.Number("1"), "B": "b", "C": "c"}), Create: true})
	text = set(t, r, text, "acme/1", Change{Values: leaves(t, map[string]any{"A": overrides.Number("1"), "C": "new"})})
	doc := parse(t, text)
	if _, found := doc.Lookup(overrides.Path{"B"}); found {
		t.Errorf("B is still there:\n%s", text)
	}
	if v, _ := doc.Lookup(overrides.Path{"C"}); v != "new" || !strings.Contains(text, "A: 1 # one\n") {
		t.Errorf("the text is\n%s", text)
	}
}

// Ansible refuses a file that holds no mapping: services could not start.
func TestFileStaysReadable(t *testing.T) {
	for _, text := range []string{"", "# settings\n", "---\n", "A: 1\n", "{}\n", "---\n{}\n"} {
		r := record(t)
		with := set(t, r, text, "acme/1", Change{Values: leaves(t, map[string]any{"A": "a"}), Adopt: true})
		doc, err := r.Remove(parse(t, with), "acme/1")
		if err != nil {
			t.Fatal(err)
		}
		if value, found := doc.Lookup(overrides.Path{}); !found || !overrides.Equal(value, map[string]any{}) {
			t.Errorf("%q became %q and then %q", text, with, doc.Text())
		}
	}
}

// Somebody who was cut off does not keep others from the leaves.
func TestPendingOwnersAreTakenOver(t *testing.T) {
	r := record(t)
	doc, err := r.Set(parse(t, file), "acme/1", Change{Values: leaves(t, map[string]any{"B": "b"}), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	text := set(t, r, string(doc.Text()), "acme/2", Change{Values: leaves(t, map[string]any{"B": "other"}), Create: true})
	if v, _ := parse(t, text).Lookup(overrides.Path{"B"}); v != "other" || r.Owners["acme/1"] != nil {
		t.Errorf("owners %v:\n%s", r.Owners, text)
	}
}

func TestIDsFollowFromTheLeaves(t *testing.T) {
	r := record(t)
	a, b := leaves(t, map[string]any{"A": "x"}), leaves(t, map[string]any{"B": "x"})
	first := r.NewID("acme", a)
	if first != r.NewID("acme", leaves(t, map[string]any{"A": "another value"})) || first == r.NewID("acme", b) || first == r.NewID("other", a) {
		t.Error("the id does not follow from portal and leaves")
	}
	if !strings.HasPrefix(first, "acme/") || len(first) != len("acme/")+8 {
		t.Errorf("the id is %q", first)
	}
	text := set(t, r, "{}\n", first, Change{Values: a, Create: true})
	set(t, r, text, first, Change{Values: b})
	if r.NewID("acme", a) == first {
		t.Error("the id of an override that has other leaves now was given again")
	}
}

func TestSecretsAreTold(t *testing.T) {
	r := record(t)
	text := set(t, r, file, "acme/1", Change{Secrets: leaves(t, map[string]any{"S": "one", "T": map[string]any{"U": "two"}, "V": "three"}), Create: true})
	if strings.Contains(string(r.Bytes()), "one") || strings.Contains(string(r.Bytes()), "three") {
		t.Error("the record shows a secret")
	}
	text = strings.NewReplacer(`"one"`, `"changed"`, "one", "changed").Replace(text)
	doc, err := parse(t, text).Remove([]overrides.Path{{"V"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Secrets(doc, "acme/1")
	if want := map[string]SecretState{"S": SecretChanged, "T.U": SecretSame, "V": SecretMissing}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	again, err := Parse(r.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := again.Secrets(doc, "acme/1"); got["T.U"] != SecretSame {
		t.Error("the fingerprints do not survive the file")
	}
}

func TestRestoreKeepsWhatOthersWrote(t *testing.T) {
	r := record(t)
	before := parse(t, file+"E: {}\n")
	former := r.Clone()
	after, err := r.Set(before, "acme/1", Change{Values: leaves(t, map[string]any{"A": "new", "B": "b", "E": map[string]any{"F": "f"}}), Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	now := parse(t, string(after.Text())+"THEIRS: 1\n")
	got, err := Restore(now, before, []string{"acme/1"}, former, r)
	if err != nil {
		t.Fatal(err)
	}
	if want := file + "E: {}\nTHEIRS: 1\n"; string(got.Text()) != want {
		t.Errorf("got\n%swant\n%s", got.Text(), want)
	}
}

func TestBrokenRecords(t *testing.T) {
	for text, want := range map[string]string{`{"version": 99}`: "newer provider", `{`: "not valid JSON"} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
