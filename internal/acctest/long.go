// SPDX-License-Identifier: MPL-2.0

package acctest

import "testing"

// Long leaves a test to `make testlong`: what it shows, `make test` shows in less
// time with another one, in part or on the engine in memory.
func Long(t *testing.T) {
	t.Helper()
	if !Thorough {
		t.Skip("this is a test of make testlong")
	}
}
