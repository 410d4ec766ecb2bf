// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// String prints the plan for people and golden tests: an operation a line with
// its cause and what it waits for, then how replacements are undone.
func (p Plan) String() string {
	var b strings.Builder
	for _, op := range p.Operations {
		writeOperation(&b, "", op)
	}
	for _, group := range sortedKeys(p.Rollback) {
		fmt.Fprintf(&b, "if %q fails:\n", group)
		for _, op := range p.Rollback[group] {
			writeOperation(&b, "  ", op)
		}
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

func writeOperation(b *strings.Builder, indent string, op *Operation) {
	fmt.Fprintf(b, "%s%s", indent, op.ID)
	if op.Kind == Rename {
		fmt.Fprintf(b, " to %s", op.Target)
	}
	fmt.Fprintf(b, ": %s", op.Cause)
	if len(op.After) > 0 {
		fmt.Fprintf(b, " [after %s]", strings.Join(op.After, ", "))
	}
	if op.Undoes != "" {
		fmt.Fprintf(b, " [undoes %s]", op.Undoes)
	}
	b.WriteByte('\n')
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
