// SPDX-License-Identifier: MPL-2.0

// Package ingress renders the configuration of a portal's load balancer from
// the routes of its services. It is pure: same routes, same bytes.
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

// Caddy is the format of Caddy's JSON configuration, and the only one.
const Caddy = "caddy"

// Route is a route with the service that it leads to.
type Route struct {
	stack.Route
	Service string
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
			for _, r := range part.Services[name].Routes {
				all = append(all, owned{Route{Route: r, Service: name}, part.Owner})
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

// Render writes the configuration in a format that the load balancer reads.
func Render(format string, routes []Route) ([]byte, error) {
	switch format {
	case Caddy:
		return caddy(routes), nil
	default:
		return nil, fmt.Errorf("there is no format %q of a load balancer's configuration; there is %q", format, Caddy)
	}
}

// Reload is the command that makes a running load balancer take up a
// configuration from its standard input, nil for a format that is not known.
func Reload(format string) []string {
	if format != Caddy {
		return nil
	}
	// The admin endpoint's address is in the configuration itself.
	return []string{"caddy", "reload", "--config", "-"}
}

// prefix is a route's path without the slash at its end; all paths have none.
func prefix(path string) string { return strings.TrimSuffix(path, "/") }
