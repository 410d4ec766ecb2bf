// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

func TestRecords(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	portal := filepath.Join(root, "acme")
	want := func(name, text string) {
		t.Helper()
		if got, err := s.ReadRecord(t.Context(), name); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v; want %q", name, got, err, text)
		}
	}
	absent := func(name string) {
		t.Helper()
		if got, err := s.ReadRecord(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	absent("overrides")
	must(t, s.RemoveRecord(t.Context(), "overrides")) // nothing to do
	if _, err := os.Stat(filepath.Join(portal, "records")); err == nil {
		t.Error("a directory was made for nothing")
	}

	must(t, s.WriteRecord(t.Context(), "overrides", []byte(`{"a":1}`)))
	must(t, s.WriteRecord(t.Context(), "service.chat_2-b", nil))
	want("overrides", `{"a":1}`)
	want("service.chat_2-b", "")
	must(t, s.WriteRecord(t.Context(), "overrides", []byte(`{"a":2}`)))
	want("overrides", `{"a":2}`)
	wantTree := `drwx------ 0:0 .
-rw------- 0:0 overrides.json
-rw------- 0:0 service.chat_2-b.json
`
	if got := tree(t, filepath.Join(portal, "records")); got != wantTree {
		t.Errorf("got\n%swant\n%s", got, wantTree)
	}

	// The next write mends what somebody did to the directory, and clears up after
	// an agent that was killed.
	must(t, os.Chmod(filepath.Join(portal, "records"), 0o755)) //nolint:gosec // it is to be mended
	must(t, os.Chown(filepath.Join(portal, "records"), 7, 7))
	must(t, os.WriteFile(filepath.Join(portal, "records/.tmp-0123456789abcdef"), nil, 0o600))
	must(t, s.WriteRecord(t.Context(), "overrides", []byte(`{"a":2}`)))
	if got := tree(t, filepath.Join(portal, "records")); got != wantTree {
		t.Errorf("got\n%swant\n%s", got, wantTree)
	}

	must(t, s.RemoveRecord(t.Context(), "overrides"))
	must(t, s.RemoveRecord(t.Context(), "overrides"))
	absent("overrides")
	want("service.chat_2-b", "")
}

func TestRecordsRefuse(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	before := tree(t, root)
	for _, name := range []string{
		"", ".", "..", ".tmp-0123456789abcdef", "../portal", "a/b", "/etc/passwd", "Overrides", "a b", "a\x00", "é", "-a",
		strings.Repeat("a", 82),
	} {
		_, readErr := s.ReadRecord(t.Context(), name)
		for op, err := range map[string]error{
			"read": readErr, "write": s.WriteRecord(t.Context(), name, nil), "remove": s.RemoveRecord(t.Context(), name),
		} {
			if err == nil || !strings.Contains(err.Error(), "is no name for a record") {
				t.Errorf("%s of %q: %v", op, name, err)
			}
		}
	}
	if err := s.WriteRecord(t.Context(), "big", make([]byte, 4<<20+1)); err == nil || !strings.Contains(err.Error(), "acme/records/big.json would have 4194305 bytes") {
		t.Errorf("a record too large: %v", err)
	}
	if after := tree(t, root); after != before {
		t.Errorf("it became\n%s", after)
	}
	must(t, s.WriteRecord(t.Context(), strings.Repeat("a", 81), make([]byte, 4<<20)))

	unlocked, _ := checked(t, root, calm)
	for op, err := range map[string]error{
		"WriteRecord":      unlocked.WriteRecord(t.Context(), "x", nil),
		"RemoveRecord":     unlocked.RemoveRecord(t.Context(), "x"),
		"WriteSecretFile":  unlocked.WriteSecretFile(t.Context(), "x", nil, 0, 0),
		"RemoveSecretFile": unlocked.RemoveSecretFile(t.Context(), "x"),
	} {
		if !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("%s without the lock: %v", op, err)
		}
	}
}

// Records and the secrets that a user gave stay with the portal, through all that
// is done to it, until it is deleted.
func TestWhatIsKeptOfAPortal(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	st := demoStack()
	must(t, s.WriteRecord(t.Context(), "overrides", []byte("{}"))) // before anything is prepared
	must(t, s.WriteSecretFile(t.Context(), "token", []byte("t0k3n"), 1000, 1000))
	check := func(portal string) {
		t.Helper()
		if read(t, portal, "records/overrides.json") != "{}" || read(t, portal, "secrets/given/token") != "t0k3n" {
			t.Errorf("in %s they changed", portal)
		}
	}
	must(t, s.Prepare(t.Context(), st))
	clear(st.Files)
	must(t, s.Prune(t.Context(), st))
	check(filepath.Join(root, "acme"))
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Retained}))
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}))
	must(t, s.Prepare(t.Context(), demoStack()))
	check(filepath.Join(root, "acme"))
	archive, err := s.Archive(t.Context())
	must(t, err)
	check(archive)
	must(t, s.RemoveRecord(t.Context(), "overrides")) // without a portal there is none
	must(t, s.RemoveSecretFile(t.Context(), "token"))
	if err := s.WriteRecord(t.Context(), "overrides", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a record without a portal: %v", err)
	}
	if err := s.WriteSecretFile(t.Context(), "token", nil, 0, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secret without a portal: %v", err)
	}

	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}))
	must(t, s.WriteRecord(t.Context(), "overrides", []byte("{}")))
	must(t, s.Delete(t.Context()))
	if _, err := os.Lstat(filepath.Join(root, "acme")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Delete: %v", err)
	}
}

// An agent that is killed leaves the old record or the new one.
func TestKilledWhileWritingARecord(t *testing.T) {
	acctest.Long(t)
	root := t.TempDir()
	contents := [][]byte{bytes.Repeat([]byte("a"), 3<<20), bytes.Repeat([]byte("b"), 3<<20)}
	must(t, incomplete(t, root, "acme").Close())
	for round := range 5 {
		s, process := checked(t, root, hasty)
		must(t, s.Lock(within(t, time.Minute), holder("ann")))
		must(t, s.WriteRecord(t.Context(), "overrides", contents[0]))
		noTemps(t, root)
		killed := time.AfterFunc(time.Duration(rand.IntN(40))*time.Millisecond, func() { _ = process.Process.Kill() })
		for i := 1; s.WriteRecord(t.Context(), "overrides", contents[i%2]) == nil; i++ {
		}
		killed.Stop()
		_ = process.ended()
		got := []byte(read(t, root, "acme/records/overrides.json"))
		if !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
			t.Fatalf("round %d: %d bytes that nobody wrote as a whole", round, len(got))
		}
	}
}
