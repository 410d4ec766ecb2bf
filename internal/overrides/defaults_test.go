// SPDX-License-Identifier: MPL-2.0

package overrides_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/overridestest"
)

// TestLargeFile takes a file with all variables of Open edX through read and
// write, sets leaves all over it and removes them again.
func TestLargeFile(t *testing.T) {
	text := overridestest.Defaults()
	d, err := overrides.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if string(d.Text()) != text {
		t.Fatal("reading and writing changes the text")
	}
	whole, _ := d.Lookup(overrides.Path{})
	variables, ok := whole.(map[string]any)
	if !ok || len(variables) != 460 {
		t.Fatalf("%d variables", len(variables))
	}
	var leaves []overrides.Leaf
	for i := range 20 {
		name := func(variable int) string { return fmt.Sprintf("EDXAPP_S%02d_V%02d", i, variable) }
		for _, path := range []overrides.Path{{name(23)}, {name(19), "ENABLE_C"}, {name(20), "ENABLE_C"}, {name(20), "NESTED", "user"}, {name(20), "NESTED", "options", "x"}, {name(22), "d"}, {name(30), "A", "B"}} {
			leaves = append(leaves, overrides.Leaf{Path: path, Value: []any{"yes", path.String()}})
		}
	}
	changed, filled, err := d.Set(leaves)
	if err != nil {
		t.Fatal(err)
	}
	if len(filled) != 20 {
		t.Errorf("the mappings that were filled: %v", filled)
	}
	var paths []overrides.Path
	for _, l := range leaves {
		paths = append(paths, l.Path)
		if got, found := changed.Lookup(l.Path); !found || !overrides.Equal(got, l.Value) {
			t.Errorf("%s is %v", l.Path, got)
		}
	}
	back, err := changed.Remove(paths, filled)
	if err != nil {
		t.Fatal(err)
	}
	if string(back.Text()) != text {
		t.Error("setting and removing changes the text")
	}
	for i, name := range slices.Sorted(maps.Keys(variables)) {
		if i%10 != 0 {
			continue
		}
		leaf := overrides.Leaf{Path: overrides.Path{name}, Value: "new"}
		if m, ok := variables[name].(map[string]any); ok && len(m) > 0 {
			leaf.Path = append(leaf.Path, "NEW")
		}
		if changed, _, err = d.Set([]overrides.Leaf{leaf}); err != nil {
			t.Fatal(err)
		}
		if got, _ := changed.Lookup(leaf.Path); got != "new" {
			t.Errorf("%s is %v", leaf.Path, got)
		}
	}
}
