// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
)

// otherID is the id of a drive that is not the portal's.
const otherID = "0123456789abcdef0123456789abcdef"

// mount mounts something at a path until the test ends. Containers that
// mounted the path before keep what they have.
func mount(t *testing.T, source, path, kind string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount(source, path, kind, flags, options); err != nil {
		t.Fatalf("mount %s: %v (this test needs root)", path, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("unmount %s: %v", path, err)
		}
	})
}

func unmount(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
		t.Fatalf("unmount %s: %v", path, err)
	}
}

// mark makes a directory a drive.
func mark(t *testing.T, path, id string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path, ".portal-storage"), []byte(id+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readOnly makes what is at a path read-only for those that mount it.
func readOnly(t *testing.T, path string) {
	t.Helper()
	mount(t, path, path, "", syscall.MS_BIND, "")
	if err := syscall.Mount("", path, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

// fails applies, and asserts that the error names the portal, the host and
// more, and that the drive is as it was.
func (b *bed) fails(t *testing.T, more ...string) {
	t.Helper()
	before := tree(t, b.Storage)
	r := b.tf.Fail(t)
	says(t, r, append(more, "Portal "+b.Name, `"default"`)...)
	same(t, b.Storage, before)
}

func TestDriveMissing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.Storage = filepath.Join(b.Storage, "none")
	b.tf.Write(t, b.Config(""))
	r := b.tf.Fail(t)
	says(t, r, "Portal "+b.Name, `host "default"`, b.Storage, "mkdir -p "+b.Storage, "storage.path")
	if _, err := os.Stat(b.Storage); !os.IsNotExist(err) {
		t.Errorf("the storage path was made: %v", err)
	}
	b.has(t)
}

// TestDriveChanges has another drive, none, or a read-only one at the storage
// path of a portal that runs. An update and a new portal are refused with
// nothing written, and go on when the drive is back.
func TestDriveChanges(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, path string)
		says   []string
	}{
		"another drive": {func(t *testing.T, path string) {
			mount(t, "tmpfs", path, "tmpfs", 0, "size=1m")
			mark(t, path, otherID)
		}, []string{"holds the shared drive " + otherID, "is expected", "mount the right drive there on this host"}},
		"not mounted": {func(t *testing.T, path string) {
			mount(t, "tmpfs", path, "tmpfs", 0, "size=1m")
		}, []string{"is not marked as the shared drive", "mount it"}},
		"read-only": {readOnly, []string{"read-only", "mount it read-write"}},
	} {
		t.Run(name, func(t *testing.T) {
			long.Among(t, name, "another drive")
			t.Parallel()
			b := newBed(t)
			b.tf.Apply(t)
			other := acctest.NewPortal(t)
			other.Storage = b.Storage
			second := bedOf(t, other)
			started := b.Started(t)

			tc.change(t, b.Storage)
			b.tf.Write(t, b.Config(`services = { web = { environment = { GREETING = "bonjour" } } }`))
			b.fails(t, append(tc.says, b.Storage)...)
			second.fails(t, append(tc.says, b.Storage)...)
			second.has(t)
			b.untouched(t, started)

			unmount(t, b.Storage)
			b.tf.Apply(t)
			b.untouched(t, started, "web-1")
			b.has(t, whole...)
			b.noChange(t)
		})
	}
}

// TestDriveFull creates a portal on a drive that is full, and has a little more
// room at each further attempt.
func TestDriveFull(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	roomy := newBed(t)
	roomy.tf.Apply(t)
	want := len(tree(t, roomy.Directory()))

	b := newBed(t)
	// The program that is there before takes most of it.
	const size, step = 64<<20 + 256<<10, 12 << 10
	mount(t, "tmpfs", b.Storage, "tmpfs", 0, fmt.Sprintf("size=%d", size))
	mark(t, b.Storage, otherID)
	if err := os.CopyFS(filepath.Join(b.Storage, ".portal-agent"), os.DirFS(filepath.Join(roomy.Storage, ".portal-agent"))); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(b.Storage, "ballast")
	if err := os.WriteFile(ballast, make([]byte, size), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the drive is not full: %v", err)
	}
	info, err := os.Stat(ballast)
	if err != nil {
		t.Fatal(err)
	}
	attempts := 0
	// What the portal itself needs is far less than that.
	for left := min(info.Size(), 256<<10); ; left -= step {
		attempts++
		r := b.tf.Run(t, "apply", "-auto-approve", "-input=false", "-no-color")
		if r.ExitCode == 0 {
			break
		}
		says(t, r, "Portal "+b.Name, "no space left on device", "free some space on the shared drive", b.Storage, `"default"`)
		if attempts == 1 {
			b.has(t)
		}
		if left < step {
			t.Fatalf("there is room, and still:\n%s", r.Output)
		}
		if err := os.Truncate(ballast, info.Size()-min(info.Size(), 256<<10)+left-step); err != nil {
			t.Fatal(err)
		}
	}
	if attempts < 2 {
		t.Error("nothing failed")
	}
	t.Logf("attempt %d succeeded", attempts)
	b.has(t, whole...)
	b.noChange(t)
	if len(b.secret(t)) < 16 {
		t.Errorf("the secret is %q", b.secret(t))
	}
	if now := tree(t, b.Directory()); len(now) != want {
		t.Errorf("the directory holds %d files instead of %d: %v", len(now), want, slices.Sorted(maps.Keys(now)))
	}
	b.tf.Destroy(t)
}
