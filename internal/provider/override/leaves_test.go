// SPDX-License-Identifier: MPL-2.0

package override

import (
	"slices"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

func TestLeaves(t *testing.T) {
	type m = map[string]any
	for name, tc := range map[string]struct {
		value any
		want  []string
	}{
		"nothing":            {nil, nil},
		"empty":              {m{}, nil},
		"wholly unknown":     {unknown{open: true}, nil},
		"values of any kind": {m{"B": nil, "A": "x", "C": []any{m{"d": true}}}, []string{"A", "B", "C"}},
		"nested":             {m{"F": m{"b": true, "a": m{"c": true}}, "E": m{}}, []string{"E", "F.a.c", "F.b"}},
		"keys with dots":     {m{"F": m{"a.b": true}}, []string{`F."a.b"`}},
		"unknown":            {m{"F": m{"a": unknown{}, "b": unknown{open: true}}}, []string{"F.a", "F.b?"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, l := range leaves(tc.value) {
				text := l.path.String()
				if l.open {
					text += "?"
				}
				got = append(got, text)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q instead of %q", got, tc.want)
			}
		})
	}
}

// Package overrides and this one have the same idea of a leaf.
func TestLeavesAreThoseOfTheFile(t *testing.T) {
	value := map[string]any{
		"A": "x", "E": map[string]any{}, "L": []any{map[string]any{"a": true}},
		"F": map[string]any{"b": nil, "a": map[string]any{"c": true, "d": map[string]any{}}},
	}
	flat, err := overrides.Flatten(value)
	if err != nil {
		t.Fatal(err)
	}
	if got := leaves(value); !slices.EqualFunc(got, flat, func(a leaf, b overrides.Leaf) bool { return slices.Equal(a.path, b.Path) }) {
		t.Errorf("got %v instead of %v", got, flat)
	}
}

func TestOverlaps(t *testing.T) {
	type m = map[string]any
	for name, tc := range map[string]struct {
		values, secrets any
		want            []string
	}{
		"apart":                               {m{"A": "x"}, m{"B": "y"}, nil},
		"neighbours in a map":                 {m{"F": m{"a": true}}, m{"F": m{"b": "y"}}, nil},
		"the same":                            {m{"F": m{"a": true}}, m{"F": m{"a": "y"}}, []string{"F.a"}},
		"a value above a secret":              {m{"F": "x"}, m{"F": m{"a": "y"}}, []string{"F and F.a"}},
		"a secret above a value":              {m{"F": m{"a": true}}, m{"F": []any{"y"}}, []string{"F.a and F"}},
		"an empty map above":                  {m{"F": m{}}, m{"F": m{"a": "y"}}, []string{"F and F.a"}},
		"names that begin alike":              {m{"FE": "x"}, m{"F": m{"a": "y"}}, nil},
		"an unknown that may be apart":        {m{"F": unknown{open: true}}, m{"F": m{"a": "y"}}, nil},
		"two of them":                         {m{"F": unknown{open: true}}, m{"F": unknown{open: true}}, nil},
		"an unknown text above":               {m{"F": unknown{}}, m{"F": m{"a": "y"}}, []string{"F and F.a"}},
		"an unknown in the place of a secret": {m{"F": unknown{open: true}}, m{"F": "y"}, []string{"F"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := overlaps(leaves(tc.values), leaves(tc.secrets)); !slices.Equal(got, tc.want) {
				t.Errorf("got %q instead of %q", got, tc.want)
			}
		})
	}
}
