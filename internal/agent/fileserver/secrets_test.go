// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

func TestGeneratedSecrets(t *testing.T) {
	root := t.TempDir()
	s, a := checked(t, root, calm)
	get := func() map[string]string {
		t.Helper()
		got, err := s.GeneratedSecrets(t.Context())
		must(t, err)
		return got
	}
	if _, err := s.GeneratedSecrets(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a portal: %v", err)
	}
	must(t, s.Lock(t.Context(), holder("ann")))
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}))
	if got := get(); len(got) > 0 {
		t.Errorf("before anything is prepared: %q", got)
	}
	must(t, s.Prepare(t.Context(), demoStack()))
	must(t, s.WriteSecretFile(t.Context(), "token", []byte("t0k3n"), 0, 0))
	must(t, s.Unlock(t.Context())) // it needs no lock
	folder := filepath.Join(root, "acme/secrets")
	must(t, os.WriteFile(filepath.Join(folder, "by_hand"), []byte(" with space \r\n"), 0o400))
	want := map[string]string{
		"cookie": read(t, folder, "cookie"), "mysql_root": read(t, folder, "mysql_root"), "by_hand": " with space \r\n",
	}
	// None of these is a secret.
	must(t, os.WriteFile(filepath.Join(folder, ".tmp-0123456789abcdef"), []byte("half"), 0o400))
	must(t, os.Symlink("/etc/hostname", filepath.Join(folder, "link")))
	must(t, os.Symlink("cookie", filepath.Join(folder, "link2")))
	must(t, syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600))
	got := get()
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	must(t, s.Close())
	_ = a.ended()
	for name, value := range want {
		if strings.Contains(a.stderr.String(), value) {
			t.Errorf("the agent logged the secret %s", name)
		}
	}
}

func TestGivenSecrets(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	folder := filepath.Join(root, "acme/secrets/given")
	must(t, s.RemoveSecretFile(t.Context(), "token")) // nothing to do
	names := func() []string {
		t.Helper()
		got, err := s.GivenSecretNames(t.Context())
		must(t, err)
		return slices.Sorted(slices.Values(got))
	}
	if got := names(); len(got) > 0 {
		t.Errorf("before any was given: %q", got)
	}
	must(t, s.WriteSecretFile(t.Context(), "token", []byte("t0k3n"), 1000, 33))
	must(t, s.WriteSecretFile(t.Context(), "S3_key.txt", []byte("key\n"), 0, 0))
	if got := names(); !slices.Equal(got, []string{"S3_key.txt", "token"}) {
		t.Errorf("names are %q", got)
	}
	want := `drwx------ 0:0 .
-r-------- 0:0 S3_key.txt
-r-------- 1000:33 token
`
	if got := tree(t, folder); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := tree(t, filepath.Dir(folder)); !strings.HasPrefix(got, "drwx------ 0:0 .\n") {
		t.Errorf("secrets/ is %s", got)
	}

	// What is right is left alone, what is wrong is mended.
	before := inodes(t, folder)
	must(t, os.Chown(filepath.Join(folder, "token"), 7, 7))
	must(t, os.WriteFile(filepath.Join(folder, ".tmp-0123456789abcdef"), nil, 0o400))
	if got := names(); len(got) != 2 {
		t.Errorf("names are %q", got)
	}
	must(t, s.WriteSecretFile(t.Context(), "token", []byte("t0k3n"), 1000, 33))
	if got := tree(t, folder); got != want || inodes(t, folder)[filepath.Join(folder, "token")] != before[filepath.Join(folder, "token")] {
		t.Errorf("the same content again: %s", got)
	}
	must(t, s.WriteSecretFile(t.Context(), "token", []byte("t1k3n"), 1000, 33))
	if got := read(t, folder, "token"); got != "t1k3n" || tree(t, folder) != want {
		t.Errorf("another content: %q\n%s", got, tree(t, folder))
	}

	for _, name := range []string{"", ".", "..", "../cookie", "a/b", "/etc/passwd", ".tmp-0123456789abcdef", "a\x00", "a b"} {
		for op, err := range map[string]error{
			"write": s.WriteSecretFile(t.Context(), name, []byte("t0k3n"), 0, 0), "remove": s.RemoveSecretFile(t.Context(), name),
		} {
			if err == nil || !strings.Contains(err.Error(), "is no name for a secret") {
				t.Errorf("%s of %q: %v", op, name, err)
			}
		}
	}
	if err := s.WriteSecretFile(t.Context(), "big", make([]byte, 4<<20+1), 0, 0); err == nil || !strings.Contains(err.Error(), "at most 4 MiB") {
		t.Errorf("a secret too large: %v", err)
	}

	must(t, s.RemoveSecretFile(t.Context(), "token"))
	if got := tree(t, folder); got != "drwx------ 0:0 .\n-r-------- 0:0 S3_key.txt\n" {
		t.Errorf("after the removal:\n%s", got)
	}
}
