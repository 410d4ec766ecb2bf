// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
	"go.yaml.in/yaml/v4"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// site is a portal of two containers: a website that tells what it was asked, and
// the built-in blueprint's load balancer before it.
type site struct {
	*bed
	domain string
	caddy  string // image of the load balancer
}

// newSite prepares a portal with a directory of Terraform's own.
func newSite(t *testing.T) *site {
	t.Helper()
	acctest.PreCheck(t)
	s := siteOf(t, acctest.NewPortal(t))
	s.tf = acctest.NewTerraform(t, s.alone(""))
	return s
}

// siteOf makes a portal a site.
func siteOf(t *testing.T, p *acctest.Portal) *site {
	t.Helper()
	s := &site{bed: &bed{Portal: p}, domain: "learn." + p.Name + ".test", caddy: loadBalancerImage(t)}
	s.write(t)
	return s
}

func (s *site) studio() string { return "studio." + s.domain }

// alone is a configuration with the site and nothing else. Its resource is
// portal.site.
func (s *site) alone(more string) string { return s.ProviderConfig() + s.resource("site", more) }

// resource is the site under a name in the configuration, with more attributes.
func (s *site) resource(name, more string) string {
	return fmt.Sprintf(`
resource "portal" %q {
  name       = %q
  domain     = %q
  blueprint  = %q
  images     = { load-balancer = %q }
  on_destroy = "delete"
  %s
}
`, name, s.Name, s.domain, s.Blueprint, s.caddy, more)
}

// write makes the blueprint. The website takes 1 MiB at /, and any amount at
// /upload/.
func (s *site) write(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../blueprint/private-portal/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var builtin struct{ Services, Volumes map[string]any }
	if err := yaml.Unmarshal(text, &builtin); err != nil {
		t.Fatal(err)
	}
	lb, ok := builtin.Services["load-balancer"].(map[string]any)
	if !ok {
		t.Fatalf("the built-in blueprint's load balancer is %v", builtin.Services["load-balancer"])
	}
	lb["depends_on"] = map[string]any{"web": map[string]any{"condition": "service_healthy"}}
	route := func(host, path string) map[string]any {
		return map[string]any{"host": host, "path": path, "port": 8000, "health": "/health"}
	}
	limited := func(host string) map[string]any {
		r := route(host, "/")
		r["max_body"] = "1m"
		return r
	}
	made, err := yaml.Marshal(map[string]any{
		"services": map[string]any{
			"web": map[string]any{
				"image": echoImage(t), "user": "1000:1000", "environment": map[string]string{"PORTAL_NAME": "${PORTAL_NAME}"},
				"stop_grace_period": "10s",
				"healthcheck": map[string]any{
					"test": []string{"CMD", "/echo", "up"}, "interval": "30s", "start_interval": "500ms", "start_period": "30s",
				},
				"deploy": map[string]any{"update_config": map[string]any{"order": "start-first"}},
				"x-portal": map[string]any{"routes": []any{
					limited("${PORTAL_DOMAIN}"), limited("${PORTAL_STUDIO_DOMAIN}"), route("${PORTAL_DOMAIN}", "/upload/"),
				}},
			},
			"load-balancer": lb,
		},
		"volumes": map[string]any{"load-balancer": builtin.Volumes["load-balancer"]},
		"configs": map[string]any{"caddy.json": map[string]any{"x-portal": map[string]any{"ingress": "caddy"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Blueprint, "compose.yaml"), made, 0o600); err != nil {
		t.Fatal(err)
	}
}

// port is the port of the host that leads to one of the load balancer's:
// "8080/tcp".
func (s *site) port(t *testing.T, inside string) string {
	t.Helper()
	bindings := s.Inspect(t, "load-balancer-1").NetworkSettings.Ports[nat.Port(inside)]
	if len(bindings) == 0 {
		t.Fatalf("the load balancer of %s publishes no %s", s.Name, inside)
	}
	return bindings[0].HostPort
}

// seen are the requests that reached the website, a line each.
func (s *site) seen(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, member := range s.Members(t) {
		if strings.HasPrefix(member, "web-") {
			a := (&visitor{plain: net.JoinHostPort(s.address(t, member), "8000")}).get(t, s.domain, "/seen")
			all.WriteString(a.body + "\n")
		}
	}
	return all.String()
}

// tell lets a replica of the website know how it is: "ill" or "well".
func (s *site) tell(t *testing.T, member, how string) {
	t.Helper()
	if out, code := s.Exec(t, member, "/echo", how); code != 0 {
		t.Fatalf("%s: exit code %d: %s", how, code, out)
	}
}

// kill ends a container at once. Docker does not start it again by itself, as
// somebody wanted it so.
func (s *site) kill(t *testing.T, member string) {
	t.Helper()
	if err := s.Docker.ContainerKill(enginetest.Context(t), s.Container(member), "KILL"); err != nil {
		t.Fatal(err)
	}
}

func (b *bed) start(t *testing.T, member string) {
	t.Helper()
	if err := b.Docker.ContainerStart(enginetest.Context(t), b.Container(member), container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *site) unpause(t *testing.T, member string) {
	t.Helper()
	if err := s.Docker.ContainerUnpause(enginetest.Context(t), s.Container(member)); err != nil {
		t.Fatal(err)
	}
}

var balancer struct {
	once sync.Once
	ref  string
	err  error
}

// loadBalancerImage builds the demo image of the load balancer if it is not
// there, and names it.
func loadBalancerImage(t *testing.T) string {
	t.Helper()
	balancer.once.Do(func() {
		var images map[string]string
		cmd := exec.Command("../../tools/images/build", "load-balancer")
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, &images)
		}
		balancer.ref, balancer.err = images["load-balancer"], err
	})
	if balancer.err != nil || balancer.ref == "" {
		t.Fatalf("build the demo image of the load balancer: %v", balancer.err)
	}
	return balancer.ref
}

// freePort is a port of this machine that nobody has.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
