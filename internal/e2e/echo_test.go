// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// echo is what a page of the website in testdata/echo tells.
type echo struct {
	Portal, Container string
	Method, Host, URI string
	Peer              string
	Headers           http.Header
	Body              int64
}

// told reads an answer of the website.
func told(t *testing.T, a answer) echo {
	t.Helper()
	var e echo
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != http.StatusOK {
		t.Fatalf("not an answer of the site: %d %q", a.status, a.body)
	}
	return e
}

var echoing struct {
	once sync.Once
	ref  string
	err  error
}

// echoImage makes the image of the website unless it is there, and names it.
func echoImage(t *testing.T) string {
	t.Helper()
	echoing.once.Do(func() { echoing.ref, echoing.err = makeEchoImage(t) })
	if echoing.err != nil {
		t.Fatal(echoing.err)
	}
	return echoing.ref
}

func makeEchoImage(t *testing.T) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "echo")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./testdata/echo")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("%s", out)
		return "", err
	}
	program, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(program)
	ref := "portal-test/echo:" + hex.EncodeToString(sum[:6])
	docker := enginetest.Client(t)
	if _, err := docker.ImageInspect(context.Background(), ref); err == nil {
		return ref, nil
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeReg, Name: "echo", Mode: 0o755, Size: int64(len(program))},
	} {
		if err := w.WriteHeader(&h); err != nil {
			return "", err
		}
	}
	if _, err := w.Write(program); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	body, err := docker.ImageImport(context.Background(), image.ImportSource{Source: &root, SourceName: "-"}, ref,
		image.ImportOptions{Changes: []string{`ENTRYPOINT ["/echo"]`}})
	if err != nil {
		return "", err
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, body)
	return ref, err
}
