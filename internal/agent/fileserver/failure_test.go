// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// mount mounts a file system for the time of the test.
func mount(t *testing.T, source, target, kind string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount(source, target, kind, flags, options); err != nil {
		t.Fatalf("mounting a %s at %s: %v (the tests of the file agent need root, as the agent does)", kind, target, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func TestFullDrive(t *testing.T) {
	root := t.TempDir()
	mount(t, "tmpfs", root, "tmpfs", 0, "size=256k")
	s := incomplete(t, root, "acme")
	must(t, s.Prepare(t.Context(), demoStack()))
	_, hash, err := s.ReadFile(t.Context(), storage.OverridesPath)
	must(t, err)
	old := tree(t, filepath.Join(root, "acme"))

	big := bytes.Repeat([]byte("x"), 512<<10)
	st := demoStack()
	st.Files["config/dddddddddddd/big"] = stack.File{Content: big, Mode: 0o644}
	for op, err := range map[string]error{
		"Prepare":   s.Prepare(t.Context(), st),
		"WriteFile": s.WriteFile(t.Context(), storage.OverridesPath, big, storage.WriteOptions{IfHash: hash}),
	} {
		if !errors.Is(err, storage.ErrNoSpace) || !strings.Contains(err.Error(), root) || !strings.Contains(err.Error(), "free some space") {
			t.Errorf("%s: %v", op, err)
		}
	}
	noTemps(t, root)
	now := strings.Replace(tree(t, filepath.Join(root, "acme")), "drwxr-xr-x 0:0 config/dddddddddddd\n", "", 1)
	if now != old {
		t.Errorf("it became\n%swas\n%s", now, old)
	}
	must(t, s.Prepare(t.Context(), demoStack())) // and works on
}

func TestFullDriveCannotBeLocked(t *testing.T) {
	root := t.TempDir()
	mount(t, "tmpfs", root, "tmpfs", 0, "size=64k")
	s, _ := checked(t, root, calm)
	must(t, os.Mkdir(filepath.Join(root, ".locks"), 0o700))
	if err := os.WriteFile(filepath.Join(root, "filler"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the drive: %v", err)
	}
	if err := s.Lock(t.Context(), holder("ann")); !errors.Is(err, storage.ErrNoSpace) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(root, ".locks")); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

func TestReadOnlyDrive(t *testing.T) {
	source, root := t.TempDir(), t.TempDir()
	must(t, incomplete(t, source, "acme").Close())
	mount(t, source, root, "bind", syscall.MS_BIND, "")
	if err := syscall.Mount("", root, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	s, _ := checked(t, root, calm)
	if m, err := s.Manifest(t.Context()); err != nil || m.Status != storage.Incomplete {
		t.Errorf("reading a read-only drive: %v, %v", m.Status, err)
	}
	err := s.Lock(t.Context(), holder("ann"))
	if !errors.Is(err, storage.ErrReadOnly) || !strings.Contains(err.Error(), root) || !strings.Contains(err.Error(), "mount it read-write") {
		t.Errorf("got %v", err)
	}

	empty := t.TempDir()
	mount(t, empty, empty, "bind", syscall.MS_BIND, "")
	if err := syscall.Mount("", empty, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	fresh, _ := open(t, empty, "acme", calm)
	if _, err := fresh.Drive(t.Context(), storage.DriveCheck{}); !errors.Is(err, storage.ErrReadOnly) {
		t.Errorf("initialising a read-only drive: %v", err)
	}
}

// An agent that is killed while it writes leaves the old content or the new one,
// and the next one clears up.
func TestKilledWhileWriting(t *testing.T) {
	root := t.TempDir()
	must(t, incomplete(t, root, "acme").Close())
	contents := [][]byte{bytes.Repeat([]byte("a"), 3<<20), bytes.Repeat([]byte("b"), 3<<20)}
	path := filepath.Join(root, "acme", storage.OverridesPath)

	rounds := 3
	if acctest.Thorough {
		rounds = 10
	}
	for round := range rounds {
		s, process := checked(t, root, hasty)
		must(t, s.Lock(within(t, time.Minute), holder("ann")))
		must(t, s.Prepare(t.Context(), demoStack()))
		noTemps(t, root)
		must(t, os.WriteFile(path, contents[0], 0o660))
		hash := storage.Hash(contents[0])
		killed := time.AfterFunc(time.Duration(rand.IntN(40))*time.Millisecond, func() { _ = process.Process.Kill() })
		for i := 1; ; i++ {
			next := contents[i%2]
			if err := s.WriteFile(t.Context(), storage.OverridesPath, next, storage.WriteOptions{IfHash: hash}); err != nil {
				break // the agent is gone
			}
			hash = storage.Hash(next)
		}
		killed.Stop()
		_ = process.ended()
		got, err := os.ReadFile(path)
		must(t, err)
		if !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
			t.Fatalf("round %d: %d bytes that nobody wrote as a whole", round, len(got))
		}
	}
}

// A first manifest that was cut off leaves no directory that looks foreign.
func TestKilledWhileMakingThePortal(t *testing.T) {
	root := t.TempDir()
	s := locked(t, root, "acme")
	must(t, os.MkdirAll(filepath.Join(root, ".new-acme-01234567"), 0o711))
	if m, err := s.Manifest(t.Context()); err != nil || m.Status != storage.None {
		t.Errorf("status %v, %v", m.Status, err)
	}
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}))
	noTemps(t, root)
}
