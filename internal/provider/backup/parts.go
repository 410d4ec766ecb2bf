// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// part is something that the attribute include names, with the names that the
// backup task has for it.
type part struct {
	name  string
	parts []string
}

// parts of a backup, in the order in which they are saved.
var parts = []part{
	{"databases", []string{"mysql", "mongo"}},
	{"media", []string{"media"}},
	{"overrides", []string{"overrides"}},
}

// everything is the default of the attribute include.
var everything = func() types.Set {
	var all []attr.Value
	for _, name := range partNames() {
		all = append(all, types.StringValue(name))
	}
	return types.SetValueMust(types.StringType, all)
}()

func partNames() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// includes writes what to include as the backup task reads it.
func includes(chosen []string) string {
	var words []string
	for _, p := range parts {
		if slices.Contains(chosen, p.name) {
			words = append(words, p.parts...)
		}
	}
	return strings.Join(words, " ")
}

// included reads what includes wrote.
func included(text string) []string {
	words := strings.Fields(text)
	var chosen []string
	for _, p := range parts {
		if slices.Contains(words, p.parts[0]) {
			chosen = append(chosen, p.name)
		}
	}
	return chosen
}
