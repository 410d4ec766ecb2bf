// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

func TestReader(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Complete, Spec: stack.Spec{Name: "acme", Domain: "learn.acme.com"}}))
	must(t, os.Mkdir(filepath.Join(root, "foreign"), 0o755))
	r, _ := openReader(t, root)
	get := func(portal string) storage.Snapshot {
		t.Helper()
		got, err := r.Portal(t.Context(), portal)
		must(t, err)
		return got
	}

	got := get("acme")
	if got.Manifest.Status != storage.Complete || got.Manifest.Spec.Domain != "learn.acme.com" || got.OverridesFound || len(got.Records) > 0 {
		t.Errorf("before anything is prepared: %+v", got)
	}
	must(t, s.Prepare(t.Context(), demoStack()))
	must(t, s.WriteRecord(t.Context(), "overrides", []byte(`{"a":1}`)))
	must(t, s.WriteRecord(t.Context(), "empty", nil))
	must(t, os.WriteFile(filepath.Join(root, "acme/records/overrides.json~"), []byte("an editor's"), 0o600))
	must(t, os.WriteFile(filepath.Join(root, "acme/records/.tmp-0123456789abcdef"), []byte("half"), 0o600))
	before := tree(t, root)
	got = get("acme")
	if !got.OverridesFound || string(got.Overrides) != read(t, root, "acme", storage.OverridesPath) {
		t.Errorf("overrides: %t, %q", got.OverridesFound, got.Overrides)
	}
	if _, found := got.Records["empty"]; !found || len(got.Records) != 2 || string(got.Records["overrides"]) != `{"a":1}` {
		t.Errorf("records: %s", got.Records)
	}
	for portal, want := range map[string]storage.Status{"other": storage.None, "foreign": storage.Foreign} {
		if got := get(portal); got.Manifest.Status != want || got.OverridesFound || got.Records != nil {
			t.Errorf("%s: %+v", portal, got)
		}
	}
	for _, name := range []string{"", "..", "../acme", "acme/overrides", ".locks", "Acme"} {
		if _, err := r.Portal(t.Context(), name); err == nil || !strings.Contains(err.Error(), "portal name") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if after := tree(t, root); after != before {
		t.Errorf("a reader changed the drive to\n%s", after)
	}

	must(t, os.Truncate(filepath.Join(root, "acme", storage.OverridesPath), 0))
	if got := get("acme"); !got.OverridesFound || len(got.Overrides) > 0 {
		t.Errorf("empty overrides: %t, %q", got.OverridesFound, got.Overrides)
	}
	must(t, os.Remove(filepath.Join(root, "acme", storage.OverridesPath)))
	if got := get("acme"); got.OverridesFound {
		t.Error("overrides were found that are not there")
	}
	must(t, os.Symlink("../portal.json", filepath.Join(root, "acme", storage.OverridesPath)))
	if got, err := r.Portal(t.Context(), "acme"); !errors.Is(err, storage.ErrNotRegular) {
		t.Errorf("a link in the place of the overrides: %s, %v", got.Overrides, err)
	}
	// The manifest alone does not depend on the rest, nor grow with it.
	if m, err := r.Manifest(t.Context(), "acme"); err != nil || m.Status != storage.Complete || m.Spec.Domain != "learn.acme.com" {
		t.Errorf("the manifest alone: %+v, %v", m, err)
	}
	if m, err := r.Manifest(t.Context(), "other"); err != nil || m.Status != storage.None {
		t.Errorf("the manifest of nobody: %+v, %v", m, err)
	}
	must(t, os.Remove(filepath.Join(root, "acme", storage.OverridesPath)))
	must(t, os.WriteFile(filepath.Join(root, "acme/portal.json"), []byte("{"), 0o600))
	if _, err := r.Portal(t.Context(), "acme"); err == nil || !strings.Contains(err.Error(), "acme/portal.json") {
		t.Errorf("a broken manifest: %v", err)
	}
}

func TestReaderWithoutDrive(t *testing.T) {
	marked, other, empty := t.TempDir(), t.TempDir(), t.TempDir()
	for root, id := range map[string]string{marked: someID, other: strings.Repeat("f", 32)} {
		must(t, os.WriteFile(filepath.Join(root, ".portal-storage"), []byte(id), 0o644))
	}
	for name, tt := range map[string]struct{ root, id, want string }{
		"an empty directory":  {empty, "", "not marked as a shared drive of portals"},
		"no directory":        {filepath.Join(empty, "none"), "", "cannot be opened"},
		"not the known drive": {empty, someID, "the drive is not mounted there"},
		"another drive":       {other, someID, "holds the shared drive ffff"},
		"any drive":           {marked, "", ""},
		"the right drive":     {marked, someID, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := openReader(t, tt.root)
			if tt.id == "" { // a reader that was told of no drive looks all the same
				_, err := r.Portal(t.Context(), "acme")
				checkDriveError(t, err, tt.root, tt.want)
			}
			id, err := r.Expect(t.Context(), tt.id)
			checkDriveError(t, err, tt.root, tt.want)
			if err == nil && id != someID {
				t.Errorf("id %q", id)
			}
			_, err = r.Portal(t.Context(), "acme")
			checkDriveError(t, err, tt.root, tt.want)
		})
	}
	if got := tree(t, empty); got != "drwxr-xr-x 0:0 .\n" {
		t.Errorf("a reader took a directory into use:\n%s", got)
	}
}

func checkDriveError(t *testing.T, err error, root, want string) {
	t.Helper()
	if want == "" {
		must(t, err)
		return
	}
	if !errors.Is(err, storage.ErrNotDrive) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), root) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// Many portals are read at once, and a large one holds up no other.
func TestReaderInParallel(t *testing.T) {
	root := t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, ".portal-storage"), []byte(someID), 0o644))
	portal := func(name string) (records string) {
		records = filepath.Join(root, name, "records")
		must(t, os.MkdirAll(records, 0o700))
		manifest := fmt.Appendf(nil, `{"version": 1, "portal": %q, "status": "complete"}`, name)
		must(t, os.WriteFile(filepath.Join(root, name, "portal.json"), manifest, 0o600))
		return records
	}
	const portals = 20
	for n := range portals {
		must(t, os.WriteFile(filepath.Join(portal(fmt.Sprintf("acme-%d", n)), "number.json"), fmt.Append(nil, n), 0o600))
	}
	const largeRecords = 8
	large := portal("large")
	for n := range largeRecords {
		file := filepath.Join(large, fmt.Sprintf("r%d.json", n))
		must(t, os.WriteFile(file, nil, 0o600))
		must(t, os.Truncate(file, 4<<20)) // sparse
	}
	r, _ := openReader(t, root)
	var slow, all sync.WaitGroup
	var slowEnd time.Time
	slow.Go(func() {
		if got, err := r.Portal(t.Context(), "large"); err != nil || len(got.Records) != largeRecords {
			t.Errorf("large: %d records, %v", len(got.Records), err)
		}
		slowEnd = time.Now()
	})
	ends := make([]time.Time, portals)
	for n := range portals {
		all.Go(func() {
			got, err := r.Portal(t.Context(), fmt.Sprintf("acme-%d", n))
			if err != nil || string(got.Records["number"]) != fmt.Sprint(n) {
				t.Errorf("acme-%d: %s, %v", n, got.Records, err)
			}
			ends[n] = time.Now()
		})
	}
	all.Wait()
	slow.Wait()
	waited := 0
	for _, end := range ends {
		if end.After(slowEnd) {
			waited++
		}
	}
	if waited > portals/2 {
		t.Errorf("%d of %d small portals waited for the large one", waited, portals)
	}
}

// A reader lives as long as it is heard of, and ends with its input.
func TestReaderLives(t *testing.T) {
	root := t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, ".portal-storage"), []byte(someID), 0o644))
	timing := calm
	timing.Idle = 500 * time.Millisecond
	a := startAgent(t, root, "", timing)
	reader := bufio.NewReader(a.conn)
	line, err := reader.ReadString('\n')
	if err != nil || line != wire.GreetingLine() {
		t.Fatalf("greeted with %q, %v", line, err)
	}
	client := rpc.NewClient(struct {
		io.Reader
		io.WriteCloser
	}{reader, a.conn})
	ticker := time.NewTicker(timing.Idle / 5)
	defer ticker.Stop()
	for begun := time.Now(); time.Since(begun) < 2*timing.Idle; <-ticker.C {
		must(t, client.Call(wire.ReaderService+".Ping", wire.None{}, &wire.None{}))
	}
	if err := a.ended(); err == nil || !strings.Contains(a.stderr.String(), "nothing was heard") {
		t.Errorf("left alone, it ended with %v: %s", err, a.stderr)
	}

	r, a := openReader(t, root)
	must(t, r.Close())
	must(t, r.Close())
	must(t, a.ended())

	r, a = openReader(t, root)
	a.kill(t)
	if _, err := r.Portal(t.Context(), "acme"); !errors.Is(err, storage.ErrLost) || !strings.Contains(err.Error(), `reading portal "acme" on host "dal-1"`) {
		t.Errorf("after its agent was killed: %v", err)
	}
}
