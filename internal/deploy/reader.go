// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// readerIdle is how long the agent that reads the drive waits for the next read.
// Those of a plan come close together.
const readerIdle = 10 * time.Second

// sharedReader is the one agent that all reads of the drive in this process
// share: a plan of dozens of portals starts one container.
type sharedReader struct {
	mu     sync.Mutex
	reader *storage.Reader
	users  int
	idle   *time.Timer
}

// snapshot reads a portal's directory without its lock: each file in it is
// replaced as a whole.
func (d *Deployer) snapshot(ctx context.Context, portal string) (s storage.Snapshot, err error) {
	err = d.read(ctx, func(r *storage.Reader) error {
		s, err = r.Portal(ctx, portal)
		return err
	})
	return s, err
}

// readManifest reads a portal's manifest without its lock. It is read from any
// host, as it matters most when the portal's own does not answer.
func (d *Deployer) readManifest(ctx context.Context, portal string) (m storage.Manifest, err error) {
	err = d.read(ctx, func(r *storage.Reader) error {
		m, err = r.Manifest(ctx, portal)
		return err
	})
	return m, err
}

// read lends the reader out. A connection that broke is made anew once.
func (d *Deployer) read(ctx context.Context, use func(*storage.Reader) error) error {
	for attempt := 1; ; attempt++ {
		r, err := d.takeReader(ctx)
		if err != nil {
			return err
		}
		err = use(r)
		lost := errors.Is(err, storage.ErrLost)
		d.reader.release(r, lost)
		if !lost || ctx.Err() != nil || attempt == 2 {
			return err
		}
	}
}

// takeReader returns the reader, which it starts if need be. Release it.
func (d *Deployer) takeReader(ctx context.Context) (*storage.Reader, error) {
	d.reader.mu.Lock()
	defer d.reader.mu.Unlock()
	if d.reader.reader == nil {
		r, err := d.openReader(ctx)
		if err != nil {
			return nil, err
		}
		d.reader.reader = r
	}
	if d.reader.idle != nil {
		d.reader.idle.Stop()
	}
	d.reader.users++
	return d.reader.reader, nil
}

// release ends the use of a reader. One that is lost is not given out again; one
// that nobody uses is closed a while later.
func (s *sharedReader) release(r *storage.Reader, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	if lost && s.reader == r {
		s.reader = nil
		_ = r.Close()
	}
	if s.users == 0 {
		s.idle = time.AfterFunc(readerIdle, s.closeIdle)
	}
}

func (s *sharedReader) closeIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 && s.reader != nil {
		_ = s.reader.Close()
		s.reader = nil
	}
}

func (d *Deployer) openReader(ctx context.Context) (*storage.Reader, error) {
	agent, err := d.Engine.Agent(ctx, "")
	if err != nil {
		return nil, err
	}
	r, err := storage.OpenReader(ctx, agent, agent.Host)
	if err != nil {
		return nil, err
	}
	if err := d.checkDrive(ctx, r); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// checkDrive makes sure that the reader sees the pool's drive.
func (d *Deployer) checkDrive(ctx context.Context, r *storage.Reader) error {
	known := d.StorageID
	if known == "" {
		var err error
		if known, err = d.Engine.StorageID(ctx); err != nil {
			return err
		}
	}
	_, err := r.Expect(ctx, known)
	return err
}

// readCertificates reads the chains that the load balancer of a portal got.
func (d *Deployer) readCertificates(ctx context.Context, portal, folder string) (chains map[string][]byte, err error) {
	err = d.read(ctx, func(r *storage.Reader) error {
		chains, err = r.Certificates(ctx, portal, folder)
		return err
	})
	return chains, err
}
