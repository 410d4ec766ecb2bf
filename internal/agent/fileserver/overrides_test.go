// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

func TestCompareAndSwap(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	must(t, s.Prepare(t.Context(), demoStack()))
	path := filepath.Join(root, "acme", storage.OverridesPath)
	must(t, os.Chown(path, 1000, 33))
	must(t, os.Chmod(path, 0o664))
	_, hash, err := s.ReadFile(t.Context(), storage.OverridesPath)
	must(t, err)
	must(t, s.WriteFile(t.Context(), storage.OverridesPath, []byte("A: 1\n"), storage.WriteOptions{IfHash: hash, Mode: 0o600}))
	if got := tree(t, path); got != "-rw-rw-r-- 1000:33 .\n" {
		t.Errorf("owner and mode became %s", got)
	}
	// Somebody else writes in between: both the stale hash and Absent are refused.
	must(t, os.WriteFile(path, []byte("B: 2\n"), 0o660))
	for _, stale := range []string{hash, storage.Absent, ""} {
		err := s.WriteFile(t.Context(), storage.OverridesPath, []byte("C: 3\n"), storage.WriteOptions{IfHash: stale})
		if !errors.Is(err, storage.ErrChanged) {
			t.Errorf("with hash %q: %v", stale, err)
		}
	}
	if got := read(t, path); got != "B: 2\n" {
		t.Errorf("the other's change became %q", got)
	}
	must(t, os.Remove(path))
	if _, _, err := s.ReadFile(t.Context(), storage.OverridesPath); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	must(t, s.WriteFile(t.Context(), storage.OverridesPath, []byte("D: 4\n"),
		storage.WriteOptions{IfHash: storage.Absent, Mode: 0o640, UID: 1000, GID: 1000}))
	if got := tree(t, path); got != "-rw-r----- 1000:1000 .\n" {
		t.Errorf("a new file is %s", got)
	}
	for _, bad := range []string{"portal.json", "overrides", "overrides/", "overrides/..", "overrides/a/b", "/etc/passwd", "overrides/.tmp-x", "overrides/.lock", "records/overrides.json"} {
		if err := s.WriteFile(t.Context(), bad, nil, storage.WriteOptions{IfHash: storage.Absent}); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
}

// A change that is made while the new content is being written is seen: the file
// is looked at once more just before it is replaced.
func TestChangeWhileWriting(t *testing.T) {
	root := t.TempDir()
	s, process := checked(t, root, calm)
	must(t, s.Lock(t.Context(), holder("ann")))
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}))
	must(t, s.Prepare(t.Context(), demoStack()))
	path := filepath.Join(root, "acme", storage.OverridesPath)
	ours, theirs := bytes.Repeat([]byte("o"), 4<<20), []byte("THEIRS: 1\n")
	_, hash, err := s.ReadFile(t.Context(), storage.OverridesPath)
	must(t, err)

	const rounds = 50
	for range rounds {
		done := make(chan error, 1)
		go func() {
			done <- s.WriteFile(t.Context(), storage.OverridesPath, ours, storage.WriteOptions{IfHash: hash})
		}()
		if !freezeWhileWriting(t, process, filepath.Dir(path)) {
			must(t, <-done) // it was faster
			hash = storage.Hash(ours)
			continue
		}
		must(t, os.WriteFile(path+".new", theirs, 0o660))
		must(t, os.Rename(path+".new", path))
		must(t, process.Process.Signal(syscall.SIGCONT))
		if err := <-done; !errors.Is(err, storage.ErrChanged) {
			t.Errorf("got %v", err)
		}
		if got := read(t, path); got != string(theirs) {
			t.Errorf("%d bytes are there, and not what the other program wrote", len(got))
		}
		noTemps(t, root)
		return
	}
	t.Fatalf("%d writes were too fast to be caught", rounds)
}

// freezeWhileWriting stops the agent while it writes a temporary file, and says
// whether it was in time.
func freezeWhileWriting(t *testing.T, a *agent, folder string) bool {
	t.Helper()
	writing := func() bool {
		temps, _ := filepath.Glob(filepath.Join(folder, ".tmp-*"))
		if len(temps) != 1 {
			return false
		}
		info, err := os.Stat(temps[0])
		return err == nil && info.Size() < 4<<20
	}
	for deadline := time.Now().Add(2 * time.Second); !writing(); {
		if time.Now().After(deadline) {
			return false
		}
	}
	must(t, a.Process.Signal(syscall.SIGSTOP))
	for {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(a.Process.Pid), "stat"))
		must(t, err)
		if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "T") {
			break
		}
	}
	if !writing() {
		must(t, a.Process.Signal(syscall.SIGCONT))
		return false
	}
	return true
}

// The lock that other programs take is waited for, and not for ever.
func TestOverridesAreLocked(t *testing.T) {
	root := t.TempDir()
	hurried := calm
	hurried.Flock = 300 * time.Millisecond
	s, _ := checked(t, root, hurried)
	must(t, s.Lock(t.Context(), holder("ann")))
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}))
	must(t, s.Prepare(t.Context(), demoStack()))
	path := filepath.Join(root, "acme", storage.OverridesPath)
	lock := filepath.Join(filepath.Dir(path), ".lock")
	before, hash, err := s.ReadFile(t.Context(), storage.OverridesPath)
	must(t, err)
	write := func() error {
		return s.WriteFile(t.Context(), storage.OverridesPath, []byte("A: 1\n"), storage.WriteOptions{IfHash: hash})
	}

	other, err := os.OpenFile(lock, os.O_RDWR, 0)
	must(t, err)
	must(t, syscall.Flock(int(other.Fd()), syscall.LOCK_EX))
	if err := write(); err == nil || !strings.Contains(err.Error(), lock) || !strings.Contains(err.Error(), "another program has held the lock") {
		t.Errorf("with the lock held: %v", err)
	}
	if got := read(t, path); got != string(before) {
		t.Errorf("it wrote without the lock: %q", got)
	}
	time.AfterFunc(hurried.Flock/3, func() { other.Close() })
	if err := write(); err != nil {
		t.Errorf("with the lock given back in time: %v", err)
	}
	hash = storage.Hash([]byte("A: 1\n"))

	// Who holds a lock that is not there any more keeps nobody out.
	orphan, err := os.OpenFile(lock, os.O_RDWR, 0)
	must(t, err)
	defer orphan.Close()
	must(t, syscall.Flock(int(orphan.Fd()), syscall.LOCK_EX))
	must(t, os.Remove(lock))
	must(t, write())
	if got := tree(t, lock); got != "-rw-rw---- 1000:1000 .\n" {
		t.Errorf("the new lock is %s", got)
	}
}
