// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

func TestManifestLife(t *testing.T) {
	root := t.TempDir()
	s := locked(t, root, "acme")
	status := func(want storage.Status) storage.Manifest {
		t.Helper()
		m, err := s.Manifest(t.Context())
		must(t, err)
		if m.Status != want {
			t.Errorf("status %q, want %q", m.Status, want)
		}
		return m
	}
	status(storage.None)
	spec := stack.Spec{Name: "acme", Domain: "learn.acme.com", Images: map[string]string{"edxapp": "x:1"}}
	must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete, Spec: spec, StorageID: someID}))
	first := status(storage.Incomplete)
	if first.Spec.Domain != spec.Domain || first.Portal != "acme" || first.Version != 1 || first.Created.IsZero() || first.StorageID != someID {
		t.Errorf("it came back as %+v", first)
	}
	first.Status = storage.Complete
	first.Services = map[string]stack.Summary{"lms": {Image: "x:1", Replicas: 2, Digest: "d", Status: "running"}}
	must(t, s.SaveManifest(t.Context(), first))
	second := status(storage.Complete)
	if second.Services["lms"].Replicas != 2 || !second.Created.Equal(first.Created) {
		t.Errorf("it came back as %+v", second)
	}
	if info, err := os.Stat(filepath.Join(root, "acme/portal.json")); err != nil || info.Mode() != 0o600 {
		t.Errorf("portal.json: %v %v", info, err)
	}
	if err := s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Foreign}); err == nil {
		t.Error("a status that means no manifest was saved")
	}
	noTemps(t, root)
}

func TestManifestBroken(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"cut off":         {`{"version": 1, "portal": "ac`, "is not valid JSON"},
		"newer":           {`{"version": 2, "portal": "acme", "status": ["odd"]}`, "use the newer provider"},
		"another's":       {`{"version": 1, "portal": "other", "status": "complete"}`, `manifest of portal "other"`},
		"unknown status":  {`{"version": 1, "portal": "acme", "status": "odd"}`, `unknown status "odd"`},
		"without version": {`{"portal": "acme", "status": "complete"}`, "has no version"},
		"wrong type":      {`{"version": 1, "portal": "acme", "spec": 7}`, "is not a manifest"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s := locked(t, root, "acme")
			must(t, os.Mkdir(filepath.Join(root, "acme"), 0o755))
			must(t, os.WriteFile(filepath.Join(root, "acme/portal.json"), []byte(tt.text), 0o600))
			_, err := s.Manifest(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "acme/portal.json") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if got := read(t, root, "acme/portal.json"); got != tt.text {
				t.Errorf("it was changed to %q", got)
			}
		})
	}
}

// A directory that is not this portal's is never written, moved or removed.
func TestForeignDirectory(t *testing.T) {
	for name, setup := range map[string]func(*testing.T, string){
		"empty":      func(*testing.T, string) {},
		"with files": func(t *testing.T, d string) { must(t, os.WriteFile(filepath.Join(d, "x"), []byte("x"), 0o644)) },
		"of another portal": func(t *testing.T, d string) {
			must(t, os.WriteFile(filepath.Join(d, "portal.json"), []byte(`{"portal":"other"}`), 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s := locked(t, root, "acme")
			d := filepath.Join(root, "acme")
			must(t, os.Mkdir(d, 0o755))
			setup(t, d)
			before := tree(t, d)
			_, archiveErr := s.Archive(t.Context())
			_, recordErr := s.ReadRecord(t.Context(), "overrides")
			_, secretsErr := s.GeneratedSecrets(t.Context())
			for op, err := range map[string]error{
				"SaveManifest": s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Incomplete}),
				"Prepare":      s.Prepare(t.Context(), demoStack()),
				"Prune":        s.Prune(t.Context(), demoStack()),
				"WriteFile":    s.WriteFile(t.Context(), storage.OverridesPath, nil, storage.WriteOptions{IfHash: storage.Absent}),
				"Delete":       s.Delete(t.Context()),
				"Archive":      archiveErr,

				"ReadRecord":       recordErr,
				"WriteRecord":      s.WriteRecord(t.Context(), "overrides", []byte("{}")),
				"RemoveRecord":     s.RemoveRecord(t.Context(), "overrides"),
				"GeneratedSecrets": secretsErr,
				"WriteSecretFile":  s.WriteSecretFile(t.Context(), "token", []byte("x"), 0, 0),
				"RemoveSecretFile": s.RemoveSecretFile(t.Context(), "token"),
			} {
				if !errors.Is(err, storage.ErrForeign) || !strings.Contains(err.Error(), d) {
					t.Errorf("%s: %v", op, err)
				}
			}
			if after := tree(t, d); after != before {
				t.Errorf("it was changed:\n%s", after)
			}
		})
	}
}

func TestArchive(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	neighbour := incomplete(t, root, "acme-2")
	must(t, neighbour.Prepare(t.Context(), demoStack()))
	before := tree(t, filepath.Join(root, "acme-2"))
	var paths []string
	for range 2 { // twice within a second, too
		must(t, s.SaveManifest(t.Context(), storage.Manifest{Status: storage.Retained}))
		must(t, s.Prepare(t.Context(), demoStack()))
		want := read(t, root, "acme/secrets/cookie")
		path, err := s.Archive(t.Context())
		must(t, err)
		if !regexp.MustCompile(`^` + regexp.QuoteMeta(root) + `/\.archive/acme-\d{8}T\d{6}Z(-2)?$`).MatchString(path) {
			t.Errorf("archived to %s", path)
		}
		if got := read(t, path, "secrets/cookie"); got != want {
			t.Error("the archive holds another secret")
		}
		paths = append(paths, path)
	}
	if paths[0] == paths[1] {
		t.Error("one archive replaced the other")
	}
	if path, err := s.Archive(t.Context()); err != nil || path != "" {
		t.Errorf("nothing to archive: %q, %v", path, err)
	}
	if m, err := s.Manifest(t.Context()); err != nil || m.Status != storage.None {
		t.Errorf("after: %v, %v", m.Status, err)
	}
	if after := tree(t, filepath.Join(root, "acme-2")); after != before {
		t.Error("a neighbour was changed")
	}
}

func TestDelete(t *testing.T) {
	root := t.TempDir()
	v := newVictim(t, root)
	s := incomplete(t, root, "acme")
	must(t, s.Prepare(t.Context(), demoStack()))
	neighbour := incomplete(t, root, "acme-2")
	must(t, neighbour.Prepare(t.Context(), demoStack()))
	before := tree(t, filepath.Join(root, "acme-2"))
	// Links that a container left, also where a tree is expected.
	data := filepath.Join(root, "acme/data/static")
	must(t, os.Symlink(v.outside, filepath.Join(data, "absolute")))
	must(t, os.Symlink("../../../other", filepath.Join(data, "relative")))
	must(t, os.Symlink("/", filepath.Join(data, "root")))
	must(t, os.Mkdir(filepath.Join(data, "locked"), 0o000))
	must(t, os.WriteFile(filepath.Join(data, "locked/x"), nil, 0o000))
	// A delete that was cut off, and one of a portal with a longer name.
	must(t, os.MkdirAll(filepath.Join(root, ".deleting-acme-01234567/data"), 0o700))
	must(t, os.MkdirAll(filepath.Join(root, ".deleting-acme-2-01234567/data"), 0o700))

	must(t, s.Delete(t.Context()))
	must(t, s.Delete(t.Context())) // nothing left to do
	v.check(t)
	for path, want := range map[string]bool{
		"acme": false, ".deleting-acme-01234567": false, ".deleting-acme-2-01234567": true, "acme-2": true, "other/file": true,
	} {
		if _, err := os.Lstat(filepath.Join(root, path)); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if after := tree(t, filepath.Join(root, "acme-2")); after != before {
		t.Error("a neighbour was changed")
	}
}
