// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/faultproxy"
)

// socket is the engine's that faults and delays are put before.
const socket = "/var/run/docker.sock"

// on is the bed's configuration with the engine at another endpoint.
func (b *bed) on(endpoint, more string) string {
	return strings.Replace(b.Config(more), "storage = ", fmt.Sprintf("hosts = { dal-1 = { endpoint = %q } }\n  storage = ", endpoint), 1)
}

// TestWrongAtPlanTime plans what can be told to be wrong from the
// configuration alone: the host is not even there.
func TestWrongAtPlanTime(t *testing.T) {
	acctest.PreCheck(t)
	const head = `
provider "portal" {
  hosts = { dal-1 = { endpoint = "unix:///var/run/none.sock" } }
}
resource "portal" "acme" {
  domain = "learn.acme.com"
`
	const edxapp = `images = { edxapp = "portal-test/edxapp:1", forum = "portal-test/forum:1" }`
	for name, tc := range map[string]struct {
		config string
		says   []string
	}{
		"name invalid":            {`name = "Acme_1"` + "\n" + edxapp, []string{"Acme_1", "name", "lower-case letters"}},
		"unknown service tuned":   {`name = "acme"` + "\n" + edxapp + "\n" + `services = { lmss = { replicas = 2 } }`, []string{"lmss", "lms"}},
		"unknown add-on":          {`name = "acme"` + "\n" + edxapp + "\n" + `addons = ["gladys"]`, []string{"gladys", "glados"}},
		"add-on without an image": {`name = "acme"` + "\n" + edxapp + "\n" + `addons = ["glados"]`, []string{"glados", "images"}},
		"no image":                {`name = "acme"`, []string{"edxapp", "images"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tf := acctest.NewTerraform(t, head+tc.config+"\n}\n")
			r := tf.Run(t, "plan", "-input=false", "-no-color")
			if r.ExitCode != 1 || strings.Contains(r.Output, "none.sock: connect") {
				t.Errorf("exit code %d\n%s", r.ExitCode, r.Output)
			}
			says(t, r, tc.says...)
		})
	}
}

// TestSlowHost takes an engine that is far away: every request takes longer.
func TestSlowHost(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	b := newBed(t)
	proxy := faultproxy.New(t, socket)
	proxy.Delay(150 * time.Millisecond)
	b.tf.Write(t, b.on(proxy.ListenUnix(t), ""))
	b.tf.Apply(t)
	b.has(t, whole...)
	b.noChange(t)
	b.tf.Destroy(t)
	b.has(t)
}

// TestHangingHost takes an engine that accepts connections and never answers.
func TestHangingHost(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	b := newBed(t)
	b.tf.Apply(t)
	started := b.Started(t)
	endpoint := silence(t)
	for _, command := range []string{"plan", "apply"} {
		b.tf.Write(t, b.on(endpoint, ""))
		r := b.tf.Run(t, command, "-input=false", "-no-color")
		says(t, r, "Portal "+b.Name, `host "dal-1"`, endpoint, "no answer within", "dockerd running")
		if r.ExitCode != 1 || r.Took > 30*time.Second {
			t.Errorf("%s: exit code %d after %s", command, r.ExitCode, r.Took)
		}
	}
	b.tf.Write(t, b.Config(""))
	b.noChange(t)
	b.untouched(t, started)
}

// silence is an endpoint that accepts connections and never answers.
func silence(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
	}()
	return "unix://" + path
}

// TestRegistryRefuses pulls from a registry that wants other credentials, or
// does not have the image. Docker trusts registries on 127.0.0.1 without TLS.
func TestRegistryRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		code   string
		says   func(host string) []string
	}{
		"no credentials": {http.StatusUnauthorized, "UNAUTHORIZED", func(host string) []string {
			return []string{"refused the pull", fmt.Sprintf("registries[%q]", host)}
		}},
		"no such image": {http.StatusNotFound, "MANIFEST_UNKNOWN", func(host string) []string {
			return []string{"does not have " + host + "/acme/web:1", "load or build"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			long.Among(t, name, "no credentials")
			t.Parallel()
			registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v2/" && tc.status == http.StatusNotFound {
					_, _ = w.Write([]byte("{}"))
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				w.WriteHeader(tc.status)
				fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"no"}]}`, tc.code)
			}))
			t.Cleanup(registry.Close)
			host := strings.TrimPrefix(registry.URL, "http://")
			image := host + "/acme/web:1"

			b := newBed(t)
			b.tf.Write(t, b.Config(fmt.Sprintf(`services = { web = { image = %q } }`, image)))
			r := b.tf.Fail(t)
			says(t, r, append(tc.says(host), "Portal "+b.Name, "web", image)...)
			b.has(t)
			if _, err := os.Stat(b.Directory()); !os.IsNotExist(err) {
				t.Errorf("the portal's directory was made: %v", err)
			}

			// On update nothing that runs is touched.
			b.tf.Write(t, b.Config(""))
			b.tf.Apply(t)
			started := b.Started(t)
			b.tf.Write(t, b.Config(fmt.Sprintf(`services = { web = { image = %q } }`, image)))
			says(t, b.tf.Fail(t), append(tc.says(host), "Portal "+b.Name, "web")...)
			b.untouched(t, started)
			b.tf.Write(t, b.Config(""))
			b.noChange(t)
		})
	}
}
