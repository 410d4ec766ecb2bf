// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// farewell bounds the release of the lock in Close.
const farewell = 5 * time.Second

// Session is a conversation with one file agent about one portal. It is safe
// for concurrent use; the agent makes one change at a time. When a method's
// context ends, the method returns at once, but the agent may still finish what
// it was asked.
type Session struct {
	*client
	portal string
	end    func() error
}

// Open greets the agent at the other end of conn, which runs on host. The
// session owns conn from here on, and closes it also when Open fails.
func Open(ctx context.Context, conn io.ReadWriteCloser, portal, host string) (*Session, error) {
	c, err := connect(ctx, conn, wire.Service, fmt.Sprintf("of portal %q on host %q", portal, host))
	if err != nil {
		return nil, err
	}
	s := &Session{client: c, portal: portal}
	s.end = sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		// Best effort: the agent releases the lock itself when its input ends.
		_ = s.Unlock(ctx)
		return c.close()
	})
	return s, nil
}

// Close releases the lock if the session holds it, and ends the agent.
func (s *Session) Close() error { return s.end() }

// DriveCheck says which drive is expected.
type DriveCheck struct {
	// ID that the drive must have: pinned by the user, or found on containers
	// of the pool. Empty: whatever is there, and an empty directory becomes a
	// new drive unless Existing is set.
	ID string
	// Existing refuses a directory that is no drive yet: for what can only
	// concern a portal that is there.
	Existing bool
}

// Drive checks that the agent sees the portals' shared drive and returns its
// id. It fails with ErrNotDrive on any other directory.
func (s *Session) Drive(ctx context.Context, check DriveCheck) (string, error) {
	var reply wire.DriveReply
	if err := s.call(ctx, "checking the shared drive", "Drive", wire.DriveArgs{ID: check.ID, Existing: check.Existing}, &reply); err != nil {
		return "", err
	}
	return reply.ID, nil
}

// Prepare makes what st needs in the portal's directory: directories with their
// owners, secrets that are not there yet, and files with the secrets filled in.
// What is right already is not touched, so it may be repeated. Where a service has
// a lease, the program that keeps it is put on the drive, and st told where.
func (s *Session) Prepare(ctx context.Context, st *stack.Stack) error {
	if st.HasLeases() {
		var reply wire.InstallReply
		if err := s.call(ctx, "putting the program for leases on the shared drive", "Install", wire.None{}, &reply); err != nil {
			return err
		}
		st.AgentPath = reply.Path
	}
	args := wire.PrepareArgs{Directories: st.Directories, Secrets: st.Secrets, Files: st.Files, Bare: st.Role == stack.RoleGateway}
	return s.call(ctx, "preparing the directory", "Prepare", args, &wire.None{})
}

// Prune removes the rendered files that st no longer refers to.
func (s *Session) Prune(ctx context.Context, st *stack.Stack) error {
	args := wire.PruneArgs{Keep: make([]string, 0, len(st.Files))}
	for path := range st.Files {
		args.Keep = append(args.Keep, path)
	}
	return s.call(ctx, "pruning the files", "Prune", args, &wire.None{})
}

// Archive moves the portal's directory away and returns where it went, as a
// path on the hosts. Without a directory it does nothing and returns "".
func (s *Session) Archive(ctx context.Context) (string, error) {
	var reply wire.ArchiveReply
	if err := s.call(ctx, "archiving the directory", "Archive", wire.None{}, &reply); err != nil {
		return "", err
	}
	return reply.Path, nil
}

// Delete removes the portal's directory and everything in it, and what an
// interrupted Delete left. Without a directory it does nothing.
func (s *Session) Delete(ctx context.Context) error {
	return s.call(ctx, "deleting the directory", "Delete", wire.None{}, &wire.None{})
}
