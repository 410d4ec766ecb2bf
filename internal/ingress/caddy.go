// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Where the load balancer listens in its container.
const (
	Listen       = ":8080"
	HealthListen = "127.0.0.1:8081"
)

// adminListen is where Caddy takes a new configuration: a socket that only
// processes in its own container reach.
const adminListen = "unix//tmp/caddy-admin.sock"

const (
	// How long and how often another replica is tried when one refuses the
	// connection: as long as a replica takes to be replaced in DNS.
	tryDuration = "5s"
	tryInterval = "250ms"
	// Replicas come and go: their addresses are looked up this often.
	refresh     = "1s"
	dialTimeout = "2s"
	// A client that sends nothing must not hold a connection for ever.
	headerTimeout = "30s"
)

// caddy returns the configuration in Caddy's JSON, for Caddy 2.6 and later.
// Hostnames are matched first, then the longest path; what matches no route is
// answered with 404.
func caddy(routes []Route) []byte {
	hosts := map[string][]Route{}
	for _, r := range routes {
		hosts[r.Host] = append(hosts[r.Host], r)
	}
	names := make([]string, 0, len(hosts))
	for host := range hosts {
		names = append(names, host)
	}
	slices.Sort(names)

	portal := server{Listen: []string{Listen}, AutomaticHTTPS: disabled{Disable: true}, ReadHeaderTimeout: headerTimeout}
	for _, host := range names {
		portal.Routes = append(portal.Routes, hostRoute(host, hosts[host]))
	}
	portal.Routes = append(portal.Routes, route{Handle: []handler{notFound("No portal answers to this hostname.\n")}})

	text, err := json.MarshalIndent(config{
		Admin:   admin{Listen: adminListen, Config: adminConfig{Persist: false}},
		Logging: logging{Logs: map[string]log{"default": {Level: "WARN"}}},
		Apps: apps{HTTP: httpApp{Servers: map[string]server{
			"portal": portal,
			"health": {
				Listen:         []string{HealthListen},
				AutomaticHTTPS: disabled{Disable: true},
				Routes:         []route{{Handle: []handler{{Handler: "static_response", StatusCode: 200, Body: "ok\n"}}}},
			},
		}}},
	}, "", "  ")
	if err != nil {
		// The types hold only plain data: this cannot happen.
		panic(fmt.Sprintf("configuration of the load balancer: %v", err))
	}
	return append(text, '\n')
}

// hostRoute sends the paths of one hostname to their services, the longest
// path first.
func hostRoute(host string, routes []Route) route {
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.Path, b.Path))
	})
	sub := handler{Handler: "subroute"}
	for _, r := range routes {
		sub.Routes = append(sub.Routes, pathRoute(r))
	}
	sub.Routes = append(sub.Routes, route{Handle: []handler{notFound("There is nothing at this address.\n")}})
	return route{Match: []match{{Host: []string{host}}}, Handle: []handler{sub}, Terminal: true}
}

func pathRoute(r Route) route {
	out := route{Terminal: true}
	if folder := prefix(r.Path); folder != "" {
		// The folder itself and everything beneath, but not its namesakes.
		out.Match = []match{{Path: []string{folder, folder + "/*"}}}
	}
	if r.MaxBody > 0 {
		out.Handle = append(out.Handle, refuseLarger(r.MaxBody), handler{Handler: "request_body", MaxSize: r.MaxBody})
	}
	out.Handle = append(out.Handle, proxy(r))
	return out
}

// refuseLarger answers a request that announces a larger body. One that does
// not tell its size is cut off later by request_body, which the proxy cannot
// tell from a failure of the service: it answers 502.
func refuseLarger(size int64) handler {
	const length = "{http.request.header.Content-Length}"
	larger := match{Expression: fmt.Sprintf(`%s != "" && int(%s) > %d`, length, length, size)}
	refuse := handler{Handler: "static_response", StatusCode: 413, Body: fmt.Sprintf("More than %d bytes cannot be sent here.\n", size)}
	return handler{Handler: "subroute", Routes: []route{{Match: []match{larger}, Handle: []handler{refuse}}}}
}

// proxy sends requests to all replicas of a service. Caddy sets
// X-Forwarded-For, -Proto and -Host from the connection and trusts no client's;
// other headers that claim an origin are removed.
func proxy(r Route) handler {
	return handler{
		Handler: "reverse_proxy",
		Headers: &headers{Request: headerOps{Delete: []string{"Forwarded", "X-Real-Ip", "X-Forwarded-Port", "X-Forwarded-Ssl"}}},
		LoadBalancing: &loadBalancing{
			SelectionPolicy: policy{Policy: "round_robin"}, TryDuration: tryDuration, TryInterval: tryInterval,
		},
		DynamicUpstreams: &dynamicUpstreams{
			Source: "a", Name: r.Service, Port: strconv.Itoa(r.Port), Refresh: refresh, DialTimeout: dialTimeout,
		},
		Transport: &transport{Protocol: "http", DialTimeout: dialTimeout},
	}
}

func notFound(body string) handler {
	return handler{Handler: "static_response", StatusCode: 404, Body: body}
}
