// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Options of a lease.
type Options struct {
	// Dir is the lease's directory.
	Dir string
	// Host is what the holder's host is called, for messages.
	Host string
	// TTL is how long a lease holds that is not renewed.
	TTL time.Duration
	// Wait is how long another holder is waited for.
	Wait time.Duration
	// LockWait is how long, once the lease may be taken, the lock of a holder
	// is waited for that is silent but not gone.
	LockWait time.Duration
}

// held is the lease in our hands.
type held struct {
	dir   dir
	state state
	began time.Duration // when the last renewal that succeeded began
	lock  *os.File      // nil on a drive without locks
}

// heldError tells that somebody else has the lease.
type heldError struct{ text string }

func (e *heldError) Error() string { return e.text }

// taker waits for a lease.
type taker struct {
	Options
	dir    dir
	watch  watch
	log    func(format string, args ...any)
	ripe   time.Duration // since when it may be taken, -1: not yet
	told   time.Duration // when the log was told of told by
	toldOf string
}

// take waits for the lease and takes it.
func take(ctx context.Context, o Options, log func(string, ...any)) (*held, error) {
	t := &taker{Options: o, dir: dir(o.Dir), log: log, ripe: -1}
	begin := uptime()
	for {
		h, err := t.try()
		if h != nil || err != nil {
			return h, err
		}
		// One that is silent is waited for until its lock must be gone.
		if now := uptime(); t.ripe < 0 && now-begin >= t.Wait {
			return nil, t.heldError(now)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(t.pause()):
		}
	}
}

// pause is between two looks at the lease.
func (t *taker) pause() time.Duration {
	return min(max(t.TTL/30, 5*time.Millisecond), time.Second)
}

// try takes the lease if it may be taken; without an error and a lease, it is
// another one's still.
func (t *taker) try() (*held, error) {
	s, err := t.dir.look()
	if err != nil {
		return nil, err
	}
	now := uptime()
	if !t.watch.see(s, now, t.TTL) {
		t.ripe = -1
		t.tell(now, s, "Waiting up to %s for its end, or for its silence of %s.", t.Wait, max(t.TTL, s.ttl))
		return nil, nil
	}
	if t.ripe < 0 {
		t.ripe = now
	}
	lock, err := t.dir.lock()
	if errors.Is(err, errBusy) {
		if now-t.ripe < t.LockWait {
			t.tell(now, s, "It is silent, but a process of it still has the lock %s. Waiting up to %s for that.", t.dir.path(lockFile), t.LockWait)
			return nil, nil
		}
		t.log("the lock %s was not released in %s: the lease is taken over without it", t.dir.path(lockFile), t.LockWait)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return t.seize(s, lock)
}

// seize takes the lease from the state s.
func (t *taker) seize(s state, lock *os.File) (*held, error) {
	mine, began := newState(t.TTL), uptime()
	err := t.dir.move(s, mine)
	if err != nil {
		if lock != nil {
			lock.Close()
		}
		if errors.Is(err, errChanged) {
			return nil, nil // somebody was faster
		}
		return nil, t.dir.explain("take", err)
	}
	if s.held {
		t.log("took the lease over from %s, which was silent for %s", t.dir.holder(s), (uptime() - t.watch.since).Round(100*time.Millisecond))
	}
	container, _ := os.Hostname()
	if err := t.dir.sign(holder{Token: mine.token, Host: t.Host, Container: container, Since: time.Now().Round(time.Second)}); err != nil {
		t.log("cannot write down who has the lease, which harms nothing: %v", err)
	}
	return &held{dir: t.dir, state: mine, began: began, lock: lock}, nil
}

// tell logs who has the lease: when that changes, and every now and then.
func (t *taker) tell(now time.Duration, s state, format string, args ...any) {
	about := s.token + format
	if t.toldOf == about && now-t.told < 15*time.Second {
		return
	}
	t.toldOf, t.told = about, now
	t.log("the data directory is in use by %s. "+format, append([]any{t.dir.holder(s)}, args...)...)
}

func (t *taker) heldError(now time.Duration) error {
	return &heldError{fmt.Sprintf("not started, because another server has the data directory: %s, which renewed its lease %s ago. Two servers on one data directory would destroy it. Stop that one, or, if its host is dead, wait: its lease ends %s after its last renewal",
		t.dir.holder(t.watch.seen), (now - t.watch.since).Round(100*time.Millisecond), max(t.TTL, t.watch.seen.ttl))}
}

// renew shows that the holder lives. It fails with errChanged when the lease is
// another one's.
func (h *held) renew() error {
	began, next := uptime(), h.state.renewed()
	err := h.dir.move(h.state, next)
	if errors.Is(err, errChanged) {
		return h.recover(err)
	}
	if err == nil {
		h.state, h.began = next, began
	}
	return err
}

// recover finds the lease again after a renewal whose outcome was not known, or
// after the drive's server lost the latest: it is ours if the token is.
func (h *held) recover(cause error) error {
	s, err := h.dir.only()
	switch {
	case err != nil:
		return err
	case !s.held || s.token != h.state.token:
		return cause
	}
	began, next := uptime(), s.renewed()
	if err := h.dir.move(s, next); err != nil {
		return err
	}
	h.state, h.began = next, began
	return nil
}

// release lets the next one take the lease at once.
func (h *held) release() error {
	err := h.dir.move(h.state, h.state.released())
	if h.lock != nil {
		h.lock.Close()
	}
	return err
}
