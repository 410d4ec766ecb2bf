// SPDX-License-Identifier: MPL-2.0

package overrides

import "fmt"

// SyntaxError says why a text cannot be taken for a file of overrides. The
// caller knows the file's name.
type SyntaxError struct {
	// Line counts from 1; 0 is the file as a whole.
	Line    int
	Problem string
	Remedy  string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Problem, e.Remedy)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Problem, e.Remedy)
}

// ConflictError says why a leaf cannot be set or removed in a file that is
// otherwise sound: what is there now belongs to other values too.
type ConflictError struct {
	Path    Path
	Line    int // from 1
	Problem string
	Remedy  string
}

func (e *ConflictError) Error() string {
	where := e.Path.String()
	if where == "" {
		where = "the whole file"
	}
	return fmt.Sprintf("%s (line %d): %s: %s", where, e.Line, e.Problem, e.Remedy)
}
