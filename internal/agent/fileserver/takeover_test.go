// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// contender returns a lock that is not taken yet, on the same locks directory as
// the others of a test.
func contender(t *testing.T, locks, token string) *heldLock {
	t.Helper()
	root, err := os.OpenRoot(locks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &heldLock{locks: dir{Root: root, path: locks}, name: "acme", content: []byte(`{"token":"` + token + `"}`), stale: time.Minute}
}

// staleLock leaves the lock of an agent that died long ago.
func staleLock(t *testing.T, locks string) {
	t.Helper()
	path := filepath.Join(locks, "acme")
	if err := os.WriteFile(path, []byte(`{"token":"dead"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, path)
}

func age(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func see(t *testing.T, l *heldLock) sighting {
	t.Helper()
	seen, err := l.inspect()
	if err != nil {
		t.Fatal(err)
	}
	if seen.age < l.stale {
		t.Fatalf("the lock is %s old: not stale", seen.age)
	}
	return seen
}

// Who saw the stale lock but comes second leaves the first one's lock alone.
func TestSlowBreakerStandsBack(t *testing.T) {
	locks := t.TempDir()
	staleLock(t, locks)
	first, slow := contender(t, locks, "first"), contender(t, locks, "slow")
	seenFirst, seenSlow := see(t, first), see(t, slow)

	if err := first.takeOver(seenFirst); err != nil {
		t.Fatal(err)
	}
	defer first.file.Close()
	if err := slow.takeOver(seenSlow); !errors.Is(err, errMoved) {
		t.Errorf("the slow one: %v", err)
	}
	if err := first.check(); err != nil {
		t.Errorf("the first one lost its lock: %v", err)
	}
	names, err := first.locks.list()
	if err != nil || len(names) != 1 {
		t.Errorf("left in the directory: %v, %v", names, err)
	}
}

// A claim keeps others away while it is fresh; one that is stale too is passed
// by, and cleared once the lock is taken.
func TestClaims(t *testing.T) {
	locks := t.TempDir()
	staleLock(t, locks)
	claimer, other := contender(t, locks, "claimer"), contender(t, locks, "other")
	seen := see(t, other)
	claims, err := claimer.claim(see(t, claimer))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.takeOver(seen); !isCode(err, wire.Locked) {
		t.Errorf("beside a fresh claim: %v", err)
	}
	age(t, filepath.Join(locks, claims[0]))
	if err := other.takeOver(seen); err != nil {
		t.Fatalf("beside a stale claim: %v", err)
	}
	defer other.file.Close()
	names, err := other.locks.list()
	if err != nil || len(names) != 1 {
		t.Errorf("left in the directory: %v, %v", names, err)
	}
}

// A holder that was only slow refreshes its lock between the sighting and the
// claim: it keeps the lock.
func TestRevivedHolderKeepsItsLock(t *testing.T) {
	locks := t.TempDir()
	holder, breaker := contender(t, locks, "holder"), contender(t, locks, "breaker")
	if err := holder.acquire(); err != nil {
		t.Fatal(err)
	}
	defer holder.file.Close()
	age(t, filepath.Join(locks, "acme"))
	seen := see(t, breaker)
	if err := holder.refresh(); err != nil {
		t.Fatal(err)
	}
	if err := breaker.takeOver(seen); !errors.Is(err, errMoved) {
		t.Errorf("the breaker: %v", err)
	}
	if err := holder.check(); err != nil {
		t.Errorf("the holder lost its lock: %v", err)
	}
}

// A lock that was replaced or removed is noticed at once, however fresh it was,
// and its successor survives the release.
func TestLostLockIsNoticed(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, path string){
		"replaced": func(t *testing.T, path string) {
			t.Helper()
			if err := os.WriteFile(path+".new", []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(t *testing.T, path string) {
			t.Helper()
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			locks := t.TempDir()
			l := contender(t, locks, "ours")
			l.stop, l.stopped = make(chan struct{}), make(chan struct{})
			if err := l.acquire(); err != nil {
				t.Fatal(err)
			}
			go l.keep(time.Hour)
			path := filepath.Join(locks, "acme")
			lose(t, path)
			if err := l.check(); !isCode(err, wire.NotLocked) {
				t.Errorf("got %v", err)
			}
			if err := l.release(); err != nil {
				t.Errorf("releasing a lost lock: %v", err)
			}
			if _, err := os.Lstat(path); (err == nil) != (name == "replaced") {
				t.Errorf("the lock of the next one: %v", err)
			}
		})
	}
}
