// SPDX-License-Identifier: MPL-2.0

// Package long tells `make test`, which is to be soon done, from `make testlong`.
package long

import (
	"slices"
	"testing"
)

// Only leaves a test to `make testlong`: what it shows, `make test` shows in less
// time with another one, in part or on the engine in memory.
func Only(t *testing.T) {
	t.Helper()
	if !Thorough {
		t.Skip("this is a test of make testlong")
	}
}

// Among leaves a case of a table to `make testlong` unless it is among those that
// stand for the others.
func Among(t *testing.T, name string, typical ...string) {
	t.Helper()
	if !Thorough && !slices.Contains(typical, name) {
		t.Skip("this is a case of make testlong")
	}
}
