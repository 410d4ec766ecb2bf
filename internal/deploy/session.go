// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// lockWait bounds how long an operation waits for another one on the same
// portal. It exceeds the minute after which a dead holder's lock is taken over.
const lockWait = 2 * time.Minute

// begun is an operation under way: the drive is reached and the portal was
// observed.
type begun struct {
	files     *storage.Session
	endTurn   func()
	storageID string
	observed  stack.Observed
	manifest  storage.Manifest
}

// begin reaches the drive, takes the portal's lock and observes the portal.
// mayInitialise allows an empty drive to be taken into use. End it.
func (d *Deployer) begin(ctx context.Context, portal, operation string, mayInitialise bool) (*begun, error) {
	return d.beginOn(ctx, d.Engine, portal, operation, mayInitialise)
}

// beginOn is begin with an engine, or a view of one.
func (d *Deployer) beginOn(ctx context.Context, on engine.Engine, portal, operation string, mayInitialise bool) (*begun, error) {
	endTurn, err := d.turns.take(ctx, portal)
	if err != nil {
		return nil, fmt.Errorf("waiting for another operation on portal %q: %w", portal, err)
	}
	files, id, err := d.openDrive(ctx, on, portal, mayInitialise)
	if err != nil {
		endTurn()
		return nil, err
	}
	b := &begun{files: files, storageID: id, endTurn: endTurn}
	if err := d.lockAndRead(ctx, on, b, portal, operation); err != nil {
		b.end()
		return nil, err
	}
	return b, nil
}

// end gives the lock back. Its failure is nobody's concern: a lock that is left
// is taken over.
func (b *begun) end() {
	_ = b.files.Close()
	b.endTurn()
}

func (d *Deployer) lockAndRead(ctx context.Context, on engine.Engine, b *begun, portal, operation string) error {
	if err := d.lock(ctx, b.files, operation); err != nil {
		return err
	}
	// Only now: what another operation did before it gave the lock back counts.
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		b.observed, err = on.Observe(gctx, portal)
		return err
	})
	g.Go(func() (err error) {
		b.manifest, err = b.files.Manifest(gctx)
		return err
	})
	return g.Wait()
}

func (d *Deployer) lock(ctx context.Context, files *storage.Session, operation string) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return files.Lock(ctx, storage.Holder{
		Owner: fmt.Sprintf("terraform-provider-portal %s, process %d", d.Version, os.Getpid()),
		Host:  host, Operation: operation,
	})
}

// openDrive starts a file agent and checks that it sees the right drive.
func (d *Deployer) openDrive(ctx context.Context, on engine.Engine, portal string, mayInitialise bool) (*storage.Session, string, error) {
	var files *storage.Session
	known := d.StorageID
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		agent, err := on.Agent(gctx, portal)
		if err != nil {
			return err
		}
		// The session outlives the group, whose context ends with it.
		files, err = storage.Open(ctx, agent, portal, agent.Host)
		return err
	})
	if known == "" {
		g.Go(func() (err error) {
			known, err = on.StorageID(gctx)
			return err
		})
	}
	err := g.Wait()
	var id string
	if err == nil {
		id, err = files.Drive(ctx, storage.DriveCheck{ID: known, Existing: !mayInitialise})
	}
	if err != nil {
		if files != nil {
			files.Close()
		}
		return nil, "", err
	}
	return files, id, nil
}
