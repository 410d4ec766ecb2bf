// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// caddyStorage is where the load balancer keeps its certificates.
const caddyStorage = "data/load-balancer/caddy"

// issue puts a certificate and its key where Caddy keeps them.
func issue(t *testing.T, root, issuer, host, text string) string {
	t.Helper()
	folder := filepath.Join(root, "acme", caddyStorage, "certificates", issuer, host)
	must(t, os.MkdirAll(folder, 0o700))
	for end, content := range map[string]string{".crt": text, ".key": "the key", ".json": "{}"} {
		must(t, os.WriteFile(filepath.Join(folder, host+end), []byte(content), 0o600))
	}
	return filepath.Join(folder, host+".crt")
}

func TestCertificatesAreRead(t *testing.T) {
	root := t.TempDir()
	incomplete(t, root, "acme")
	r, _ := openReader(t, root)
	none, err := r.Certificates(t.Context(), "acme", caddyStorage)
	if err != nil || len(none) != 0 {
		t.Errorf("before there are any: %q, %v", none, err)
	}

	old := issue(t, root, "acme-v02", "learn.acme.com", "old")
	must(t, os.Chtimes(old, time.Time{}, time.Now().Add(-time.Hour)))
	issue(t, root, "local", "learn.acme.com", "new")
	issue(t, root, "local", "wildcard_.acme.com", "wildcard")
	// It is being asked for: the key comes first.
	must(t, os.Remove(issue(t, root, "local", "studio.acme.com", "")))
	must(t, os.WriteFile(filepath.Join(root, "acme", caddyStorage, "certificates/lock"), nil, 0o600))
	got, err := r.Certificates(t.Context(), "acme", caddyStorage)
	must(t, err)
	texts := map[string]string{}
	for host, chain := range got {
		texts[host] = string(chain)
	}
	if want := map[string]string{"learn.acme.com": "new", "*.acme.com": "wildcard"}; !maps.Equal(texts, want) {
		t.Errorf("certificates are %q, want %q", texts, want)
	}

	for _, portal := range []string{"globex", "../acme", ""} {
		if got, err := r.Certificates(t.Context(), portal, caddyStorage); len(got) != 0 {
			t.Errorf("portal %q has %q, %v", portal, got, err)
		}
	}
}

// The load balancer writes there, so it may plant anything.
func TestPlantedCertificates(t *testing.T) {
	const folder = caddyStorage + "/certificates"
	file := folder + "/local/learn.acme.com/learn.acme.com.crt"
	link := func(target func(victim) string) func(v victim, path string) error {
		return func(v victim, path string) error { return os.Symlink(target(v), path) }
	}
	outside := link(func(v victim) string { return v.outside })
	for name, tt := range map[string]struct {
		at    string
		plant func(v victim, path string) error
	}{
		"a link at the data":            {"data/load-balancer", outside},
		"a link at the storage":         {folder, outside},
		"a link at an issuer":           {folder + "/local", outside},
		"a link at a host":              {filepath.Dir(file), outside},
		"a link at a certificate":       {file, link(func(v victim) string { return v.file })},
		"a link to a secret":            {file, link(func(victim) string { return "../../../../../../secrets/cookie" })},
		"a link to another portal":      {file, link(func(victim) string { return "../../../../../../../other/file" })},
		"a pipe":                        {file, func(_ victim, path string) error { return syscall.Mkfifo(path, 0o666) }},
		"a directory":                   {file, func(_ victim, path string) error { return os.Mkdir(path, 0o755) }},
		"a file without end":            {file, func(_ victim, path string) error { return endless(path) }},
		"a file in a directory's place": {folder + "/local", func(_ victim, path string) error { return os.WriteFile(path, nil, 0o600) }},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			v := newVictim(t, root)
			must(t, os.MkdirAll(filepath.Join(v.outside, "local/learn.acme.com"), 0o755))
			must(t, os.WriteFile(filepath.Join(v.outside, "local/learn.acme.com/learn.acme.com.crt"), []byte("victim"), 0o644))
			s := incomplete(t, root, "acme")
			must(t, s.Prepare(t.Context(), demoStack()))
			issue(t, root, "local", "learn.acme.com", "new")
			path := filepath.Join(root, "acme", tt.at)
			must(t, os.RemoveAll(path))
			must(t, tt.plant(v, path))
			r, _ := openReader(t, root)
			ctx := within(t, 20*time.Second)
			got, err := r.Certificates(ctx, "acme", caddyStorage)
			if ctx.Err() != nil {
				t.Fatal("the agent hung")
			}
			secret := read(t, root, "acme/secrets/cookie")
			for host, chain := range got {
				t.Errorf("read %.20q for %s (secret: %t), %v", chain, host, strings.Contains(string(chain), secret), err)
			}
		})
	}
}

func endless(path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, 1<<40)
}

// What is asked for is a folder of the portal's.
func TestFoldersOfCertificates(t *testing.T) {
	root := t.TempDir()
	v := newVictim(t, root)
	incomplete(t, root, "acme")
	r, _ := openReader(t, root)
	for _, folder := range []string{"..", "../other", "/", "", ".", v.outside} {
		if got, err := r.Certificates(t.Context(), "acme", folder); len(got) > 0 {
			t.Errorf("%q has %v, %v", folder, slices.Sorted(maps.Keys(got)), err)
		}
	}
}
