// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

const someID = "0123456789abcdef0123456789abcdef"

func TestDrive(t *testing.T) {
	mark := func(content string) func(*testing.T, string) {
		return func(t *testing.T, root string) {
			must(t, os.WriteFile(filepath.Join(root, ".portal-storage"), []byte(content), 0o644))
		}
	}
	tests := map[string]struct {
		setup   func(*testing.T, string)
		want    string // id asked for
		exists  bool   // a drive must be there already
		wantErr string // part of the message; empty: success
	}{
		"an empty directory becomes a drive": {},
		"what file systems put there counts as empty": {setup: func(t *testing.T, root string) {
			must(t, os.Mkdir(filepath.Join(root, "lost+found"), 0o700))
			must(t, os.WriteFile(filepath.Join(root, ".tmp-0123456789abcdef"), nil, 0o600)) // a crashed initialisation
		}},
		"the drive itself":                   {setup: mark(someID + "\n")},
		"the drive that was asked for":       {setup: mark(someID + "\n"), want: someID},
		"another drive":                      {setup: mark(strings.Repeat("f", 32)), want: someID, wantErr: "holds the shared drive ffff"},
		"an empty directory, a drive known":  {want: someID, wantErr: "not mounted"},
		"an empty directory, a drive needed": {exists: true, wantErr: "not marked as a shared drive of portals"},
		"a drive, a drive needed":            {setup: mark(someID), exists: true},
		"somebody's directory": {setup: func(t *testing.T, root string) {
			for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
				must(t, os.Mkdir(filepath.Join(root, name), 0o700))
			}
		}, wantErr: "it holds a, b, c, d, e and 2 more"},
		"a damaged marker": {setup: mark("oops"), wantErr: "does not hold the id"},
		"a marker that is a link": {setup: func(t *testing.T, root string) {
			must(t, os.Symlink("/etc/hostname", filepath.Join(root, ".portal-storage")))
		}, wantErr: "is a symbolic link"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if tt.setup != nil {
				tt.setup(t, root)
			}
			s, _ := open(t, root, "acme", calm)
			id, err := s.Drive(t.Context(), storage.DriveCheck{ID: tt.want, Existing: tt.exists})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || !strings.Contains(err.Error(), root) {
					t.Fatalf("got error %v, want one with %q and the path", err, tt.wantErr)
				}
				if !errors.Is(err, storage.ErrNotDrive) && !errors.Is(err, storage.ErrNotRegular) {
					t.Errorf("%v is neither ErrNotDrive nor ErrNotRegular", err)
				}
				// And nothing may be written there.
				if err := s.Lock(t.Context(), storage.Holder{}); !errors.Is(err, storage.ErrNotDrive) {
					t.Errorf("Lock on a drive that was refused: %v", err)
				}
				if _, err := os.Stat(filepath.Join(root, ".locks")); err == nil {
					t.Error("something was written on a drive that was refused")
				}
				return
			}
			must(t, err)
			if got := strings.TrimSpace(read(t, root, ".portal-storage")); got != id || len(id) != 32 {
				t.Errorf("id %q, and the marker says %q", id, got)
			}
		})
	}
}

func TestDriveMissing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "none")
	s, _ := open(t, root, "acme", calm)
	_, err := s.Drive(t.Context(), storage.DriveCheck{})
	if !errors.Is(err, storage.ErrNotDrive) || !strings.Contains(err.Error(), root) {
		t.Fatalf("got %v", err)
	}
}

// Agents that initialise a drive at once must agree on its id.
func TestDriveInitialisedOnce(t *testing.T) {
	root := t.TempDir()
	const agents = 6
	ids := make([]string, agents)
	var all sync.WaitGroup
	for i := range ids {
		s, _ := open(t, root, "acme", calm)
		all.Go(func() {
			var err error
			if ids[i], err = s.Drive(t.Context(), storage.DriveCheck{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("two ids for one drive: %q", ids)
		}
	}
	noTemps(t, root)
}
