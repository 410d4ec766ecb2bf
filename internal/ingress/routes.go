// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Route is a route with the service that it leads to.
type Route struct {
	stack.Route
	Service string
	// ByName says that the service's name leads to all replicas, which have none of
	// their own.
	ByName bool
	// Replicas of the service; without any, visitors are told to come back.
	Replicas int
}

// Routes collects the routes of all parts of a portal's stack, in one order
// whatever the order of the parts. A hostname and path that two services claim
// is an error that names both, and whose they are.
func Routes(parts ...*stack.Stack) ([]Route, error) {
	type owned struct {
		Route
		owner string
	}
	var all []owned
	for _, part := range parts {
		for _, name := range slices.Sorted(maps.Keys(part.Services)) {
			s := part.Services[name]
			for _, r := range s.Routes {
				all = append(all, owned{Route{Route: r, Service: name, Replicas: s.Replicas}, part.Owner})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b owned) int {
		return cmp.Or(
			cmp.Compare(a.Host, b.Host), cmp.Compare(prefix(a.Path), prefix(b.Path)),
			cmp.Compare(a.owner, b.owner), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Port, b.Port),
		)
	})
	var routes []Route
	var clashes []error
	for i, r := range all {
		routes = append(routes, r.Route)
		if i == 0 {
			continue
		}
		if o := all[i-1]; o.Host == r.Host && prefix(o.Path) == prefix(r.Path) {
			clashes = append(clashes, fmt.Errorf("%s%s/ is routed twice: to the service %s of %s and to the service %s of %s. Give one of them another host or path",
				r.Host, prefix(r.Path), o.Service, stack.OwnerText(o.owner), r.Service, stack.OwnerText(r.owner)))
		}
	}
	return routes, errors.Join(clashes...)
}

// Hostnames are those that the parts of a portal's stack answer to, sorted.
func Hostnames(parts ...*stack.Stack) []string {
	seen := map[string]bool{}
	for _, part := range parts {
		if part.Ingress != nil {
			for _, host := range part.Ingress.Settings.Redirects {
				seen[host] = true
			}
		}
		for _, s := range part.Services {
			for _, r := range s.Routes {
				seen[r.Host] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// prefix is a route's path without the slash at its end; all paths have none.
func prefix(path string) string { return strings.TrimSuffix(path, "/") }
