// SPDX-License-Identifier: MPL-2.0

package stack

import "fmt"

// Given is a secret that the user gave: a file on the drive. Another value is
// another file, so containers that run keep theirs, and a replacement that fails
// is rolled back to it.
type Given struct {
	// UID and GID own the file; nobody else can read it.
	UID, GID int
}

// GivenPrefix begins the names of the files of the portal's own given secrets.
// Those of a member begin with its kind.
const GivenPrefix = "portal-"

// GivenName is the name of the file of a secret that the user gave with the
// portal itself, in a version of the user's choice.
func GivenName(what string, version int64) string {
	return fmt.Sprintf("%s%s-v%d", GivenPrefix, what, version)
}
