// SPDX-License-Identifier: MPL-2.0

package agent_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
)

// build makes a small program and returns its path.
func build(t *testing.T, source string, env ...string) string {
	t.Helper()
	d := t.TempDir()
	for name, text := range map[string]string{"main.go": source, "go.mod": "module tiny\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(d, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-o", "tiny", ".")
	cmd.Dir = d
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building a test program: %v\n%s", err, out)
	}
	return filepath.Join(d, "tiny")
}

const (
	empty = "package main\n\nfunc main() {}\n"
	// withC is linked dynamically.
	withC = "package main\n\n// #include <stdlib.h>\nimport \"C\"\n\nfunc main() { C.abs(1) }\n"
)

func TestBinaryInfo(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		path := build(t, empty, "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		got, err := agent.BinaryInfo(path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		want := agent.Binary{OS: "linux", Arch: arch, Static: true, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestUnfitBinaries(t *testing.T) {
	dynamic := build(t, withC, "CGO_ENABLED=1")
	if info, err := agent.BinaryInfo(dynamic); err != nil || info.Static || info.Arch != runtime.GOARCH {
		t.Errorf("a dynamic program: %+v, %v", info, err)
	}
	if _, err := agent.ImageTar(dynamic); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("an image of a dynamic program: %v", err)
	}
	darwin := build(t, empty, "CGO_ENABLED=0", "GOOS=darwin", "GOARCH=arm64")
	if _, err := agent.ImageTar(darwin); !errors.Is(err, agent.ErrNotLinux) || !strings.Contains(err.Error(), darwin) {
		t.Errorf("a program for macOS: %v", err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	if _, err := agent.ImageTar(missing); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("no program: %v", err)
	}
}

func TestImageTar(t *testing.T) {
	path := build(t, empty, "CGO_ENABLED=0", "GOOS=linux")
	image := func() []byte {
		stream, err := agent.ImageTar(path)
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		data, err := io.ReadAll(stream)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first := image()
	if !bytes.Equal(first, image()) {
		t.Error("the same program gave two images")
	}
	modes := map[string]int64{}
	archive := tar.NewReader(bytes.NewReader(first))
	for {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[entry.Name] = entry.Mode
		if "/"+entry.Name != agent.Entrypoint {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		program, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(content, program) {
			t.Errorf("the image holds another program (%d bytes, %v)", len(content), err)
		}
	}
	want := map[string]int64{"tmp/": 0o1777, "storage/": 0o755, "terraform-provider-portal": 0o755}
	for name, mode := range want {
		if modes[name] != mode {
			t.Errorf("%s has mode %o, want %o", name, modes[name], mode)
		}
	}
	if len(modes) != len(want) {
		t.Errorf("the image holds %v", modes)
	}
}

// A stream that is given up must not keep the program open, nor a goroutine.
func TestImageTarGivenUp(t *testing.T) {
	path := build(t, empty, "CGO_ENABLED=0", "GOOS=linux")
	stream, err := agent.ImageTar(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stream, make([]byte, 600)); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Read(make([]byte, 1)); err == nil {
		t.Error("a closed stream goes on")
	}
}

func TestMainUsage(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want int
	}{
		"no command":               {nil, 2},
		"unknown command":          {[]string{"nope"}, 2},
		"help":                     {[]string{"files", "--help"}, 2},
		"no root":                  {[]string{"files", "--portal", "acme"}, 1},
		"no portal":                {[]string{"files", "--root", t.TempDir()}, 1},
		"a portal to be read only": {[]string{"files", "--root", t.TempDir(), "--portal", "acme", "--read-only"}, 1},
		"a bad name":               {[]string{"files", "--root", t.TempDir(), "--portal", "../x"}, 1},
		"help on schedules":        {[]string{"schedule", "--help"}, 2},
		"no host":                  {[]string{"schedule", "--root", t.TempDir()}, 1},
		"no run at all":            {[]string{"schedule", "--root", t.TempDir(), "--host", "dal-1", "--limit", "0"}, 1},
		"nothing to tell":          {[]string{"schedule", "--health"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			old := os.Stdout
			defer func() { os.Stdout = old }()
			if got := agent.Main(tt.args); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
}
