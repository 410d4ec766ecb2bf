// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/faultproxy"
)

// TestRemoteRunner works as a run in a remote workspace does: an empty home, no
// program but terraform itself, no socket of Docker, the host reached over TCP
// with certificates that are texts in the environment.
func TestRemoteRunner(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	pki := faultproxy.NewPKI(t)
	endpoint := faultproxy.New(t, socket).ListenTLS(t, pki.Server)
	home, path := t.TempDir(), t.TempDir()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(terraform, filepath.Join(path, "terraform")); err != nil {
		t.Fatal(err)
	}

	runner := b.tf.With(
		"HOME="+home, "PATH="+path, "DOCKER_HOST=unix:///none", "DOCKER_CONFIG=",
		"PORTAL_TLS_CA="+pki.CA, "PORTAL_TLS_CERT="+pki.Cert, "PORTAL_TLS_KEY="+pki.Key,
	)
	runner.Write(t, b.on(endpoint, ""))
	runner.Apply(t)
	b.has(t, whole...)
	if r := runner.Run(t, "plan", "-detailed-exitcode", "-input=false", "-no-color"); r.ExitCode != 0 {
		t.Errorf("the plan is not empty: exit code %d\n%s", r.ExitCode, r.Output)
	}
	if state := runner.State(t); strings.Contains(state, "PRIVATE KEY") {
		t.Error("the state holds the client's key")
	}
	runner.Destroy(t)
	b.has(t)

	// Without certificates, the error says what is missing.
	bare := b.tf.With("HOME="+home, "PATH="+path)
	says(t, bare.Fail(t), "Portal "+b.Name, `host "dal-1"`, endpoint, "The host wants TLS", "PORTAL_TLS_CERT")

	// The same by the environment alone.
	runner = runner.With("DOCKER_HOST="+endpoint, "PORTAL_STORAGE_PATH="+b.Storage)
	runner.Write(t, strings.Replace(b.Config(""), b.ProviderConfig(), fmt.Sprintln(`provider "portal" {}`), 1))
	if !acctest.Thorough {
		runner.Plan(t)
		return
	}
	runner.Apply(t)
	b.has(t, whole...)
	runner.Destroy(t)
	b.has(t)
}
