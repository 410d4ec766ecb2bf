// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// leased is a stack with a service that has a lease.
func leased() *stack.Stack {
	return &stack.Stack{
		Services:    map[string]*stack.Service{"mysql": {Lease: "/srv/portals/acme/leases/mysql"}},
		Directories: map[string]stack.Directory{"leases/mysql": {UID: 999, GID: 999, Mode: 0o700}},
	}
}

// The agent puts its own program on the drive once, as a whole, for anybody to
// start and nobody to change; portals that come together do not hinder each other.
func TestInstall(t *testing.T) {
	root := t.TempDir()
	own, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	var all sync.WaitGroup
	paths := make([]string, 4)
	for i := range paths {
		s := incomplete(t, root, "acme-"+string(rune('a'+i)))
		all.Go(func() {
			st := leased()
			if err := s.Prepare(t.Context(), st); err != nil {
				t.Error(err)
			}
			paths[i] = st.AgentPath
		})
	}
	all.Wait()
	for _, path := range paths {
		if path == "" || path != paths[0] || filepath.Dir(path) != filepath.Join(root, ".portal-agent") {
			t.Fatalf("the program is at %q", paths)
		}
	}
	data, err := os.ReadFile(paths[0])
	must(t, err)
	if !bytes.Equal(data, own) {
		t.Error("the program is another one")
	}
	if got := tree(t, filepath.Join(root, ".portal-agent")); !strings.Contains(got, "-r-xr-xr-x 0:0 "+filepath.Base(paths[0])) || strings.Count(got, "\n") > 2 {
		t.Errorf("the directory has\n%s", got)
	}
	if got := tree(t, filepath.Join(root, "acme-a", "leases")); !strings.Contains(got, "drwx------ 999:999 mysql") {
		t.Errorf("the leases are\n%s", got)
	}
	before, err := os.Stat(paths[0])
	must(t, err)
	st := leased()
	s := incomplete(t, root, "beta")
	must(t, s.Prepare(t.Context(), st))
	if after, err := os.Stat(paths[0]); err != nil || !os.SameFile(before, after) || st.AgentPath != paths[0] {
		t.Errorf("it was written again, at %q: %v", st.AgentPath, err)
	}
	// One that was cut short, by a drive that failed, is made whole.
	must(t, os.Truncate(paths[0], 100))
	must(t, s.Prepare(t.Context(), leased()))
	if after, err := os.Stat(paths[0]); err != nil || after.Size() != before.Size() {
		t.Errorf("it was left cut short: %v", err)
	}
	noTemps(t, root)
}

// A stack without leases has no program on the drive.
func TestInstallOnlyForLeases(t *testing.T) {
	root := t.TempDir()
	st := demoStack()
	must(t, incomplete(t, root, "acme").Prepare(t.Context(), st))
	if _, err := os.Lstat(filepath.Join(root, ".portal-agent")); !os.IsNotExist(err) || st.AgentPath != "" {
		t.Errorf("there is a program at %q: %v", st.AgentPath, err)
	}
}

func TestInstallOnNoexec(t *testing.T) {
	root := t.TempDir()
	must(t, syscall.Mount("tmpfs", root, "tmpfs", syscall.MS_NOEXEC, "size=64m"))
	t.Cleanup(func() { must(t, syscall.Unmount(root, syscall.MNT_DETACH)) })
	err := incomplete(t, root, "acme").Prepare(t.Context(), leased())
	if err == nil || !strings.Contains(err.Error(), "noexec") || !strings.Contains(err.Error(), "remount,exec") {
		t.Errorf("got %v", err)
	}
}
