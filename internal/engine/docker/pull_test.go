// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// registry is an image registry with one small image, tiny:1, for the user ci
// with the password s3cret. Docker trusts registries on 127.0.0.1 without TLS.
type registry struct {
	host      string
	blobs     map[string][]byte
	manifest  []byte
	manifests atomic.Int32 // how often the manifest was asked for
}

const manifestType = "application/vnd.docker.distribution.manifest.v2+json"

func newRegistry(t *testing.T) *registry {
	t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "data/", Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Cmd":["/none"]},"rootfs":{"type":"layers","diff_ids":[%q]}}`, digestOf(layer.Bytes()))
	r := &registry{blobs: map[string][]byte{digestOf(config): config, digestOf(layer.Bytes()): layer.Bytes()}}
	descriptor := func(kind string, b []byte) map[string]any {
		return map[string]any{"mediaType": kind, "size": len(b), "digest": digestOf(b)}
	}
	r.manifest, _ = json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": descriptor("application/vnd.docker.container.image.v1+json", config),
		"layers": []any{descriptor("application/vnd.docker.image.rootfs.diff.tar", layer.Bytes())},
	})
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.host = strings.TrimPrefix(s.URL, "http://")
	return r
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	user, password, _ := req.BasicAuth()
	if user != "ci" || password != "s3cret" {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		return
	}
	_, digest, _ := strings.Cut(req.URL.Path, "/blobs/")
	switch blob, ok := r.blobs[digest]; {
	case req.URL.Path == "/v2/":
		_, _ = w.Write([]byte("{}"))
	case req.URL.Path == "/v2/tiny/manifests/1", req.URL.Path == "/v2/tiny/manifests/"+digestOf(r.manifest):
		if req.Method == http.MethodGet {
			r.manifests.Add(1)
		}
		w.Header().Set("Content-Type", manifestType)
		w.Header().Set("Docker-Content-Digest", digestOf(r.manifest))
		_, _ = w.Write(r.manifest)
	case ok:
		_, _ = w.Write(blob)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`))
	}
}

// TestEnsureImage pulls from a registry that wants credentials.
func TestEnsureImage(t *testing.T) {
	r := newRegistry(t)
	image := r.host + "/tiny:1"
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "-f", image).Run() })

	ensure := func(t *testing.T, auth *pool.RegistryAuth, image string) error {
		t.Helper()
		cfg := pool.Config{}
		if auth != nil {
			cfg.Registries = map[string]pool.RegistryAuth{r.host: *auth}
		}
		e := openPool(t, cfg, docker.Options{})
		defer e.Close()
		st := enginetest.NewStack(t)
		op := &stack.Operation{ID: "image", Kind: stack.EnsureImage, Service: "web", Target: image}
		// At the same time, as an executor does for services that share an image.
		errs := make(chan error, 5)
		for range cap(errs) {
			go func() { errs <- e.Run(enginetest.Context(t), st, op) }()
		}
		var err error
		for range cap(errs) {
			err = <-errs
		}
		return err
	}
	good := &pool.RegistryAuth{Username: "ci", Password: "s3cret"}
	t.Run("no credentials", func(t *testing.T) {
		wantText(t, ensure(t, nil, image), image, "refused the pull", fmt.Sprintf("registries[%q]", r.host))
	})
	t.Run("wrong password", func(t *testing.T) {
		err := ensure(t, &pool.RegistryAuth{Username: "ci", Password: "wrong-pass"}, image)
		wantText(t, err, image, "refused the pull")
		if strings.Contains(err.Error(), "wrong-pass") {
			t.Error("the error shows the password")
		}
	})
	t.Run("no such tag", func(t *testing.T) {
		wantText(t, ensure(t, good, r.host+"/tiny:2"), "does not have "+r.host+"/tiny:2", "load or build")
	})
	t.Run("nobody there", func(t *testing.T) {
		wantText(t, ensure(t, nil, "127.0.0.1:1/tiny:1"), "cannot reach the registry 127.0.0.1:1", "load or build")
	})
	t.Run("pulled once", func(t *testing.T) {
		if err := ensure(t, good, image); err != nil {
			t.Fatal(err)
		}
		if _, err := enginetest.Client(t).ImageInspect(context.Background(), image); err != nil {
			t.Error(err)
		}
		asked := r.manifests.Load()
		if err := ensure(t, good, image); err != nil || r.manifests.Load() != asked {
			t.Errorf("an image that is there was pulled again (%d, then %d), %v", asked, r.manifests.Load(), err)
		}
	})
}
