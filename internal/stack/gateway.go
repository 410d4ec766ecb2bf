// SPDX-License-Identifier: MPL-2.0

package stack

// GatewaySpec is what a user asks of one gateway: the front door of a host pool.
type GatewaySpec struct {
	// Name is the gateway's id: its directory on the shared drive, the prefix of
	// its containers. Portals and gateways share their names.
	Name string `json:"name"`
	// Hosts that publish HTTP and HTTPS; none means all of the pool.
	Hosts []string `json:"hosts,omitempty"`
	// Image of the gateway, Caddy; empty for the default.
	Image string `json:"image,omitempty"`
	// HTTPPort and HTTPSPort are ports of the hosts; zero means 80 and 443.
	HTTPPort  int `json:"http_port,omitempty"`
	HTTPSPort int `json:"https_port,omitempty"`
	// RelayPort is the port of the hosts by which gateways pass requests on to
	// each other, where the pool has several hosts; zero means DefaultRelayPort.
	RelayPort int `json:"relay_port,omitempty"`
	// TLS is where certificates come from; nil is TLSOff.
	TLS *TLS `json:"tls,omitempty"`
	// TrustedProxies are the networks (CIDR) of proxies before the gateway.
	TrustedProxies []string `json:"trusted_proxies,omitempty"`
	// OnDestroy says what becomes of the gateway's directory.
	OnDestroy OnDestroy `json:"on_destroy,omitempty"`
}

// DefaultRelayPort is GatewaySpec.RelayPort where none is given.
const DefaultRelayPort = 7443

// PublishedHTTP is the port of the hosts for HTTP.
func (g GatewaySpec) PublishedHTTP() int {
	if g.HTTPPort == 0 {
		return defaultHTTPPort
	}
	return g.HTTPPort
}

// PublishedHTTPS is the port of the hosts for HTTPS.
func (g GatewaySpec) PublishedHTTPS() int {
	if g.HTTPSPort == 0 {
		return defaultHTTPSPort
	}
	return g.HTTPSPort
}

// PublishedRelay is the port of the hosts that gateways reach each other by.
func (g GatewaySpec) PublishedRelay() int {
	if g.RelayPort == 0 {
		return DefaultRelayPort
	}
	return g.RelayPort
}

// Entrance is how visitors reach portals behind the gateway.
func (g GatewaySpec) Entrance() Front {
	switch {
	case g.TLS.On():
		return Front{HTTPS: true, Port: g.PublishedHTTPS()}
	case len(g.TrustedProxies) > 0:
		return Front{HTTPS: true, Port: defaultHTTPSPort}
	default:
		return Front{Port: g.PublishedHTTP()}
	}
}
