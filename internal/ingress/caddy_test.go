// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func to(service, host, path string, port int, maxBody int64) Route {
	return Route{Route: stack.Route{Host: host, Path: path, Port: port, MaxBody: maxBody}, Service: service, Replicas: 1}
}

// several are replicas with a health check.
func several(r Route, replicas int, health string) Route {
	r.Replicas, r.Health = replicas, health
	return r
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden.json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run `go test ./internal/ingress -update` and read the difference", file)
	}
}

// render is the configuration of a load balancer with the given settings.
func render(t *testing.T, s stack.IngressSettings, routes ...Route) []byte {
	t.Helper()
	text, err := Render(stack.Ingress{Service: "load-balancer", Format: Caddy, Folder: "/portal/ingress", Settings: s}, routes)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCaddyGolden(t *testing.T) {
	acme := stack.ACME{Directory: "https://ca.acme.com/dir", Email: "ops@acme.com", CA: "-----BEGIN", EABKeyID: "kid"}
	for _, tt := range []struct {
		name     string
		settings stack.IngressSettings
		routes   []Route
	}{
		{"none", stack.IngressSettings{}, nil},
		{"portal", stack.IngressSettings{}, []Route{
			to("lms", "learn.acme.com", "/", 8000, 4<<20),
			to("nginx", "learn.acme.com", "/static/", 8080, 0),
			to("nginx", "learn.acme.com", "/static/themes/", 8081, 0),
			to("cms", "studio.learn.acme.com", "/", 8000, 250<<20),
		}},
		{"replicas", stack.IngressSettings{
			URL: "https://learn.acme.com", Redirects: []string{"www.acme.com"}, TrustedProxies: []string{"203.0.113.0/24"},
		}, []Route{
			several(to("lms", "learn.acme.com", "/", 8000, 0), 3, "/heartbeat"),
			several(to("lms", "academy.acme.com", "/", 8000, 0), 3, "/heartbeat"),
			several(to("wiki", "wiki.acme.com", "/", 80, 0), 0, ""),
		}},
		{"acme", stack.IngressSettings{HTTPSPort: 8443, TLS: &stack.TLS{Mode: stack.TLSACME, ACME: &acme}}, []Route{to("lms", "learn.acme.com", "/", 8000, 0)}},
		{"internal", stack.IngressSettings{HTTPSPort: 443, TLS: &stack.TLS{Mode: stack.TLSInternal}}, []Route{to("lms", "learn.acme.com", "/", 8000, 0)}},
		{"files", stack.IngressSettings{HTTPSPort: 443, TLS: &stack.TLS{
			Mode: stack.TLSFiles, Certificates: map[string]stack.Certificate{"main": {Chain: "-----BEGIN CERTIFICATE"}},
		}}, []Route{to("lms", "learn.acme.com", "/", 8000, 0)}},
		{"maintenance", stack.IngressSettings{Maintenance: true}, []Route{to("lms", "learn.acme.com", "/", 8000, 0)}},
	} {
		t.Run(tt.name, func(t *testing.T) { golden(t, tt.name, render(t, tt.settings, tt.routes...)) })
	}
}

func TestGatewayGolden(t *testing.T) {
	sites := []Site{
		{Portal: "globex", Hostnames: []string{"learn.globex.com"}, Host: "dal-2"},
		{Portal: "acme", Hostnames: []string{"learn.acme.com", "studio.learn.acme.com"}, Host: "dal-1"},
	}
	for name, g := range map[string]Gateway{
		"gateway":       {Host: "dal-1", Sites: sites[1:], Spec: stack.GatewaySpec{TLS: &stack.TLS{Mode: stack.TLSACME}}},
		"gateway-relay": {Host: "dal-1", Sites: sites, Peers: map[string]string{"dal-2": "10.0.0.2"}},
		"gateway-relay-tls": {
			Host: "dal-2", Sites: sites, Peers: map[string]string{"dal-1": "10.0.0.1"}, Spec: stack.GatewaySpec{TLS: &stack.TLS{Mode: stack.TLSInternal}},
		},
	} {
		g.Folder = "/portal/ingress"
		t.Run(name, func(t *testing.T) {
			golden(t, name, RenderGateway(g))
			slices.Reverse(g.Sites)
			golden(t, name, RenderGateway(g))
			slices.Reverse(g.Sites)
		})
	}
}

func TestOrderOfRoutesDoesNotMatter(t *testing.T) {
	routes := []Route{
		to("a", "x.com", "/", 1, 0), to("b", "x.com", "/static/", 2, 0), to("c", "y.com", "/", 3, 0), to("d", "x.com", "/assets/", 4, 0),
	}
	want := render(t, stack.IngressSettings{}, slices.Clone(routes)...)
	slices.Reverse(routes)
	if !bytes.Equal(want, render(t, stack.IngressSettings{}, routes...)) {
		t.Error("the configuration depends on the order of the routes")
	}
}

// Who reaches the admin endpoint owns the load balancer: nothing outside its
// container may.
func TestAdminListensOnNoNetwork(t *testing.T) {
	if text := render(t, stack.IngressSettings{}); !bytes.Contains(text, []byte(`"listen": "unix//tmp/`)) || bytes.Contains(text, []byte("2019")) {
		t.Errorf("the admin endpoint is elsewhere:\n%s", text)
	}
}

func TestRenderKnowsItsFormats(t *testing.T) {
	if _, err := Render(stack.Ingress{Format: "nginx"}, nil); err == nil || !bytes.Contains([]byte(err.Error()), []byte(`"caddy"`)) {
		t.Errorf("got %v, want an error that names what there is", err)
	}
	if got := Reload(Caddy); got[0] != "caddy" {
		t.Errorf("reload is %q", got)
	}
}
