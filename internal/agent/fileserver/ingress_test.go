// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

const (
	ingressConfig = "config.json"
	ingressKey    = "certificate-main-0123456789ab.key"
	ingressChain  = "certificate-main-0123456789ab.pem"
)

// entrance opens a session on a portal that has a load balancer.
func entrance(t *testing.T, root string) *storage.Session {
	t.Helper()
	s := incomplete(t, root, "acme")
	st := demoStack()
	st.Directories[stack.IngressFolder] = stack.Directory{Mode: 0o755}
	must(t, s.Prepare(t.Context(), st))
	return s
}

// pair is a certificate with its key, which is given or must be there.
func pair(key string) storage.IngressFiles {
	f := storage.IngressFiles{
		Public: map[string][]byte{ingressChain: []byte("the chain")}, Private: []string{ingressKey}, UID: 1000, GID: 1001,
	}
	if key != "" {
		f.Contents = map[string][]byte{ingressKey: []byte(key)}
	}
	return f
}

func TestIngressFiles(t *testing.T) {
	root := t.TempDir()
	s := entrance(t, root)
	folder := filepath.Join(root, "acme", stack.IngressFolder)
	if err := s.WriteIngressFiles(t.Context(), pair("")); err == nil || !strings.Contains(err.Error(), ingressKey) || !strings.Contains(err.Error(), "was not given") {
		t.Errorf("without the key: %v", err)
	}
	must(t, s.WriteIngressFiles(t.Context(), pair("the key")))
	must(t, s.WriteIngressFiles(t.Context(), pair(""))) // it is there
	must(t, s.WriteIngress(t.Context(), map[string][]byte{ingressConfig: []byte("{}")}))
	for name, want := range map[string]struct {
		text     string
		mode     os.FileMode
		uid, gid uint32
	}{
		ingressKey:    {"the key", 0o400, 1000, 1001},
		ingressChain:  {"the chain", 0o444, 0, 0},
		ingressConfig: {"{}", 0o444, 0, 0},
	} {
		info, err := os.Stat(filepath.Join(folder, name))
		must(t, err)
		owner := info.Sys().(*syscall.Stat_t)
		if info.Mode().Perm() != want.mode || owner.Uid != want.uid || owner.Gid != want.gid || read(t, folder, name) != want.text {
			t.Errorf("%s is %v of %d:%d", name, info.Mode(), owner.Uid, owner.Gid)
		}
	}

	// A configuration is replaced, and what it names no more goes.
	must(t, s.WriteIngress(t.Context(), map[string][]byte{ingressConfig: []byte("[]"), "gateway-dal-1.json": []byte("{}")}))
	must(t, s.PruneIngress(t.Context(), storage.IngressFiles{}, ingressConfig))
	if left := names(t, folder); !slices.Equal(left, []string{ingressConfig}) || read(t, folder, ingressConfig) != "[]" {
		t.Errorf("left are %v", left)
	}
	noTemps(t, root)
}

func TestNamesOfIngressFiles(t *testing.T) {
	root := t.TempDir()
	s := entrance(t, root)
	before := tree(t, root)
	for _, name := range []string{"", ".", "..", "../secrets/cookie", "a/b", ".hidden"} {
		if err := s.WriteIngress(t.Context(), map[string][]byte{name: []byte("x")}); err == nil {
			t.Errorf("a configuration was written as %q", name)
		}
		f := storage.IngressFiles{Private: []string{name}, Contents: map[string][]byte{name: []byte("x")}}
		if err := s.WriteIngressFiles(t.Context(), f); err == nil {
			t.Errorf("a key was written as %q", name)
		}
	}
	if now := tree(t, root); now != before {
		t.Errorf("something was written:\n%s\nbefore:\n%s", now, before)
	}
}

// Links in the place of what the load balancer reads lead nowhere.
func TestPlantedLinksOfTheIngress(t *testing.T) {
	for name, tt := range map[string]struct {
		at     string
		target func(victim) string
	}{
		"the folder":                    {"ingress", func(v victim) string { return v.outside }},
		"the folder, to another portal": {"ingress", func(victim) string { return "../other" }},
		"the configuration":             {"ingress/file.json", func(v victim) string { return v.file }},
		"a key":                         {"ingress/file", func(v victim) string { return v.file }},
		"a key, to another portal's":    {"ingress/file", func(victim) string { return "../../other/file" }},
		"a key, to nothing":             {"ingress/file", func(v victim) string { return v.outside + "/new" }},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			v := newVictim(t, root)
			s := entrance(t, root)
			must(t, s.WriteIngress(t.Context(), map[string][]byte{"file.json": []byte("{}")}))
			path := filepath.Join(root, "acme", tt.at)
			must(t, os.RemoveAll(path))
			must(t, os.Symlink(tt.target(v), path))
			key := storage.IngressFiles{Private: []string{"file"}, Contents: map[string][]byte{"file": []byte("key")}, UID: 7, GID: 7}
			_ = s.WriteIngress(t.Context(), map[string][]byte{"file.json": []byte("overwritten")})
			_ = s.WriteIngressFiles(t.Context(), key)
			_ = s.PruneIngress(t.Context(), storage.IngressFiles{})
			v.check(t)
		})
	}
	t.Run("a key that is not given", func(t *testing.T) {
		root := t.TempDir()
		v := newVictim(t, root)
		s := entrance(t, root)
		must(t, os.Symlink(v.file, filepath.Join(root, "acme/ingress", ingressKey)))
		if err := s.WriteIngressFiles(t.Context(), pair("")); err == nil {
			t.Error("a link is taken for a key")
		}
		v.check(t)
	})
}

// names of what a directory holds.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
