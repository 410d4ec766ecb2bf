// SPDX-License-Identifier: MPL-2.0

package overridestest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// Leaves draws leaves that do not exclude each other.
func Leaves() *rapid.Generator[[]overrides.Leaf] {
	return rapid.Custom(func(t *rapid.T) []overrides.Leaf {
		var leaves []overrides.Leaf
		for range rapid.IntRange(1, 4).Draw(t, "leaves") {
			path := overrides.Path(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(Keys), rapid.SampledFrom(Keys[:4]), rapid.StringN(1, 8, 30)), 1, 3).Draw(t, "path"))
			free := true
			for _, l := range leaves {
				free = free && !within(l.Path, path) && !within(path, l.Path)
			}
			if free {
				leaves = append(leaves, overrides.Leaf{Path: path, Value: Value(2).Draw(t, "value")})
			}
		}
		return leaves
	})
}

// Value draws the value of a leaf.
func Value(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 5
		if depth > 0 {
			kinds = 7
		}
		switch rapid.IntRange(0, kinds).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return overrides.Number(fmt.Sprint(rapid.Int64().Draw(t, "int")))
		case 3:
			n, err := overrides.ParseNumber(fmt.Sprint(rapid.Float64().Draw(t, "float")))
			if err != nil {
				return overrides.Number("0.1")
			}
			return n
		case 4:
			return rapid.String().Draw(t, "string")
		case 5:
			return rapid.SampledFrom([]string{"yes", "012", "1e3", "a: b", "# x", "{{ x }}", "a\nb\n", "\ttab", " lead", "trail ", "~", "", "'", "\\", "\u2028", "\x00", "=", "<<", "*a", "&a", "!t", "%d", "@x", "`"}).Draw(t, "trap")
		case 6:
			list := rapid.SliceOfN(Value(depth-1), 0, 3).Draw(t, "list")
			return append([]any{}, list...)
		}
		if depth < 2 {
			return anyMap(rapid.MapOfN(rapid.SampledFrom(Keys), Value(depth-1), 0, 3).Draw(t, "map"))
		}
		return map[string]any{}
	})
}

func anyMap(m map[string]any) any { return m }

func within(path, root overrides.Path) bool {
	return len(path) >= len(root) && slices.Equal(path[:len(root)], root)
}
