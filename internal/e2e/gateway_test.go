// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// TestGateway puts three portals behind one address.
func TestGateway(t *testing.T) {
	t.Parallel()
	g := newTown(t, 3)
	r := g.tf.Apply(t)
	t.Logf("a gateway and three portals in %s", r.Took)
	g.noChange(t)
	t.Run("each hostname leads to its portal", g.testHostnames)
	t.Run("unknown hostnames", g.testUnknown)
	t.Run("reaches load balancers only", g.testNetworks)
	t.Run("a fourth portal comes and goes", g.testFourth)
	if acctest.Thorough {
		t.Run("certificates", g.testCertificates)
		t.Run("restart", g.testRestart)
		t.Run("in use", g.testInUse)
		t.Run("names are shared", g.testNames)
	}
	g.tf.Destroy(t)
	for _, b := range append([]*bed{g.bed}, g.sites[0].bed, g.sites[1].bed, g.sites[2].bed) {
		b.has(t)
	}
}

func (g *town) testHostnames(t *testing.T) {
	v := g.visitor(t)
	for _, s := range g.sites {
		for _, host := range []string{s.domain, s.studio(), s.alias()} {
			got := told(t, v.open(t, host, "/a%2Fb?c=d"))
			if got.Portal != s.Name || got.Host != host || got.URI != "/a%2Fb?c=d" {
				t.Errorf("%s leads to %s%s of portal %s", host, got.Host, got.URI, got.Portal)
			}
		}
		want := fmt.Sprintf("https://%s:%d/x?y", s.domain, g.https)
		if a := v.open(t, s.redirected(), "/x?y"); a.status != http.StatusPermanentRedirect || a.header.Get("Location") != want {
			t.Errorf("%s answers %d %s", s.redirected(), a.status, a.header.Get("Location"))
		}
		if a := v.get(t, s.domain, "/x?y"); a.status != http.StatusPermanentRedirect || a.header.Get("Location") != want {
			t.Errorf("HTTP answers %d %s", a.status, a.header.Get("Location"))
		}
	}
}

func (g *town) testUnknown(t *testing.T) {
	v, a, b := g.visitor(t), g.sites[0], g.sites[1]
	if got := v.get(t, "nobody.test", "/"); got.status != http.StatusNotFound {
		t.Errorf("an unknown hostname answers %d by HTTP", got.status)
	}
	for _, name := range []string{"nobody.test", ""} {
		conn, err := tls.Dial("tcp", v.secure, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err == nil {
			t.Errorf("there is a certificate for %q: %v", name, conn.ConnectionState().PeerCertificates[0].DNSNames)
			conn.Close()
		}
	}
	for _, host := range []string{b.domain, "nobody.test"} {
		got := v.open(t, a.domain, "/", "Host", host)
		if got.status != http.StatusMisdirectedRequest || strings.Contains(got.body, "Portal") {
			t.Errorf("who asked for the certificate of %s and then for %s is answered %d: %s", a.domain, host, got.status, got.body)
		}
	}
}

// certificates of the gateway as the state has them after a refresh.
func (g *town) testCertificates(t *testing.T) {
	g.tf.Apply(t, "-refresh-only")
	type certificate struct{ Status, Issuer, Expires string }
	var shown struct {
		Values struct {
			Module struct {
				Resources []struct {
					Address string
					Values  struct {
						Certificates map[string]certificate
					}
				}
			} `json:"root_module"`
		}
	}
	if err := json.Unmarshal([]byte(g.tf.State(t)), &shown); err != nil {
		t.Fatal(err)
	}
	var found map[string]certificate
	for _, r := range shown.Values.Module.Resources {
		if r.Address == gatewayAddress {
			found = r.Values.Certificates
		}
	}
	if len(found) != 4*len(g.sites) {
		t.Errorf("the state has %d certificates: %v", len(found), found)
	}
	for host, c := range found {
		expires, err := time.Parse(time.RFC3339, c.Expires)
		if err != nil || c.Status != "valid" || c.Issuer == "" || !expires.After(time.Now()) {
			t.Errorf("%s has %+v", host, c)
		}
	}
	g.noChange(t)
}

// The gateway is in two networks: one with the load balancers, and one of its own.
// Nothing of it is Docker's.
func (g *town) testNetworks(t *testing.T) {
	found := g.gateway(t)
	var networks []string
	for name := range found.NetworkSettings.Networks {
		networks = append(networks, name)
	}
	slices.Sort(networks)
	if want := []string{g.Name + "_default", g.Name + "_edge"}; !slices.Equal(networks, want) {
		t.Errorf("the gateway is in %v", networks)
	}
	for _, m := range found.Mounts {
		if m.Source != "" && !strings.HasPrefix(m.Source, g.Directory()+"/") {
			t.Errorf("the gateway has %s", m.Source)
		}
	}
	edge, err := g.Docker.NetworkInspect(enginetest.Context(t), g.Name+"_edge", network.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var members, want []string
	for _, c := range edge.Containers {
		members = append(members, c.Name)
	}
	want = append(want, g.Container("gateway-1"))
	for _, s := range g.sites {
		want = append(want, s.Container("load-balancer-1"))
		if ports := s.Inspect(t, "load-balancer-1").HostConfig.PortBindings; len(ports) > 0 {
			t.Errorf("%s publishes %v", s.Name, ports)
		}
	}
	slices.Sort(members)
	slices.Sort(want)
	if !slices.Equal(members, want) || !edge.Internal {
		t.Errorf("the gateway's network has %v (internal: %t)", members, edge.Internal)
	}
}

// Nobody notices that a portal comes and goes.
func (g *town) testFourth(t *testing.T) {
	before := g.gateway(t)
	fourth := g.newSite(t)
	var urls []string
	for _, s := range g.sites {
		urls = append(urls, "https://"+s.domain+"/", "http://"+s.studio()+"/")
	}
	c := gather(t, g.visitor(t), g.rightPlace, urls...)
	g.tf.Write(t, g.config(append(slices.Clone(g.sites), fourth)...))
	g.tf.Apply(t)
	g.noChange(t)
	if got := told(t, g.visitor(t).open(t, fourth.domain, "/")); got.Portal != fourth.Name {
		t.Errorf("%s leads to %s", fourth.domain, got.Portal)
	}
	g.tf.Write(t, g.config(g.sites...))
	g.tf.Apply(t)
	fourth.has(t)
	c.leave(t)
	g.noChange(t)
	if a := g.visitor(t).get(t, fourth.domain, "/"); a.status != http.StatusNotFound {
		t.Errorf("a portal that is gone answers %d", a.status)
	}
	after := g.gateway(t)
	if after.ID != before.ID || after.State.StartedAt != before.State.StartedAt || after.RestartCount != before.RestartCount {
		t.Errorf("the gateway was restarted: %s of %s, then %s of %s", before.State.StartedAt, before.ID, after.State.StartedAt, after.ID)
	}
}

// rightPlace tells whether the portal answered that has the hostname.
func (g *town) rightPlace(url string, a answer) error {
	host, ok := strings.CutPrefix(strings.TrimSuffix(url, "/"), "http://")
	if ok {
		if want := fmt.Sprintf("https://%s:%d/", host, g.https); a.status != http.StatusPermanentRedirect || a.header.Get("Location") != want {
			return fmt.Errorf("%d, to %s", a.status, a.header.Get("Location"))
		}
		return nil
	}
	for _, s := range g.sites {
		if strings.Contains(url, s.domain) && a.status == http.StatusOK && strings.Contains(a.body, fmt.Sprintf("\"Portal\":%q", s.Name)) {
			return nil
		}
	}
	return fmt.Errorf("%d: %.200s", a.status, a.body)
}

// A gateway that starts again has the routes and the certificates of before.
func (g *town) testRestart(t *testing.T) {
	serial := func() string {
		v := g.visitor(t)
		a, err := tls.Dial("tcp", v.secure, &tls.Config{ServerName: g.sites[0].domain, RootCAs: v.roots})
		if err != nil {
			return ""
		}
		defer a.Close()
		return a.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	g.Stop(t, "gateway-1")
	g.start(t, "gateway-1")
	eventually(t, "the gateway", func() bool { return serial() != "" })
	if now := serial(); now != before {
		t.Errorf("the certificate was %s, and is %s after a restart", before, now)
	}
	g.testHostnames(t)
	g.noChange(t)
}

// Who takes the gateway away from under its portals is told.
func (g *town) testInUse(t *testing.T) {
	// Without the reference nothing tells Terraform of the order.
	var sites strings.Builder
	for i, s := range g.sites {
		sites.WriteString(s.resource(fmt.Sprintf("site%d", i+1), fmt.Sprintf("gateway = %q", g.Name)))
	}
	g.tf.Write(t, g.ProviderConfig()+sites.String())
	says(t, g.tf.Fail(t), "Gateway "+g.Name, "destroy failed", "is the way to the portals", g.sites[0].Name, g.sites[1].Name, g.sites[2].Name)
	if got := told(t, g.visitor(t).open(t, g.sites[2].domain, "/")); got.Portal != g.sites[2].Name {
		t.Errorf("%s leads to %s", g.sites[2].domain, got.Portal)
	}
	g.tf.Write(t, g.config(g.sites...))
	g.tf.Apply(t)
}

func (g *town) testNames(t *testing.T) {
	other := acctest.NewTerraform(t, g.ProviderConfig()+strings.Replace(g.sites[0].resource("site", ""), g.sites[0].Name, g.Name, 1))
	says(t, other.Fail(t), "Portal "+g.Name, "is the name of a gateway")
	other.Write(t, g.ProviderConfig()+strings.Replace(g.resource(""), g.Name, g.sites[0].Name, 1))
	says(t, other.Fail(t), "Gateway "+g.sites[0].Name, "is the name of a portal")
	g.noChange(t)
}
