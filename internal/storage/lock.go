// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"context"
	"errors"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// lockRetry is how often a waiting Lock looks again: a network drive tells
// nobody that a file is gone.
const lockRetry = time.Second

// Holder tells who holds a portal's lock.
type Holder = wire.Holder

// Lock makes this session the only one that changes the portal. While another
// one holds the lock it waits until ctx ends, and then fails with a
// *LockedError. A lock whose agent died is taken over a minute later.
func (s *Session) Lock(ctx context.Context, holder Holder) error {
	ticker := time.NewTicker(lockRetry)
	defer ticker.Stop()
	var refused error
	for {
		err := s.call(ctx, "locking the directory", "Lock", holder, &wire.None{})
		if refused != nil && ctx.Err() != nil {
			return refused // says more than that the time is up
		}
		if !errors.Is(err, ErrLocked) {
			return err
		}
		refused = err
		select {
		case <-ctx.Done():
			return refused
		case <-ticker.C:
		}
	}
}

// Unlock gives the lock back. Without a lock it does nothing.
func (s *Session) Unlock(ctx context.Context) error {
	return s.call(ctx, "unlocking the directory", "Unlock", wire.None{}, &wire.None{})
}
