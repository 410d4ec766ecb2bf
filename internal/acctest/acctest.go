// SPDX-License-Identifier: MPL-2.0

// Package acctest holds what acceptance tests share: the provider in the test's
// own process, a small portal under a name that nobody else has, and a second
// Docker Engine to restart and kill. Everything runs on a real engine; a
// missing one fails the test.
package acctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/provider"
	"github.com/privateportals/terraform-provider-portal/internal/provider/action/actiontest"
)

// ProviderFactories serves the provider to Terraform.
func ProviderFactories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"portal": providerserver.NewProtocol6WithError(provider.New("test")()),
	}
}

// Main runs a package's tests and removes what they built. Call it from
// TestMain.
func Main(m *testing.M) int {
	defer func() {
		if binary.dir != "" {
			os.RemoveAll(binary.dir)
		}
	}()
	return m.Run()
}

// PreCheck makes sure of what acceptance tests need: a Docker Engine, the test
// image on it, and the provider's binary for the agent.
func PreCheck(t *testing.T) {
	t.Helper()
	enginetest.Image(t)
	Binary(t)
}

// binary is the provider, built once per test process. The agent is made from
// it, as the running executable is the test.
var binary struct {
	once sync.Once
	dir  string
	err  error
}

// Binary builds the provider and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	binary.once.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "portal-acctest-"); binary.err != nil { //nolint:usetesting // all tests of the process share it
			return
		}
		path := filepath.Join(binary.dir, "terraform-provider-portal")
		if binary.err = build(path); binary.err == nil {
			binary.err = os.Setenv("PORTAL_AGENT_BINARY", path) //nolint:usetesting // all tests of the process share it
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return filepath.Join(binary.dir, "terraform-provider-portal")
}

func build(path string) error {
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, ".")
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the provider for the agent: %w\n%s", err, out)
	}
	return nil
}

// Actions are the provider's, configured with what is given of its block, for tests
// that invoke them without a Terraform that can.
func Actions(t *testing.T, given map[string]any) actiontest.Server {
	t.Helper()
	return actiontest.Serve(t, providerserver.NewProtocol6(provider.New("test")())(), given)
}
