// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// gatewayAddress is the gateway's resource in a town's configuration.
const gatewayAddress = "portal_gateway.front"

// town is a gateway and the sites behind it, from one configuration.
type town struct {
	*bed          // of the gateway
	sites         []*site
	http, https   int
	caddy, secure string // image, and the attribute tls
}

// newTown prepares a gateway with certificates of its own authority, and sites.
func newTown(t *testing.T, sites int) *town {
	t.Helper()
	acctest.PreCheck(t)
	// First, so that it is swept last: the sites' containers are in its network.
	g := &town{
		bed: &bed{Portal: acctest.NewPortal(t)}, http: freePort(t), https: freePort(t),
		caddy: loadBalancerImage(t), secure: `tls = { mode = "internal" }`,
	}
	for range sites {
		g.sites = append(g.sites, g.newSite(t))
	}
	g.tf = acctest.NewTerraform(t, g.config(g.sites...))
	return g
}

// newSite prepares one more site on the town's drive.
func (g *town) newSite(t *testing.T) *site {
	t.Helper()
	p := acctest.NewPortal(t)
	p.Storage = g.Storage
	return siteOf(t, p)
}

// config is the gateway and some sites behind it.
func (g *town) config(sites ...*site) string {
	var all strings.Builder
	all.WriteString(g.ProviderConfig() + g.resource(""))
	for i, s := range sites {
		all.WriteString(s.resource(fmt.Sprintf("site%d", i+1), g.entrance(s)))
	}
	return all.String()
}

// resource is the gateway alone, with more attributes.
func (g *town) resource(more string) string {
	https := ""
	if g.secure != "" {
		https = fmt.Sprintf("https_port = %d", g.https)
	}
	return fmt.Sprintf(`
resource "portal_gateway" "front" {
  name       = %q
  image      = %q
  http_port  = %d
  %s
  %s
  on_destroy = "delete"
  %s
}
`, g.Name, g.caddy, g.http, https, g.secure, more)
}

// entrance are the attributes that put a site behind the gateway.
func (g *town) entrance(s *site) string {
	return fmt.Sprintf("gateway = portal_gateway.front.name\n aliases = [%q]\n redirects = [%q]", s.alias(), s.redirected())
}

func (s *site) alias() string { return "academy." + s.Name + ".test" }

func (s *site) redirected() string { return "www." + s.Name + ".test" }

// visitor is somebody who comes by the gateway and trusts its authority.
func (g *town) visitor(t *testing.T) *visitor {
	t.Helper()
	return &visitor{plain: fmt.Sprintf("127.0.0.1:%d", g.http), secure: fmt.Sprintf("127.0.0.1:%d", g.https), roots: g.authority(t)}
}

// authority is what the gateway's certificates are checked with.
func (g *town) authority(t *testing.T) *x509.CertPool {
	t.Helper()
	if g.secure == "" {
		return nil
	}
	return internalAuthority(t, g.Directory(), "data/gateway")
}

// internalAuthority is Caddy's own, from where it is kept.
func internalAuthority(t *testing.T, path ...string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(filepath.Join(path...), "caddy/pki/authorities/local/root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("the authority's certificate is %q", pem)
	}
	return roots
}

// gateway is the gateway's container.
func (g *town) gateway(t *testing.T) container.InspectResponse {
	t.Helper()
	return g.Inspect(t, "gateway-1")
}
