// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"math/big"
	"strings"
	"testing"
)

func TestFlatten(t *testing.T) {
	values := m{
		"b": []any{m{"x": Number("1")}},
		"a": m{"d": nil, "c": m{"z": true, "y": m{}}, "a.b": "x"},
		"c": m{},
	}
	leaves := flat(t, values)
	var got []string
	for _, l := range leaves {
		got = append(got, l.Path.String()+"="+Describe(l.Value))
	}
	if want := `a."a.b"="x" a.c.y={} a.c.z=true a.d=null b=[{x: 1}] c={}`; strings.Join(got, " ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, " "), want)
	}
	if back := Unflatten(leaves); !Equal(back, values) {
		t.Errorf("put together again: %v", back)
	}
	if leaves, err := Flatten(nil); err != nil || len(leaves) != 0 {
		t.Errorf("%v, %v", leaves, err)
	}
}

func TestFlattenRefuses(t *testing.T) {
	deepMap, deepList := any("x"), any("x")
	for range maxDepth + 1 {
		deepMap, deepList = m{"k": deepMap}, []any{deepList}
	}
	for want, values := range map[string]m{
		"a.b: values of type float64 are not supported":   {"a": m{"b": 1.5}},
		"a: values of type *big.Float are not supported":  {"a": []any{big.NewFloat(1)}},
		"a: \"1e3\" is not in the form of a Number":       {"a": Number("1e3")},
		"a: the string is not valid UTF-8":                {"a": "\xff"},
		"the key \"\\xff\" is not valid UTF-8":            {"\xff": "x"},
		"is too long: at most 1000 bytes are allowed":     {"a": []any{m{strings.Repeat("é", 500): "x"}}},
		"k.k.k…: values are nested more than 100 levels":  {"k": deepMap},
		"a…: values are nested more than 100 levels deep": {"a": deepList},
	} {
		if _, err := Flatten(values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestEqual(t *testing.T) {
	values := []any{nil, true, false, "", "true", "1", Number("1"), Number("0"), []any{}, []any{nil}, []any{"1"}, []any{Number("1")}, m{}, m{"a": nil}, m{"a": m{}}, m{"b": nil}, m{"a": nil, "b": nil}, 1, 1.0}
	for i, a := range values {
		for j, b := range values {
			known := i < len(values)-2 // ints and floats are no values
			if got := Equal(a, b); got != (i == j && known) {
				t.Errorf("%#v and %#v: %v", a, b, got)
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	for want, value := range map[string]any{
		`"Acme"`:                            "Acme",
		`"a\nb \"c\" \u001b"`:               "a\nb \"c\" \x1b",
		"null":                              nil,
		"1.0e-07":                           Number("1e-07"),
		`[true, {"a b": []}]`:               []any{true, m{"a b": []any{}}},
		`"` + strings.Repeat("é", 58) + "…": strings.Repeat("é", 1000),
	} {
		if got := Describe(value); got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	}
}

func TestLookup(t *testing.T) {
	d := parse(t, `base: &base {A: 1, B: {C: yes}}
alias: *base
merged:
  <<: [{A: own}, *base]
  D: ~
over: {<<: *base, A: 2}
secret: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  6162
raw: !unsafe "{{ x }}"
list: [1, [2], {k: v}]
12: int key
"12": string key
yes: bool key
date: 2026-11-22
`)
	for path, want := range map[string]any{
		"alias.A": Number("1"), "alias.B.C": true, "merged.A": "own", "merged.B.C": true, "merged.D": nil, "over.A": Number("2"), "over.B": m{"C": true},
		"secret": "$ANSIBLE_VAULT;1.1;AES256\n6162\n", "raw": "{{ x }}", "list": []any{Number("1"), []any{Number("2")}, m{"k": "v"}},
		"12": "string key", "date": "2026-11-22",
	} {
		p, err := ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, found := d.Lookup(p); !found || !Equal(got, want) {
			t.Errorf("%s is %#v instead of %#v", path, got, want)
		}
	}
	for _, path := range []Path{{"x"}, {"true"}, {"yes"}, {"alias", "x"}, {"list", "0"}, {"date", "x"}, {"merged", "<<"}} {
		if got, found := d.Lookup(path); found {
			t.Errorf("%s is %#v", path, got)
		}
	}
	whole, _ := d.Lookup(Path{})
	if all, ok := whole.(m); !ok || !Equal(all["12"], "string key") || !Equal(all["true"], "bool key") {
		t.Errorf("the whole file is %v", whole)
	}
}
