// SPDX-License-Identifier: MPL-2.0

// Package lease lets one server at a time run on a data directory that several
// hosts see.
//
// The lease is a directory on the shared drive, beside the data. In its state/
// there is one file, and the file's name is the lease's whole state: who has it,
// and how often it was renewed. To take, to renew and to release it is to rename
// that file, from the name that was seen to another one that never was before.
// The server of the drive does that for one of several at most, whatever their
// hosts have in their caches: who comes second finds no file of that name. So
// nothing depends on what a host believes to see, on clocks that agree, on locks,
// or on room on the drive.
//
// Who waits for a lease takes it when its name has not changed for as long as the
// holder's ttl says, by the waiting one's own clock. The holder kills its server
// earlier than that after the last renewal that it began and that succeeded, by a
// clock that counts suspension too. A holder that stood still beyond its time
// kills its server when it goes on.
//
// What remains: between the moment in which a holder that stood still goes on,
// and the one in which its server is killed, the server runs. Against that, holder
// and server have a lock beside the state, which is released when both are gone.
// Who takes over waits for it, but not for ever: a drive may have no locks, or
// keep those of a host that is dead. A virtual machine that stands still stops its
// clocks as well, and notices at the next renewal. And what the kernel of a host
// that lost the drive still has to write, it writes when the drive is back: only
// the drive's server can refuse that.
package lease

import "time"

// Exit codes of the wrapper that are not the program's own.
const (
	// ExitHeld tells that another server has the lease.
	ExitHeld = 75
	// ExitLost tells that the lease could not be had or kept, and that the
	// server, if it ran, was killed.
	ExitLost = 74
)

// HostVariable is the environment variable that tells what a host is called, for
// messages.
const HostVariable = "PORTAL_NODE"

// DefaultTTL is how long a lease holds that is not renewed.
const DefaultTTL = 15 * time.Second
