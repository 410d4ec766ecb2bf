// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// envEditor makes this test binary another program that edits the overrides: a
// name, a number of edits and a way.
const envEditor = "TEST_EDITOR"

// edit adds lines to the overrides in the working directory, as package storage
// tells other programs to. It runs as the user that add-ons run as.
func edit() int {
	var name, way string
	var edits int
	_, err := fmt.Sscan(os.Getenv(envEditor), &name, &edits, &way)
	if err == nil {
		err = errors.Join(syscall.Setgid(1000), syscall.Setuid(1000))
	}
	for n := 0; n < edits && err == nil; n++ {
		err = editOnce(fmt.Sprintf("%s_%d: %d\n", name, n, n), way)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func editOnce(line, way string) error {
	lock, err := os.OpenFile(".lock", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	const file = "ansible_overrides.yml"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text = append(text, line...)
	if way == "in-place" {
		return os.WriteFile(file, text, 0)
	}
	if err := os.WriteFile("new-overrides", text, 0o660); err != nil {
		return err
	}
	return os.Rename("new-overrides", file)
}

// editBySession adds a line as Terraform does: it reads, and writes if nobody else
// wrote meanwhile.
func editBySession(t *testing.T, s *storage.Session, line string) error {
	for {
		text, hash, err := s.ReadFile(t.Context(), storage.OverridesPath)
		if err != nil {
			return err
		}
		err = s.WriteFile(t.Context(), storage.OverridesPath, append(text, line...), storage.WriteOptions{IfHash: hash})
		if !errors.Is(err, storage.ErrChanged) {
			return err
		}
	}
}

// checkLines fails unless the overrides hold each line of the editors once.
func checkLines(t *testing.T, text string, editors []string, edits int) {
	t.Helper()
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	for _, name := range editors {
		for n := range edits {
			line := fmt.Sprintf("%s_%d: %d", name, n, n)
			at, found := slices.BinarySearch(lines, line)
			if !found || lines[at+1] == line {
				t.Errorf("the edit %q is there %t, once %t", line, found, found && lines[at+1] != line)
			}
		}
	}
}

// Edits by programs that take the lock in overrides/ and edits by sessions, all at
// once: none is lost.
func TestEditsByProgramsAndSessions(t *testing.T) {
	root := t.TempDir()
	must(t, os.Chmod(filepath.Dir(root), 0o755)) //nolint:gosec // the editors run as another user
	s := incomplete(t, root, "acme")
	must(t, s.Prepare(t.Context(), demoStack()))
	folder := filepath.Join(root, "acme", "overrides")

	const edits = 25
	var names []string
	var all sync.WaitGroup
	for _, way := range []string{"rename", "rename", "rename", "in-place"} {
		name := fmt.Sprintf("program%d", len(names))
		names = append(names, name)
		all.Go(func() {
			cmd := exec.Command("/proc/self/exe")
			cmd.Dir, cmd.Env = folder, append(os.Environ(), fmt.Sprintf("%s=%s %d %s", envEditor, name, edits, way))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", name, err, out)
			}
		})
	}
	for range 4 {
		name := fmt.Sprintf("session%d", len(names))
		names = append(names, name)
		all.Go(func() {
			for n := range edits {
				if err := editBySession(t, s, fmt.Sprintf("%s_%d: %d\n", name, n, n)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	all.Wait()
	checkLines(t, read(t, folder, "ansible_overrides.yml"), names, edits)
	noTemps(t, root)
}

// The same between sessions of several providers, which take turns by the
// portal's lock.
func TestEditsBySessions(t *testing.T) {
	root := t.TempDir()
	first := incomplete(t, root, "acme")
	must(t, first.Prepare(t.Context(), demoStack()))
	must(t, first.Close())

	const sessions, edits = 4, 50
	var names []string
	var all sync.WaitGroup
	for range sessions {
		name := fmt.Sprintf("session%d", len(names))
		names = append(names, name)
		s, _ := checked(t, root, hasty)
		all.Go(func() {
			for n := range edits {
				if err := editUnderLock(t, s, fmt.Sprintf("%s_%d: %d\n", name, n, n)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	all.Wait()
	checkLines(t, read(t, root, "acme", storage.OverridesPath), names, edits)
}

func editUnderLock(t *testing.T, s *storage.Session, line string) error {
	if err := s.Lock(t.Context(), holder("ann")); err != nil {
		return err
	}
	return errors.Join(editBySession(t, s, line), s.Unlock(t.Context()))
}

// A file that others replace all the time is read all the same, and each time as
// a whole.
func TestReadWhileReplaced(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	must(t, s.Prepare(t.Context(), demoStack()))
	path := filepath.Join(root, "acme", storage.OverridesPath)
	const lines = 100
	replace := func(n int) error {
		text := strings.Repeat(fmt.Sprintf("A: %d\n", n), lines)
		return errors.Join(os.WriteFile(path+".new", []byte(text), 0o660), os.Rename(path+".new", path))
	}
	must(t, replace(0))

	stop := make(chan struct{})
	var replacing sync.WaitGroup
	replacing.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
				if err := replace(n % 10); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	defer replacing.Wait()
	defer close(stop)
	for range 2000 {
		text, _, err := s.ReadFile(t.Context(), storage.OverridesPath)
		must(t, err)
		first, _, _ := strings.Cut(string(text), "\n")
		if strings.Count(string(text), first+"\n") != lines {
			t.Fatalf("a mixture was read: %q", text)
		}
	}
}
