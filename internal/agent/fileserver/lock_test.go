// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/agent/fileserver"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

func holder(owner string) storage.Holder {
	return storage.Holder{Owner: owner, Host: "dal-1", Operation: "update"}
}

// checked opens a session whose drive is checked.
func checked(t *testing.T, root string, timing fileserver.Timing) (*storage.Session, *agent) {
	t.Helper()
	s, a := open(t, root, "acme", timing)
	_, err := s.Drive(t.Context(), storage.DriveCheck{})
	must(t, err)
	return s, a
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestLockExcludes(t *testing.T) {
	root := t.TempDir()
	first, _ := checked(t, root, hasty)
	must(t, first.Lock(t.Context(), holder("ann")))
	must(t, first.Lock(t.Context(), holder("ann"))) // again is no matter

	second, _ := checked(t, root, hasty)
	// Longer than the lock would live without being refreshed.
	err := second.Lock(within(t, 3*hasty.Stale), holder("bob"))
	var refused *storage.LockedError
	if !errors.As(err, &refused) || !errors.Is(err, storage.ErrLocked) {
		t.Fatalf("a second Lock: %v", err)
	}
	if refused.Holder.Owner != "ann" || refused.Holder.Since.IsZero() || !strings.Contains(err.Error(), "ann on dal-1 (update, since ") {
		t.Errorf("it does not say who holds the lock since when: %v", err)
	}
	if err := second.SaveManifest(t.Context(), storage.Manifest{Status: storage.Complete}); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("a write without the lock: %v", err)
	}
	must(t, first.Unlock(t.Context()))
	must(t, first.Unlock(t.Context()))
	must(t, second.Lock(within(t, time.Minute), holder("bob")))
}

func TestLockIsReleased(t *testing.T) {
	for name, end := range map[string]func(*storage.Session, *agent) error{
		"by Close":                    func(s *storage.Session, _ *agent) error { return s.Close() },
		"when the provider goes away": func(_ *storage.Session, a *agent) error { return a.conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s, a := checked(t, root, calm)
			must(t, s.Lock(t.Context(), holder("ann")))
			must(t, end(s, a))
			if err := a.ended(); err != nil {
				t.Errorf("the agent ended with %v: %s", err, a.stderr)
			}
			next, _ := checked(t, root, calm) // calm: it could not break a lock in time
			must(t, next.Lock(within(t, 20*time.Second), holder("bob")))
		})
	}
}

func TestIdleAgentEnds(t *testing.T) {
	root := t.TempDir()
	timing := calm
	timing.Idle = 300 * time.Millisecond
	s, a := checked(t, root, timing)
	must(t, s.Lock(t.Context(), holder("ann")))
	if err := a.ended(); err == nil || !strings.Contains(a.stderr.String(), "nothing was heard") {
		t.Errorf("ended with %v: %s", err, a.stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(root, ".locks", "*")); len(left) > 0 {
		t.Errorf("it left the lock: %s", left)
	}
	if err := s.Unlock(t.Context()); err == nil || !strings.Contains(err.Error(), "connection to the file agent was lost") {
		t.Errorf("a call to an agent that has ended: %v", err)
	}
}

// docker stop ends the agent's context.
func TestStoppedAgentReleasesTheLock(t *testing.T) {
	root := t.TempDir()
	in, toAgent := io.Pipe()
	fromAgent, out := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- fileserver.Serve(ctx, fileserver.Options{Root: root, Path: root, Portal: "acme", In: in, Out: out, Timing: calm})
	}()
	s, err := storage.Open(t.Context(), &processPipe{fromAgent, toAgent}, "acme", "dal-1")
	must(t, err)
	_, err = s.Drive(t.Context(), storage.DriveCheck{})
	must(t, err)
	must(t, s.Lock(t.Context(), holder("ann")))
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(root, ".locks")); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	in.Close()
	out.Close()
	must(t, s.Close())
}

// The lock of an agent that was killed goes to exactly one of those who wait.
func TestStaleLockIsTakenOverOnce(t *testing.T) {
	root := t.TempDir()
	dead, process := checked(t, root, hasty)
	must(t, dead.Lock(t.Context(), holder("dead")))
	process.kill(t)

	const waiting = 5
	var mu sync.Mutex
	inside, most, served := 0, 0, 0
	var all sync.WaitGroup
	for i := range waiting {
		s, _ := checked(t, root, hasty)
		all.Go(func() {
			if err := s.Lock(within(t, time.Minute), holder(fmt.Sprint(i))); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			inside++
			served++
			most = max(most, inside)
			mu.Unlock()
			if err := s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Complete}); err != nil {
				t.Errorf("it lost the lock it had: %v", err)
			}
			mu.Lock()
			inside--
			mu.Unlock()
			if err := s.Unlock(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most != 1 || served != waiting {
		t.Errorf("%d of %d had the lock, at most %d at once", served, waiting, most)
	}
	if left, _ := os.ReadDir(filepath.Join(root, ".locks")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// An agent that slept past the life of its lock must not write with it, nor
// remove the next one's.
func TestFrozenAgentLosesItsLock(t *testing.T) {
	root := t.TempDir()
	frozen, process := checked(t, root, hasty)
	must(t, frozen.Lock(t.Context(), holder("frozen")))
	must(t, process.Process.Signal(syscall.SIGSTOP))

	next, _ := checked(t, root, hasty)
	must(t, next.Lock(within(t, time.Minute), holder("next")))
	must(t, process.Process.Signal(syscall.SIGCONT))

	err := frozen.SaveManifest(t.Context(), storage.Manifest{Status: storage.Complete})
	if !errors.Is(err, storage.ErrNotLocked) || !strings.Contains(err.Error(), "lost") {
		t.Errorf("a write with a lost lock: %v", err)
	}
	must(t, frozen.Unlock(t.Context()))
	must(t, next.SaveManifest(t.Context(), storage.Manifest{Status: storage.Complete}))
}

func TestDamagedLockGoesStale(t *testing.T) {
	root := t.TempDir()
	s, _ := checked(t, root, hasty)
	must(t, os.MkdirAll(filepath.Join(root, ".locks"), 0o700))
	must(t, os.WriteFile(filepath.Join(root, ".locks", "acme"), nil, 0o600)) // killed before it wrote
	must(t, s.Lock(within(t, time.Minute), holder("ann")))
}

func TestPlantedLock(t *testing.T) {
	root := t.TempDir()
	s, _ := checked(t, root, hasty)
	must(t, os.MkdirAll(filepath.Join(root, ".locks"), 0o700))
	must(t, syscall.Mkfifo(filepath.Join(root, ".locks", "acme"), 0o600))
	if err := s.Lock(within(t, 20*time.Second), holder("ann")); !errors.Is(err, storage.ErrNotRegular) {
		t.Errorf("got %v", err)
	}
}
