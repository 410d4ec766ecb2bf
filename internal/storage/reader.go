// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// Reader reads any portal of the drive through one agent, which cannot write. It
// takes no lock, and answers any number of calls at a time.
type Reader struct {
	client *client
	end    func() error

	mu sync.Mutex
	id string // that the drive must have; empty: any
}

// OpenReader greets the agent at the other end of conn, which runs on host and
// serves no portal in particular. The reader owns conn from here on, and closes
// it also when OpenReader fails.
func OpenReader(ctx context.Context, conn io.ReadWriteCloser, host string) (*Reader, error) {
	c, err := connect(ctx, conn, wire.ReaderService, fmt.Sprintf("on host %q", host))
	if err != nil {
		return nil, err
	}
	return &Reader{client: c, end: sync.OnceValue(c.close)}, nil
}

// Close ends the agent.
func (r *Reader) Close() error { return r.end() }

// Expect makes the reader refuse any drive but the one with this id; empty
// accepts each that is a portals' drive. It returns the id of the drive that is
// there, and fails with ErrNotDrive, as all later calls do, if that is another.
func (r *Reader) Expect(ctx context.Context, id string) (string, error) {
	r.mu.Lock()
	r.id = id
	r.mu.Unlock()
	var reply wire.DriveReply
	if err := r.client.call(ctx, "checking the shared drive", "Drive", wire.DriveArgs{ID: id, Existing: true}, &reply); err != nil {
		return "", err
	}
	return reply.ID, nil
}

// Snapshot is what the drive holds of a portal.
type Snapshot struct {
	// Manifest as Session.Manifest returns it. With Status None or Foreign there
	// is nothing else.
	Manifest Manifest
	// Overrides is the content of the overrides file, if it was found.
	Overrides      []byte
	OverridesFound bool
	// Records by name.
	Records map[string][]byte
}

// Portal reads a portal. Each file is whole, but one may be older than another
// while an operation on the portal is under way. It fails with ErrNotDrive where
// there is no portals' drive, and with ErrNotRegular when somebody put a link, a
// pipe and the like in the place of a file.
func (r *Reader) Portal(ctx context.Context, portal string) (Snapshot, error) {
	m, reply, err := r.read(ctx, wire.SnapshotArgs{Portal: portal})
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Manifest: m, Records: reply.Records}
	if reply.Overrides != nil {
		s.Overrides, s.OverridesFound = reply.Overrides.Data, true
	}
	return s, nil
}

// Manifest reads a portal's manifest alone, as Portal does: a gateway has a record
// of each portal behind it.
func (r *Reader) Manifest(ctx context.Context, portal string) (Manifest, error) {
	m, _, err := r.read(ctx, wire.SnapshotArgs{Portal: portal, ManifestOnly: true})
	return m, err
}

func (r *Reader) read(ctx context.Context, args wire.SnapshotArgs) (Manifest, wire.SnapshotReply, error) {
	r.mu.Lock()
	args.StorageID = r.id
	r.mu.Unlock()
	var reply wire.SnapshotReply
	if err := r.client.call(ctx, fmt.Sprintf("reading portal %q", args.Portal), "Portal", args, &reply); err != nil {
		return Manifest{}, reply, err
	}
	m, err := manifestOf(reply.Manifest, args.Portal)
	return m, reply, err
}

// Certificates are those that the load balancer of a portal got, as chains in
// PEM by hostname. folder is Caddy's storage within the portal's directory. It is
// empty when there are none, and when there is no such portal.
func (r *Reader) Certificates(ctx context.Context, portal, folder string) (map[string][]byte, error) {
	r.mu.Lock()
	args := wire.CertificatesArgs{StorageID: r.id, Portal: portal, Folder: folder}
	r.mu.Unlock()
	var reply wire.CertificatesReply
	if err := r.client.call(ctx, fmt.Sprintf("reading the certificates of %q", portal), "Certificates", args, &reply); err != nil {
		return nil, err
	}
	return reply.Chains, nil
}
