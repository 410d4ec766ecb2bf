// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// tree lists what is below root, a line each: type, mode, owner, path, target.
func tree(t *testing.T, root string) string {
	t.Helper()
	var out strings.Builder
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		rel, _ := filepath.Rel(root, path)
		fmt.Fprintf(&out, "%s %d:%d %s", info.Mode(), st.Uid, st.Gid, rel)
		if target, err := os.Readlink(path); err == nil {
			fmt.Fprintf(&out, " -> %s", target)
		}
		fmt.Fprintln(&out)
		return nil
	}))
	return out.String()
}

func TestPrepare(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	must(t, s.Prepare(t.Context(), demoStack()))

	portal := filepath.Join(root, "acme")
	want := `drwx--x--x 0:0 .
Lrwxrwxrwx 0:0 ansible_overrides.yml -> overrides/ansible_overrides.yml
drwx------ 1000:1000 backups
drwxr-xr-x 0:0 config
drwxr-xr-x 0:0 config/aaaaaaaaaaaa
-rw-r--r-- 0:0 config/aaaaaaaaaaaa/nginx.conf
drwxr-xr-x 0:0 config/bbbbbbbbbbbb
drwxr-xr-x 0:0 config/bbbbbbbbbbbb/scripts
drwxr-xr-x 0:0 config/bbbbbbbbbbbb/scripts/a
-rwxr-xr-x 0:0 config/bbbbbbbbbbbb/scripts/a/run.sh
drwx--x--x 0:0 data
drwx------ 999:999 data/mysql
drwxr-xr-x 1000:1000 data/static
drwxr-xr-x 0:0 ingress
drwx--x--x 0:0 leases
drwxrwx--- 1000:1000 overrides
-rw-rw---- 1000:1000 overrides/.lock
-rw-rw---- 1000:1000 overrides/ansible_overrides.yml
-rw------- 0:0 portal.json
drwx------ 0:0 secrets
drwx------ 0:0 secrets/cccccccccccc
-r-------- 1000:1000 secrets/cccccccccccc/edxapp.yml
-r-------- 999:999 secrets/cookie
-r-------- 999:999 secrets/mysql_root
`
	if got := tree(t, portal); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	root1, cookie := read(t, portal, "secrets/mysql_root"), read(t, portal, "secrets/cookie")
	if !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).MatchString(root1) || !regexp.MustCompile(`^[A-Za-z0-9]{20}$`).MatchString(cookie) {
		t.Errorf("secrets %q and %q", root1, cookie)
	}
	filled := fmt.Sprintf("A: %s\nB: %s\nC: [[ -n x ]]\n", root1, cookie)
	if got := read(t, portal, "secrets/cccccccccccc/edxapp.yml"); got != filled {
		t.Errorf("the template became %q, want %q", got, filled)
	}
	if got := read(t, portal, "config/aaaaaaaaaaaa/nginx.conf"); got != "if [[ -f x ]]; then {{ jinja }}" {
		t.Errorf("a plain file became %q", got)
	}
	if got := read(t, portal, "ansible_overrides.yml"); !strings.HasPrefix(got, "---\n") || !strings.HasSuffix(got, "\n{}\n") {
		t.Errorf("first overrides: %q", got)
	}
}

// inodes tells whether files were rewritten.
func inodes(t *testing.T, root string) map[string]uint64 {
	t.Helper()
	found := map[string]uint64{}
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		found[path] = info.Sys().(*syscall.Stat_t).Ino
		return nil
	}))
	return found
}

func TestPrepareAgainMendsOnlyWhatIsWrong(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	st := demoStack()
	must(t, s.Prepare(t.Context(), st))
	portal := filepath.Join(root, "acme")
	before := inodes(t, portal)
	secret := read(t, portal, "secrets/cookie")

	must(t, s.Prepare(t.Context(), st))
	for path, inode := range inodes(t, portal) {
		if before[path] != inode {
			t.Errorf("%s was rewritten", path)
		}
	}

	// What a database keeps below its directory is its own, also its mode.
	must(t, os.Chmod(filepath.Join(portal, "data/mysql"), 0o750))
	must(t, os.Chown(filepath.Join(portal, "data/mysql"), 5, 5))
	must(t, os.WriteFile(filepath.Join(portal, "data/mysql/ibdata1"), []byte("rows"), 0o600))
	must(t, os.WriteFile(filepath.Join(portal, "overrides/ansible_overrides.yml"), []byte("EDXAPP_X: 1\n"), 0o660))
	must(t, os.WriteFile(filepath.Join(portal, "config/aaaaaaaaaaaa/nginx.conf"), []byte("tampered"), 0o600))
	must(t, os.Chown(filepath.Join(portal, "secrets/cookie"), 7, 7))
	must(t, os.Chmod(filepath.Join(portal, "secrets/cookie"), 0o444))
	must(t, os.WriteFile(filepath.Join(portal, "secrets/mysql_root"), []byte("by hand\n"), 0o400))
	must(t, os.WriteFile(filepath.Join(portal, "config/.tmp-0123456789abcdef"), []byte("killed here"), 0o600))
	st.Directories["data/postgres"] = stack.Directory{Mode: 0o755} // no owner asked for
	must(t, s.Prepare(t.Context(), st))
	must(t, os.Chown(filepath.Join(portal, "data/postgres"), 70, 70)) // as its image does
	must(t, s.Prepare(t.Context(), st))

	got := tree(t, portal)
	for _, line := range []string{
		"drwxr-x--- 999:999 data/mysql\n", "-rw------- 0:0 data/mysql/ibdata1\n", "drwxr-xr-x 70:70 data/postgres\n",
		"-r-------- 999:999 secrets/cookie\n", "-rw-r--r-- 0:0 config/aaaaaaaaaaaa/nginx.conf\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
	if got := read(t, portal, "config/aaaaaaaaaaaa/nginx.conf"); !strings.HasPrefix(got, "if [[") {
		t.Errorf("a changed file was not mended: %q", got)
	}
	if got := read(t, portal, "secrets/cccccccccccc/edxapp.yml"); !strings.HasPrefix(got, "A: by hand\nB: ") {
		t.Errorf("a secret set by hand was not filled in: %q", got)
	}
	if got := read(t, portal, "secrets/cookie"); got != secret {
		t.Error("a secret was replaced")
	}
	if got := read(t, portal, "overrides/ansible_overrides.yml"); got != "EDXAPP_X: 1\n" {
		t.Errorf("the overrides were replaced: %q", got)
	}
	noTemps(t, root)
}

func TestPrepareRefuses(t *testing.T) {
	files := func(path string, f stack.File) *stack.Stack {
		return &stack.Stack{Files: map[string]stack.File{path: f}}
	}
	directory := func(path string) *stack.Stack {
		return &stack.Stack{Directories: map[string]stack.Directory{path: {Mode: 0o755}}}
	}
	tests := map[string]struct {
		stack *stack.Stack
		want  string
	}{
		"a file out of the portal":      {files("config/aaaaaaaaaaaa/../../../../x", stack.File{}), "is not below one of"},
		"an absolute file":              {files("/etc/passwd", stack.File{}), "is not below one of"},
		"a file in data":                {files("data/aaaaaaaaaaaa/x", stack.File{}), "is not below one of"},
		"a file without a hash":         {files("config/nginx.conf", stack.File{}), "is not of the form"},
		"a directory out of the portal": {directory("data/../../other"), "is not below one of"},
		"a directory elsewhere":         {directory("var/lib"), "is not below one of"},
		"an unknown secret": {
			files("secrets/aaaaaaaaaaaa/x", stack.File{Template: true, Content: []byte(`[[ secret "nope" ]]`)}),
			`secret "nope", which the blueprint does not declare`,
		},
		"a secret in config":                    {files("config/aaaaaaaaaaaa/x", stack.File{Template: true, Content: []byte(`[[ secret "nope" ]]`)}), "belongs below secrets/"},
		"a secret with a path":                  {&stack.Stack{Secrets: map[string]stack.Secret{"../x": {}}}, "is no name for a secret"},
		"a secret in the way of the given ones": {&stack.Stack{Secrets: map[string]stack.Secret{"given": {}}}, `cannot have the name "given"`},
		"a secret too long":                     {&stack.Stack{Secrets: map[string]stack.Secret{"x": {Length: 1 << 30}}}, "is not possible"},
	}
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := s.Prepare(t.Context(), tt.stack); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	must(t, os.WriteFile(filepath.Join(root, "acme/secrets/empty"), nil, 0o400))
	st := &stack.Stack{Secrets: map[string]stack.Secret{"empty": {}}}
	if err := s.Prepare(t.Context(), st); err == nil || !strings.Contains(err.Error(), "secrets/empty is empty") {
		t.Errorf("an empty secret: %v", err)
	}
}

func TestPrune(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	st := demoStack()
	must(t, s.Prepare(t.Context(), st))
	portal := filepath.Join(root, "acme")
	must(t, os.WriteFile(filepath.Join(portal, "config/README"), []byte("a person's"), 0o644))

	must(t, s.Prune(t.Context(), st))
	if got := tree(t, portal); !strings.Contains(got, "config/bbbbbbbbbbbb/scripts/a/run.sh") || !strings.Contains(got, "secrets/cccccccccccc/edxapp.yml") {
		t.Fatalf("it removed what is needed:\n%s", got)
	}
	delete(st.Files, "config/bbbbbbbbbbbb/scripts/a/run.sh")
	delete(st.Files, "secrets/cccccccccccc/edxapp.yml")
	must(t, s.Prune(t.Context(), st))
	got := tree(t, portal)
	for _, gone := range []string{"bbbbbbbbbbbb", "cccccccccccc"} {
		if strings.Contains(got, gone) {
			t.Errorf("%s is still there", gone)
		}
	}
	for _, kept := range []string{"config/aaaaaaaaaaaa/nginx.conf", "secrets/cookie", "config/README"} {
		if !strings.Contains(got, kept) {
			t.Errorf("%s is gone", kept)
		}
	}
}

// tap records what crosses the pipe.
type tap struct {
	io.ReadWriteCloser
	mu   sync.Mutex
	seen bytes.Buffer
}

func (p *tap) Read(b []byte) (int, error) {
	n, err := p.ReadWriteCloser.Read(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.Write(b[:n])
	return n, err
}

func (p *tap) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// The values of secrets stay on the drive.
func TestSecretsDoNotCrossThePipe(t *testing.T) {
	root := t.TempDir()
	a := startAgent(t, root, "acme", calm)
	seen := &tap{ReadWriteCloser: a.conn}
	s, err := storage.Open(t.Context(), seen, "acme", "dal-1")
	must(t, err)
	_, err = s.Drive(t.Context(), storage.DriveCheck{})
	must(t, err)
	must(t, s.Lock(t.Context(), holder("ann")))
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}))
	st := demoStack()
	must(t, s.Prepare(t.Context(), st))
	_, err = s.Manifest(t.Context())
	must(t, err)
	for _, path := range []string{"secrets/cookie", "overrides/../secrets/cookie", "secrets/cccccccccccc/edxapp.yml"} {
		if _, _, err := s.ReadFile(t.Context(), path); err == nil {
			t.Errorf("a session read %s", path)
		}
	}
	must(t, s.Close())
	_ = a.ended()
	for name := range st.Secrets {
		value := read(t, root, "acme/secrets", name)
		if strings.Contains(seen.String(), value) || strings.Contains(a.stderr.String(), value) {
			t.Errorf("the secret %s left the agent", name)
		}
	}
}
