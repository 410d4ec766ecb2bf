// SPDX-License-Identifier: MPL-2.0

package override

import (
	"fmt"
	"maps"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// leaf is a place in the overrides file that a configuration sets.
type leaf struct {
	path overrides.Path
	// open tells that the value is not known yet and may turn out to be a map:
	// the leaves are then below the path.
	open bool
}

// leaves are the places that a decoded value sets, sorted. An empty map and a
// list are a leaf, as they are to package overrides; unlike there, values may
// be unknown.
func leaves(value any) []leaf {
	var found []leaf
	var walk func(at overrides.Path, value any)
	walk = func(at overrides.Path, value any) {
		variables, ok := value.(map[string]any)
		if !ok || len(variables) == 0 {
			later, _ := value.(unknown)
			found = append(found, leaf{path: slices.Clone(at), open: later.open})
			return
		}
		for _, key := range slices.Sorted(maps.Keys(variables)) {
			walk(append(at, key), variables[key])
		}
	}
	if top, ok := value.(map[string]any); ok && len(top) > 0 {
		walk(nil, top)
	}
	return found
}

// overlaps names the places that both set, or that one sets above a place of
// the other. What unknown values may still turn into is given the benefit of
// the doubt.
func overlaps(values, secrets []leaf) []string {
	var found []string
	for _, v := range values {
		for _, s := range secrets {
			switch {
			case slices.Equal(v.path, s.path):
				if !v.open || !s.open {
					found = append(found, v.path.String())
				}
			case above(v, s), above(s, v):
				found = append(found, fmt.Sprintf("%s and %s", v.path, s.path))
			}
		}
	}
	return found
}

// above tells whether b's place would be inside of a's value.
func above(a, b leaf) bool {
	return !a.open && len(a.path) < len(b.path) && slices.Equal(a.path, b.path[:len(a.path)])
}
