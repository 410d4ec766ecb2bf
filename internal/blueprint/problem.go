// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with a Spec or its blueprint, or with a Member.
type Problem struct {
	// Attribute is the path of the attribute at fault, in the resource that the
	// Spec or the Member comes from: "services.lms.memory", "images.edxapp",
	// "volumes./data.name", "routes.0"; empty when it is none of them.
	Attribute string
	Summary   string
	Detail    string
}

// Problems is the error that Build and Join return.
type Problems []Problem //nolint:errname // it is a list of what to show, and an error only on the way

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Summary + ": " + problem.Detail
		if problem.Attribute != "" {
			lines[i] = problem.Attribute + ": " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// sorted puts problems in one order and drops repetitions.
func (p Problems) sorted() Problems {
	slices.SortFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Attribute, b.Attribute), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
	return slices.Compact(p)
}

// collector gathers what is wrong, so that a user sees all of it at once.
type collector struct{ problems Problems }

// problem notes something wrong with an attribute.
func (c *collector) problem(attribute, summary, format string, args ...any) {
	c.problems = append(c.problems, Problem{Attribute: attribute, Summary: summary, Detail: fmt.Sprintf(format, args...)})
}

// refuse notes something wrong in the blueprint's Compose file, at a path
// like "services.web.build".
func (b *builder) refuse(at, format string, args ...any) {
	b.problem("blueprint", "The blueprint cannot be used", "%s", at+" in "+b.folder.display()+": "+fmt.Sprintf(format, args...))
}

// suggest is " Did you mean …?" for the name nearest to a misspelt one, or a
// list of what there is when nothing is near.
func suggest(name string, known []string) string {
	if len(known) == 0 {
		return " There is none."
	}
	best, distance := "", len(name)/3+2
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := editDistance(name, k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return " There are: " + strings.Join(slices.Sorted(slices.Values(known)), ", ") + "."
}

// editDistance counts the insertions, deletions and replacements of bytes that
// lead from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(row[j]+1, row[j-1]+1, cost)
		}
	}
	return row[len(b)]
}
