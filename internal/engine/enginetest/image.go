// SPDX-License-Identifier: MPL-2.0

// Package enginetest holds what tests of engines share: a tiny image, small
// stacks, and the contract that every engine must keep.
package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
)

// ImageName is the reference of the test image.
const ImageName = "portal-test/busybox:latest"

// Client returns a client of the Docker Engine that the environment names. A
// missing engine fails the test.
func Client(t testing.TB) *client.Client {
	t.Helper()
	c, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.Ping(context.Background()); err != nil {
		t.Fatalf("this test needs a Docker Engine: %v", err)
	}
	return c
}

var making sync.Mutex

// Image makes sure that the engine has the test image, BusyBox alone, and
// returns its reference. It needs no registry, but Debian's busybox-static.
func Image(t testing.TB) string {
	t.Helper()
	making.Lock()
	defer making.Unlock()
	c := Client(t)
	if _, err := c.ImageInspect(context.Background(), ImageName); err == nil {
		return ImageName
	}
	ImportImage(t, c, ImageName)
	return ImageName
}

// ImportImage makes a test image under ref. Changes are Dockerfile
// instructions; different ones make different images.
func ImportImage(t testing.TB, c *client.Client, ref string, changes ...string) {
	t.Helper()
	body, err := c.ImageImport(context.Background(), image.ImportSource{Source: rootfs(t), SourceName: "-"}, ref,
		image.ImportOptions{Changes: append([]string{`CMD ["sleep","infinity"]`}, changes...)})
	if err != nil {
		t.Fatalf("import the test image: %v", err)
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		t.Fatalf("import the test image: %v", err)
	}
}

// rootfs is a file system with BusyBox and a link to it for each command.
func rootfs(t testing.TB) io.Reader {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal("the test image is made of a static busybox: apt-get install busybox-static")
	}
	requireStatic(t, path)
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	applets, err := exec.Command(path, "--list").Output()
	if err != nil {
		t.Fatalf("%s --list: %v", path, err)
	}

	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(h tar.Header, content []byte) {
		h.Size = int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"bin/", "etc/", "data/"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}, nil)
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil)
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, program)
	for applet := range strings.FieldsSeq(string(applets)) {
		if applet != "busybox" {
			add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox", Mode: 0o777}, nil)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func requireStatic(t testing.TB, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Fatalf("%s is linked dynamically: apt-get install busybox-static", path)
		}
	}
}
