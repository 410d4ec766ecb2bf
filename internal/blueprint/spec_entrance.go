// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"net/netip"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// checkEntrance checks how visitors get to the portal.
func (b *builder) checkEntrance() {
	b.checkHostnames()
	b.checkPort("http_port", b.spec.HTTPPort)
	b.checkPort("https_port", b.spec.HTTPSPort)
	b.checkProxies("trusted_proxies", b.spec.TrustedProxies)
	b.checkTLS("tls", b.spec.TLS)
	if b.spec.Gateway != "" {
		b.checkBehindGateway()
		return
	}
	switch {
	case b.spec.HTTPSPort != 0 && !b.spec.TLS.On():
		b.problem("https_port", "Nothing speaks HTTPS", "The portal has no certificates: say where they come from with tls, for example tls = { mode = \"acme\" }, or leave https_port out.")
	case b.spec.TLS.On() && b.spec.PublishedHTTP() == b.spec.PublishedHTTPS():
		b.problem("https_port", "One port twice", "HTTP and HTTPS both want the port %d of the host.", b.spec.PublishedHTTPS())
	}
	for _, host := range ingress.Uncovered(b.spec.TLS, b.ownHostnames()) {
		b.problem("tls.certificates", "A hostname has no certificate", "No certificate of tls.certificates is valid for %s, and with mode = \"files\" no other is used.", host)
	}
}

// ownHostnames are those that the portal's own attributes name.
func (b *builder) ownHostnames() []string {
	hosts := append([]string{b.spec.Domain, b.spec.StudioDomain}, b.spec.Aliases...)
	return append(hosts, b.spec.Redirects...)
}

// checkHostnames makes sure that each name is one, and is named once.
func (b *builder) checkHostnames() {
	for _, alias := range b.spec.Aliases {
		b.checkHostname("aliases", alias)
	}
	for _, host := range b.spec.Redirects {
		b.checkHostname("redirects", host)
	}
	seen := map[string]string{b.spec.Domain: "domain", b.spec.StudioDomain: "studio_domain"}
	for _, list := range []struct {
		attribute string
		hosts     []string
	}{{"aliases", b.spec.Aliases}, {"redirects", b.spec.Redirects}} {
		for _, host := range list.hosts {
			if other, taken := seen[host]; taken && host != "" {
				b.problem(list.attribute, "A hostname is named twice", "%s is in %s already: each hostname leads to one place.", host, other)
			}
			seen[host] = list.attribute
		}
	}
}

// checkBehindGateway refuses what the gateway does.
func (b *builder) checkBehindGateway() {
	if err := stack.ValidateName(b.spec.Gateway); err != nil {
		b.problem("gateway", "The gateway's name is not valid", "%s.", err)
	}
	for attribute, given := range map[string]bool{
		"http_port": b.spec.HTTPPort != 0, "https_port": b.spec.HTTPSPort != 0,
		"tls": b.spec.TLS != nil, "trusted_proxies": len(b.spec.TrustedProxies) > 0,
	} {
		if given {
			b.problem(attribute, "The gateway does this", "Behind a gateway a portal publishes no port and has no certificates of its own: leave %s out here, and set it on the portal_gateway %q.", attribute, b.spec.Gateway)
		}
	}
	if b.spec.Gateway == b.spec.Name {
		b.problem("gateway", "A portal is not its own gateway", "%q is the portal itself.", b.spec.Gateway)
	}
}

func (c *collector) checkPort(attribute string, port int) {
	if port < 0 || port > 65535 {
		c.problem(attribute, "The port is not valid", "%d is not between 1 and 65535.", port)
	}
}

func (c *collector) checkProxies(attribute string, networks []string) {
	for _, network := range networks {
		prefix, err := netip.ParsePrefix(network)
		switch {
		case err != nil:
			c.problem(attribute, "The network is not valid", "%q is not in CIDR form, such as \"203.0.113.0/24\" or \"203.0.113.7/32\".", network)
		case prefix.Bits() == 0:
			c.problem(attribute, "Everybody would be trusted", "%q is the whole internet: anybody could claim any address. Name the networks of your proxies.", network)
		}
	}
}
