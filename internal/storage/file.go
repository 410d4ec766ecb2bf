// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"context"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// OverridesPath is the file with a portal's overrides, within its directory.
const OverridesPath = "overrides/ansible_overrides.yml"

// Absent is the hash of a file that is not there.
const Absent = wire.Absent

// Hash is the hash of a content, as ReadFile returns it.
func Hash(data []byte) string { return wire.Hash(data) }

// WriteOptions guard a WriteFile.
type WriteOptions struct {
	// IfHash is what ReadFile returned, or Absent for a file that must not be
	// there yet. WriteFile fails with ErrChanged when it is something else.
	IfHash string
	// Mode (permission bits), UID and GID of a new file. A file that is there
	// keeps its own.
	Mode     uint32
	UID, GID int
}

// ReadFile returns a file of the overrides directory and the hash that a
// WriteFile needs. It fails with fs.ErrNotExist, with ErrNotRegular on a link, a
// pipe and the like, and on more than 4 MiB.
func (s *Session) ReadFile(ctx context.Context, path string) (data []byte, hash string, err error) {
	var reply wire.ReadReply
	if err := s.call(ctx, "reading a file", "ReadFile", wire.ReadArgs{Path: path}, &reply); err != nil {
		return nil, "", err
	}
	return reply.Data, reply.Hash, nil
}

// WriteFile replaces a file of the overrides directory as a whole, if it has the
// hash IfHash: a reader sees the old content or the new one. The portal's lock
// keeps out other sessions, and the lock overrides/.lock the programs that know
// it; one that holds it for more than five seconds is an error. For what remains
// of others, see the package.
func (s *Session) WriteFile(ctx context.Context, path string, data []byte, options WriteOptions) error {
	args := wire.WriteArgs{
		Path: path, Data: data, IfHash: options.IfHash,
		Mode: options.Mode, UID: options.UID, GID: options.GID,
	}
	return s.call(ctx, "writing a file", "WriteFile", args, &wire.None{})
}
