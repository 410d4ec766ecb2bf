// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// What a container may plant in its portal's directory must not lead the agent
// outside of it, nor to another of its files.
func TestPlantedLinks(t *testing.T) {
	tests := map[string]struct {
		at     string                // what is replaced, below the drive
		target func(v victim) string // by a link to this
	}{
		"the portal's directory, out of the drive":  {"acme", func(v victim) string { return v.outside }},
		"the portal's directory, to another portal": {"acme", func(victim) string { return "other" }},
		"portal.json":                 {"acme/portal.json", func(v victim) string { return v.file }},
		"data":                        {"acme/data", func(v victim) string { return v.outside }},
		"data, to another portal's":   {"acme/data", func(victim) string { return "../other" }},
		"a volume":                    {"acme/data/mysql", func(v victim) string { return v.outside }},
		"a volume, within the portal": {"acme/data/mysql", func(victim) string { return "../secrets" }},
		"config":                      {"acme/config", func(v victim) string { return v.outside }},
		"a config directory":          {"acme/config/aaaaaaaaaaaa", func(v victim) string { return v.outside }},
		"a config file":               {"acme/config/aaaaaaaaaaaa/nginx.conf", func(v victim) string { return v.file }},
		"a config file, to nothing":   {"acme/config/aaaaaaaaaaaa/nginx.conf", func(v victim) string { return v.outside + "/new" }},
		"secrets":                     {"acme/secrets", func(v victim) string { return v.outside }},
		"a secret":                    {"acme/secrets/cookie", func(v victim) string { return v.file }},
		"a secret, relative":          {"acme/secrets/cookie", func(victim) string { return "../../other/file" }},
		"overrides":                   {"acme/overrides", func(v victim) string { return v.outside }},
		"the overrides file":          {"acme/overrides/ansible_overrides.yml", func(v victim) string { return v.file }},
		"the overrides file, to a secret of this portal": {"acme/overrides/ansible_overrides.yml", func(victim) string { return "../secrets/cookie" }},
		"the link to the overrides":                      {"acme/ansible_overrides.yml", func(v victim) string { return v.file }},
		"the lock of the overrides":                      {"acme/overrides/.lock", func(v victim) string { return v.file }},
		"the lock of the overrides, to nothing":          {"acme/overrides/.lock", func(v victim) string { return v.outside + "/new" }},
		"records":                                        {"acme/records", func(v victim) string { return v.outside }},
		"records, to another portal's":                   {"acme/records", func(victim) string { return "../other" }},
		"a record":                                       {"acme/records/file.json", func(v victim) string { return v.file }},
		"the given secrets":                              {"acme/secrets/given", func(v victim) string { return v.outside }},
		"a given secret":                                 {"acme/secrets/given/file", func(v victim) string { return v.file }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			v := newVictim(t, root)
			s := incomplete(t, root, "acme")
			reader, _ := openReader(t, root)
			must(t, s.Prepare(t.Context(), demoStack()))
			_, hash, err := s.ReadFile(t.Context(), storage.OverridesPath)
			must(t, err)
			must(t, s.WriteRecord(t.Context(), "file", []byte("{}")))
			must(t, s.WriteSecretFile(t.Context(), "file", []byte("token"), 1000, 1000))
			secret := read(t, root, "acme/secrets/cookie")
			must(t, os.RemoveAll(filepath.Join(root, tt.at)))
			must(t, os.Symlink(tt.target(v), filepath.Join(root, tt.at)))

			// Some of these fail, as they should; none may reach the victims.
			ctx := within(t, 30*time.Second)
			st := demoStack()
			_ = s.Prepare(ctx, st)
			if data, _, err := s.ReadFile(ctx, storage.OverridesPath); err == nil && (strings.Contains(string(data), secret) || strings.Contains(string(data), "victim")) {
				t.Errorf("a session read %q", data)
			}
			if m, err := s.Manifest(ctx); err == nil && tt.at == "acme" && m.Status != storage.Foreign {
				t.Errorf("a link at the portal's directory has status %s", m.Status)
			}
			_ = s.WriteFile(ctx, storage.OverridesPath, []byte("overwritten"), storage.WriteOptions{IfHash: hash})
			_ = s.WriteFile(ctx, storage.OverridesPath, []byte("overwritten"), storage.WriteOptions{IfHash: storage.Absent})
			if data, err := s.ReadRecord(ctx, "file"); err == nil && strings.Contains(string(data), "victim") {
				t.Errorf("a session read the record %q", data)
			}
			if secrets, err := s.GeneratedSecrets(ctx); err == nil && strings.Contains(fmt.Sprint(secrets), "victim") {
				t.Errorf("a session read the secrets %q", secrets)
			}
			if found, err := reader.Portal(ctx, "acme"); err == nil &&
				(strings.Contains(fmt.Sprintf("%s %s", found.Overrides, found.Records), "victim") || strings.Contains(string(found.Overrides), secret)) {
				t.Errorf("a reader read %s %s", found.Overrides, found.Records)
			}
			_ = s.WriteRecord(ctx, "file", []byte("overwritten"))
			_ = s.WriteSecretFile(ctx, "file", []byte("overwritten"), 7, 7)
			_ = s.SaveManifest(ctx, storage.Manifest{Status: storage.Complete})
			clear(st.Files)
			_ = s.Prune(ctx, st)
			v.check(t)
			_ = s.RemoveRecord(ctx, "file")
			_ = s.RemoveSecretFile(ctx, "file")
			v.check(t)
			_ = s.Delete(ctx)
			v.check(t)
			if ctx.Err() != nil {
				t.Error("the agent hung")
			}
		})
	}
}

// victim is what links point at: files out of the drive, and another portal's.
type victim struct {
	root, outside, file string
	before              string
}

func newVictim(t *testing.T, root string) victim {
	t.Helper()
	v := victim{root: root, outside: t.TempDir()}
	v.file = filepath.Join(v.outside, "file")
	for _, d := range []string{v.outside, filepath.Join(root, "other")} {
		must(t, os.MkdirAll(filepath.Join(d, "dddddddddddd"), 0o750))
		for _, name := range []string{"file", "file.json"} {
			must(t, os.WriteFile(filepath.Join(d, name), []byte("victim"), 0o640))
		}
	}
	must(t, os.WriteFile(filepath.Join(root, ".portal-storage"), []byte(someID), 0o644))
	v.before = v.now(t)
	return v
}

func (v victim) now(t *testing.T) string {
	t.Helper()
	return tree(t, v.outside) + read(t, v.file) + read(t, v.outside, "file.json") +
		tree(t, filepath.Join(v.root, "other")) + read(t, v.root, "other/file") + read(t, v.root, "other/file.json")
}

func (v victim) check(t *testing.T) {
	t.Helper()
	if now := v.now(t); now != v.before {
		t.Errorf("a victim was reached:\n%s\nbefore:\n%s", now, v.before)
	}
}

// Pipes, sockets and devices must not hang the agent, nor be written to.
func TestPlantedSpecialFiles(t *testing.T) {
	for _, at := range []string{
		"portal.json", "overrides/ansible_overrides.yml", "secrets/cookie",
		"config/aaaaaaaaaaaa/nginx.conf", "config/aaaaaaaaaaaa", "data/mysql", "overrides",
		"overrides/.lock", "records", "records/file.json", "secrets/given", "secrets/given/file",
	} {
		for kind, make := range map[string]func(string) error{
			"pipe":   func(p string) error { return syscall.Mkfifo(p, 0o666) },
			"device": func(p string) error { return syscall.Mknod(p, syscall.S_IFCHR|0o666, 5<<8) }, // /dev/tty
		} {
			t.Run(at+" as a "+kind, func(t *testing.T) {
				root := t.TempDir()
				s := incomplete(t, root, "acme")
				must(t, s.Prepare(t.Context(), demoStack()))
				must(t, s.WriteRecord(t.Context(), "file", []byte("{}")))
				must(t, s.WriteSecretFile(t.Context(), "file", []byte("token"), 1000, 1000))
				path := filepath.Join(root, "acme", at)
				must(t, os.RemoveAll(path))
				must(t, make(path))

				ctx := within(t, 20*time.Second)
				var err error
				switch at {
				case "portal.json":
					_, err = s.Manifest(ctx)
				case "overrides/ansible_overrides.yml":
					_, _, err = s.ReadFile(ctx, storage.OverridesPath)
				case "overrides/.lock":
					err = s.WriteFile(ctx, storage.OverridesPath, nil, storage.WriteOptions{})
				case "records", "records/file.json":
					_, err = s.ReadRecord(ctx, "file")
				case "secrets/given", "secrets/given/file":
					err = s.WriteSecretFile(ctx, "file", nil, 0, 0)
				default:
					err = s.Prepare(ctx, demoStack())
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Fatal("the agent hung")
				}
				if !errors.Is(err, storage.ErrNotRegular) || !strings.Contains(err.Error(), path) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

func TestReadsAreBounded(t *testing.T) {
	root := t.TempDir()
	s := incomplete(t, root, "acme")
	must(t, s.Prepare(t.Context(), demoStack()))
	// Sparse: a container can claim any size at no cost.
	must(t, os.Truncate(filepath.Join(root, "acme", storage.OverridesPath), 1<<40))
	if _, _, err := s.ReadFile(t.Context(), storage.OverridesPath); err == nil || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("got %v", err)
	}
}
