// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"fmt"
	"strconv"
)

const (
	// How long and how often another replica is tried when one refuses the
	// connection: as long as a replica takes to be replaced.
	tryDuration = "5s"
	tryInterval = "250ms"
	dialTimeout = "2s"
	// A replica that takes a request and never answers must not hold it for
	// ever; the slowest pages of Open edX, reports, take minutes.
	answerTimeout = "10m"
	// A client that sends nothing must not hold a connection for ever.
	headerTimeout = "30s"
	idleTimeout   = "5m"
	// maxHeader bounds a request's header, in bytes; more is answered with 431.
	maxHeader = 64 << 10
	// idleConns are kept to each replica. Caddy keeps 32 by itself, and makes
	// connections anew for each request when more visitors come at a time.
	idleConns = 1024
	// reuseTimeout is how long a connection to a replica may wait for its next
	// request. gunicorn, which serves Open edX, closes one after 2 seconds
	// (https://docs.gunicorn.org/en/stable/settings.html#keepalive), and a request
	// with a body that meets the close cannot be sent again: its visitor sees a 502.
	reuseTimeout = "1s"
	// streamDelay lets WebSockets outlive the load of a new configuration.
	streamDelay = "10m"
	// How soon a replica is found to be ill, and well again.
	healthInterval = "5s"
	healthTimeout  = "5s"
	// nameRefresh is how soon a new replica is found by the service's name.
	nameRefresh = "1s"
)

// claims are headers by which a client could claim to be somebody else, or to
// be somewhere else. Those that the proxy sets itself from the connection
// (X-Forwarded-For, -Proto and -Host) are not among them. Application servers
// in Python take "X_Forwarded_For" for the same header.
var claims = []string{
	"Forwarded", "X-Real-Ip", "X-Forwarded-Port", "X-Forwarded-Ssl", "X-Forwarded-Prefix", "X-Forwarded-Server",
	"X-Forwarded-Scheme", "X-Forwarded-Protocol", "X-Original-Url", "X-Rewrite-Url", "Front-End-Https", "X_forwarded_*",
}

// proxy sends requests to all replicas of a service, each by its own name in
// the portal's DNS, or all by the service's.
func proxy(r Route) handler {
	h := proxyTo()
	h.Transport.KeepAlive.IdleTimeout = reuseTimeout
	h.LoadBalancing.SelectionPolicy = &policy{Policy: "round_robin"}
	if r.ByName {
		// Who answers to the name, is: the engine takes an ill one out.
		h.DynamicUpstreams = &dynamicUpstreams{
			Source: "a", Name: r.Service, Port: strconv.Itoa(r.Port), Refresh: nameRefresh, Versions: ipVersions{IPv4: true},
		}
		return h
	}
	for n := 1; n <= r.Replicas; n++ {
		h.Upstreams = append(h.Upstreams, upstream{Dial: fmt.Sprintf("%s-%d:%d", r.Service, n, r.Port)})
	}
	// The only replica is tried in any case. Requests that fail tell nothing of a
	// replica (Caddy's passive checks): with a body that is broken anybody can make
	// them fail. One that refuses the connection is passed over by the request
	// itself, which tries the next.
	if r.Replicas > 1 && r.Health != "" {
		h.HealthChecks = &healthChecks{Active: activeCheck{
			URI: r.Health, Headers: map[string][]string{"Host": {r.Host}},
			Interval: healthInterval, Timeout: healthTimeout, ExpectStatus: 2,
		}}
	}
	return h
}

// proxyTo is a proxy without upstreams. Caddy sets X-Forwarded-For, -Proto and
// -Host from the connection, and takes over a client's only from trusted proxies.
func proxyTo() handler {
	return handler{
		Handler:          "reverse_proxy",
		Headers:          &proxyHeaders{Request: headerOps{Delete: claims}},
		LoadBalancing:    &loadBalancing{TryDuration: tryDuration, TryInterval: tryInterval},
		Transport:        &transport{Protocol: "http", DialTimeout: dialTimeout, ResponseHeaderTimeout: answerTimeout, KeepAlive: &keepAlive{MaxIdleConnsPerHost: idleConns}},
		StreamCloseDelay: streamDelay,
	}
}
