// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// RelayPort is where a gateway listens, in its container, for the gateways of
// other hosts.
const RelayPort = 8444

const (
	// relayCA issues what gateways know each other by. It is kept beside their
	// certificates on the shared drive, and signs nothing else.
	relayCA = "relay"
	// relayName is the name in those certificates.
	relayName = "relay.portals.internal"
)

// Site is a portal that a gateway leads to.
type Site struct {
	Portal    string
	Hostnames []string
	// Host of the pool that runs it.
	Host string
}

// Gateway is the configuration of one gateway on one host.
type Gateway struct {
	Spec stack.GatewaySpec
	// Host that it runs on.
	Host string
	// Peers are the addresses of the pool's other hosts by their names; none
	// when the pool has one host.
	Peers map[string]string
	// Folder of the configuration in the container.
	Folder string
	Sites  []Site
}

// RenderGateway writes the configuration of a gateway, in Caddy's form. A portal
// on the gateway's own host is reached at its load balancer; one on another host
// through the gateway there, by TLS in which both sides show who they are.
func RenderGateway(g Gateway) []byte {
	sites := slices.SortedFunc(slices.Values(g.Sites), func(a, b Site) int { return cmp.Compare(a.Portal, b.Portal) })
	var hosts []string
	var routes, local []route
	for _, s := range sites {
		hosts = append(hosts, s.Hostnames...)
		h := toLoadBalancer(s)
		if s.Host == g.Host || len(g.Peers) == 0 {
			local = append(local, route{Match: hostMatch(s.Hostnames), Handle: []handler{h}, Terminal: true})
		} else {
			h = toRelay(g.Peers[s.Host], g.Spec.PublishedRelay())
		}
		routes = append(routes, route{Match: hostMatch(s.Hostnames), Handle: []handler{h}, Terminal: true})
	}
	slices.Sort(hosts)
	unknown := route{Handle: []handler{notFound("No portal answers to this hostname.\n")}}
	c := assemble(front{
		tls: g.Spec.TLS, hosts: hosts, sites: append(routes, unknown),
		httpsPort: g.Spec.PublishedHTTPS(), trusted: g.Spec.TrustedProxies, folder: g.Folder,
	})
	if len(g.Peers) > 0 {
		addRelay(&c, append(local, unknown))
	}
	return encode(c)
}

func toLoadBalancer(s Site) handler {
	h := proxyTo()
	h.Upstreams = []upstream{{Dial: fmt.Sprintf("%s:%d", stack.EdgeAlias(s.Portal), HTTPPort)}}
	return h
}

// toRelay passes requests on to the gateway of another host.
func toRelay(address string, port int) handler {
	h := proxyTo()
	// Caddy names the other end as the host where it speaks TLS, from 2.11 on.
	h.Headers = &proxyHeaders{Request: headerOps{Delete: claims, Set: map[string][]string{"Host": {"{http.request.hostport}"}}}}
	h.Upstreams = []upstream{{Dial: fmt.Sprintf("%s:%d", address, port)}}
	h.Transport.TLS = &transportTLS{ClientCertificateAutomate: relayName, ServerName: relayName, CA: relayRoot()}
	return h
}

func relayRoot() *caSource { return &caSource{Provider: "pki_root", Authority: []string{relayCA}} }

// addRelay lets the gateway take requests from those of other hosts, and from
// nobody else.
func addRelay(c *config, local []route) {
	relay := front{
		// Whoever shows the certificate is a gateway, and has checked the visitor.
		trusted: []string{"0.0.0.0/0", "::/0"},
	}.server(RelayPort, local)
	relay.Protocols = []string{"h1", "h2"}
	// The name in the certificates is the gateways' own, for the hostnames of all.
	relay.StrictSNIHost = new(false)
	relay.TLSConnectionPolicies = []connectionPolicy{{
		ClientAuthentication: &clientAuthentication{Mode: "require_and_verify", CA: relayRoot()},
	}}
	c.Apps.HTTP.Servers["relay"] = relay
	if c.Apps.TLS == nil {
		c.Apps.TLS = &tlsApp{}
	}
	c.Apps.TLS.Certificates.Automate = append(c.Apps.TLS.Certificates.Automate, relayName)
	if c.Apps.TLS.Automation == nil {
		c.Apps.TLS.Automation = &automation{}
	}
	// First, because a policy without subjects fits all.
	c.Apps.TLS.Automation.Policies = slices.Insert(c.Apps.TLS.Automation.Policies, 0, automationPolicy{
		Subjects: []string{relayName}, Issuers: []issuer{{Module: "internal", CA: relayCA}},
	})
	if c.Apps.PKI == nil {
		// Caddy has an authority of its own as well, and would spend up to a minute
		// on making its container trust it.
		c.Apps.PKI = &pkiApp{CertificateAuthorities: map[string]authority{internalCA: {Name: "Private Portals", InstallTrust: false}}}
	}
	c.Apps.PKI.CertificateAuthorities[relayCA] = authority{Name: "Private Portals relay", InstallTrust: false}
}
