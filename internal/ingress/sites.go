// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// siteRoutes sends hostnames to their services: the hostname is matched first,
// then the longest path. Hostnames with the same paths share a route, and with
// it the health checks of the services.
func siteRoutes(routes []Route) []route {
	byHost := map[string][]Route{}
	for _, r := range routes {
		byHost[r.Host] = append(byHost[r.Host], r)
	}
	type site struct {
		hosts  []string
		routes []Route
	}
	var sites []site
	for _, host := range hostnames(routes, nil) {
		paths := byHost[host]
		slices.SortStableFunc(paths, func(a, b Route) int {
			return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.Path, b.Path))
		})
		i := slices.IndexFunc(sites, func(s site) bool { return slices.EqualFunc(s.routes, paths, sameTarget) })
		if i < 0 {
			sites = append(sites, site{hosts: []string{host}, routes: paths})
			continue
		}
		sites[i].hosts = append(sites[i].hosts, host)
	}
	var out []route
	for _, s := range sites {
		sub := handler{Handler: "subroute"}
		for _, r := range s.routes {
			sub.Routes = append(sub.Routes, pathRoute(r))
		}
		sub.Routes = append(sub.Routes, route{Handle: []handler{notFound("There is nothing at this address.\n")}})
		out = append(out, route{Match: hostMatch(s.hosts), Handle: []handler{sub}, Terminal: true})
	}
	return out
}

// sameTarget compares routes but for the hostname.
func sameTarget(a, b Route) bool {
	a.Host = b.Host
	return a == b
}

func pathRoute(r Route) route {
	out := route{Terminal: true}
	if folder := prefix(r.Path); folder != "" {
		// The folder itself and everything beneath, but not its namesakes.
		out.Match = []match{{Path: []string{folder, folder + "/*"}}}
	}
	if r.Replicas == 0 {
		out.Handle = []handler{unavailable(maintenancePage)}
		return out
	}
	if r.MaxBody > 0 {
		out.Handle = append(out.Handle, refuseLarger(r.MaxBody), handler{Handler: "request_body", MaxSize: r.MaxBody})
	}
	out.Handle = append(out.Handle, compress(), proxy(r))
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

// compress answers with what the client understands, if the service did not
// compress already and if the kind of content gains by it.
func compress() handler {
	return handler{
		Handler: "encode", Encodings: map[string]struct{}{"zstd": {}, "gzip": {}},
		Prefer: []string{"zstd", "gzip"}, MinimumLength: 512,
	}
}

// redirectRoute sends the visitors of further hostnames to the portal's own.
func redirectRoute(s stack.IngressSettings) []route {
	if len(s.Redirects) == 0 {
		return nil
	}
	hosts := slices.Sorted(slices.Values(s.Redirects))
	return []route{{Match: hostMatch(hosts), Handle: []handler{redirect(308, s.URL+"{http.request.uri}")}, Terminal: true}}
}

func redirect(status int, to string) handler {
	return handler{Handler: "static_response", StatusCode: status, Headers: map[string][]string{"Location": {to}}}
}

func notFound(body string) handler {
	return handler{Handler: "static_response", StatusCode: 404, Body: body}
}
