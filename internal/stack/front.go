// SPDX-License-Identifier: MPL-2.0

package stack

import "strconv"

// Ports that browsers use when a URL names none.
const (
	defaultHTTPPort  = 80
	defaultHTTPSPort = 443
)

// PublishedHTTP is the host port of the load balancer's HTTP; 0 lets Docker
// choose one. With TLS it is 80 unless another is given: authorities look there.
func (s Spec) PublishedHTTP() int {
	if s.HTTPPort == 0 && s.TLS.On() {
		return defaultHTTPPort
	}
	return s.HTTPPort
}

// PublishedHTTPS is the host port of the load balancer's HTTPS.
func (s Spec) PublishedHTTPS() int {
	if s.HTTPSPort == 0 {
		return defaultHTTPSPort
	}
	return s.HTTPSPort
}

// Entrance is how visitors reach the portal: through its gateway, at its load
// balancer, or through the proxies before that.
func (s Spec) Entrance() Front {
	switch {
	case s.Front != nil:
		return *s.Front
	case s.TLS.On():
		return Front{HTTPS: true, Port: s.PublishedHTTPS()}
	case len(s.TrustedProxies) > 0:
		// TLS ends there, by the port that goes without saying.
		return Front{HTTPS: true, Port: defaultHTTPSPort}
	default:
		return Front{Port: s.HTTPPort}
	}
}

// Host is a hostname with the port that visitors need to name, if any.
func (f Front) Host(domain string) string {
	if f.Port == 0 || f.Port == defaultHTTPPort && !f.HTTPS || f.Port == defaultHTTPSPort && f.HTTPS {
		return domain
	}
	return domain + ":" + strconv.Itoa(f.Port)
}

// URL is where a hostname, which is not looked into, is reached.
func (f Front) URL(domain string) string {
	if f.HTTPS {
		return "https://" + f.Host(domain)
	}
	return "http://" + f.Host(domain)
}
