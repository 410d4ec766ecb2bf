// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// locksName is the directory of the locks: beside the portals, because a lock
// is taken before a portal's directory is made and kept while it is moved away.
const locksName = ".locks"

// errMoved tells that the lock changed hands while it was looked at.
var errMoved = errors.New("the lock changed hands")

// lockContent is what a lock file holds.
type lockContent struct {
	wire.Holder
	// Token tells two locks of the same holder apart.
	Token string `json:"token"`
}

// heldLock is the lock of this session, kept alive by rewriting it: that sets
// its time of change by the drive's own clock.
type heldLock struct {
	locks   dir
	name    string
	content []byte
	file    *os.File
	stale   time.Duration

	mu   sync.Mutex
	last time.Time // of the last refresh
	lost error     // why the lock is not ours any more

	stop    chan struct{}
	stopped chan struct{}
}

// tryLock takes the portal's lock, or fails with the one who has it.
func (s *server) tryLock(holder wire.Holder) error {
	if s.holdsLock() == nil {
		return nil
	}
	if err := s.unlock(); err != nil { // a lock that was lost
		return err
	}
	locks, err := s.drive.shared(locksName)
	if err != nil {
		return err
	}
	holder.Since = time.Now().UTC().Truncate(time.Second)
	content, err := json.Marshal(lockContent{Holder: holder, Token: randomHex(16)})
	if err != nil {
		locks.Close()
		return fmt.Errorf("describing the holder of the lock: %w", err)
	}
	lock := &heldLock{
		locks: locks, name: s.portal, content: content, stale: s.options.Timing.Stale,
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := lock.acquire(); err != nil {
		locks.Close()
		return err
	}
	s.lockMu.Lock()
	s.lock = lock
	s.lockMu.Unlock()
	go lock.keep(s.options.Timing.Refresh)
	return nil
}

// holdsLock fails when the session has no lock, or has it no more.
func (s *server) holdsLock() error {
	s.lockMu.Lock()
	lock := s.lock
	s.lockMu.Unlock()
	if lock == nil {
		return &wire.Error{Code: wire.NotLocked, Text: fmt.Sprintf("the lock of portal %q is not held by this session", s.portal)}
	}
	return lock.check()
}

// unlock gives the lock back, if there is one.
func (s *server) unlock() error {
	s.lockMu.Lock()
	lock := s.lock
	s.lock = nil
	s.lockMu.Unlock()
	if lock == nil {
		return nil
	}
	return lock.release()
}

// acquire makes the lock file, or takes it over from a holder that died.
func (l *heldLock) acquire() error {
	for range 10 {
		err := l.create(l.name)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		seen, err := l.inspect()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // just released
		case err != nil:
			return err
		case seen.age < l.stale:
			return l.refused(seen.holder)
		}
		if err := l.takeOver(seen); !errors.Is(err, errMoved) {
			return err
		}
	}
	return l.refused(wire.Holder{})
}

// create makes the lock file under name and keeps it open.
func (l *heldLock) create(name string) error {
	file, err := l.locks.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if err != nil {
		return explain("locking", l.locks.child(l.name), err)
	}
	l.file = file
	if err := l.refresh(); err != nil {
		file.Close()
		return errors.Join(explain("locking", l.locks.child(l.name), err), l.locks.discard(name))
	}
	return nil
}

// refresh rewrites the lock file in place.
func (l *heldLock) refresh() error {
	begun := time.Now()
	if _, err := l.file.WriteAt(l.content, 0); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	l.mu.Lock()
	l.last = begun
	l.mu.Unlock()
	return nil
}

// keep refreshes the lock until it is released or lost.
func (l *heldLock) keep(every time.Duration) {
	defer close(l.stopped)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			if l.check() != nil {
				return
			}
			if err := l.refresh(); err != nil {
				fmt.Fprintln(os.Stderr, explain("refreshing the lock", l.locks.child(l.name), err))
			}
		}
	}
}

// check fails once the lock is not ours any more: somebody removed or took over
// the file, or it could not be refreshed in time.
func (l *heldLock) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return l.lost
	}
	why := ""
	if age := time.Since(l.last); age >= l.stale {
		why = fmt.Sprintf("it could not be refreshed for %s", age.Round(time.Second))
	} else if at, err := l.locks.Lstat(l.name); errors.Is(err, fs.ErrNotExist) {
		why = "somebody removed it"
	} else if err != nil {
		return explain("checking the lock", l.locks.child(l.name), err)
	} else if ours, err := l.file.Stat(); err != nil {
		return explain("checking the lock", l.locks.child(l.name), err)
	} else if !os.SameFile(at, ours) {
		why = "somebody took it over"
	}
	if why == "" {
		return nil
	}
	l.lost = &wire.Error{
		Code: wire.NotLocked,
		Text: fmt.Sprintf("the lock %s was lost: %s; nothing more was written, apply again", l.locks.child(l.name), why),
	}
	return l.lost
}

// release stops the refreshing and removes the lock file if it is still ours.
func (l *heldLock) release() error {
	close(l.stop)
	<-l.stopped
	defer l.locks.Close()
	defer l.file.Close()
	if err := l.check(); err != nil {
		return ignoreLost(err)
	}
	// Refreshed once more, nobody takes the lock over between check and removal.
	// A drive that is full may refuse it; then the last refresh must do.
	_ = l.refresh()
	if err := l.check(); err != nil {
		return ignoreLost(err)
	}
	if err := l.locks.Remove(l.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain("unlocking", l.locks.child(l.name), err)
	}
	return nil
}

// ignoreLost makes the loss of a lock no error: there is nothing to release.
func ignoreLost(err error) error {
	if isCode(err, wire.NotLocked) {
		return nil
	}
	return err
}

// sighting is a lock file as it was seen.
type sighting struct {
	holder wire.Holder
	key    string        // the same for all who saw this file at this time
	age    time.Duration // since the last refresh, by the drive's clock
}

// inspect looks at the lock file. Opening it makes an NFS client ask the server,
// where a stat may be answered from a cache.
func (l *heldLock) inspect() (sighting, error) {
	data, info, err := l.locks.read(l.name)
	if err != nil {
		return sighting{}, err
	}
	now, err := l.locks.clock()
	if err != nil {
		return sighting{}, err
	}
	var content lockContent
	// A file that is being written, or was damaged, has a holder without name.
	_ = json.Unmarshal(data, &content)
	sum := sha256.Sum256(strconv.AppendInt(data, info.ModTime().UnixNano(), 10))
	return sighting{
		holder: content.Holder,
		key:    hex.EncodeToString(sum[:8]),
		age:    now.Sub(info.ModTime()),
	}, nil
}

// clock is the time of the drive's server.
func (d dir) clock() (time.Time, error) {
	name := tempName()
	f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return time.Time{}, explain("writing", d.child(name), err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, errors.Join(explain("reading", d.child(name), err), d.discard(name))
	}
	return info.ModTime(), d.discard(name)
}

// refused says who holds the lock.
func (l *heldLock) refused(holder wire.Holder) error {
	who := "somebody"
	if holder.Owner != "" {
		who = fmt.Sprintf("%s on %s (%s, since %s)", holder.Owner, holder.Host, holder.Operation, holder.Since.Format(time.RFC3339))
	}
	return &wire.Error{
		Code:   wire.Locked,
		Holder: &holder,
		Text: fmt.Sprintf("portal %q is being changed by %s: wait until that has ended; the lock %s of a run that died is taken over %s after its last sign of life",
			l.name, who, l.locks.child(l.name), l.stale),
	}
}
