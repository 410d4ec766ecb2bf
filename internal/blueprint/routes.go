// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"fmt"
	"path"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// resolveRoutes checks all services' routes.
func (b *builder) resolveRoutes() {
	owners := map[[2]string]string{}
	for _, name := range sortedKeys(b.stack.Services) {
		s := b.stack.Services[name]
		at := "services." + name + ".x-portal.routes"
		for i := range s.Routes {
			r := &s.Routes[i]
			if r.Path == "" {
				r.Path = "/"
			}
			for _, wrong := range routeFaults(*r) {
				b.refuse(at, "%s", wrong)
			}
			key := [2]string{r.Host, strings.TrimSuffix(r.Path, "/")}
			if other, taken := owners[key]; taken {
				b.refuse(at, "%s%s is routed to %s already", r.Host, r.Path, other)
			}
			owners[key] = name
		}
		if len(s.Routes) > 0 && b.stack.Ingress == nil {
			b.refuse(at, "nothing serves the routes: a load balancer must mount a config with `x-portal: {ingress: caddy}`")
		}
	}
}

// routeFaults tells in words what is wrong with a route.
func routeFaults(r stack.Route) []string {
	var faults []string
	if wrong := validHostname(r.Host); wrong != "" {
		faults = append(faults, fmt.Sprintf("host %q: %s", r.Host, wrong))
	}
	if !path.IsAbs(r.Path) || strings.ContainsAny(r.Path, "*?#% \t\n") || path.Join(r.Path, "x") != strings.TrimSuffix(r.Path, "/")+"/x" {
		faults = append(faults, fmt.Sprintf("path %q: it must begin with / and be plain, such as /static/", r.Path))
	}
	if r.Port < 1 || r.Port > 65535 {
		faults = append(faults, fmt.Sprintf("port %d is not between 1 and 65535", r.Port))
	}
	if r.Health != "" && !path.IsAbs(r.Health) {
		faults = append(faults, fmt.Sprintf("health %q: it must be a path that begins with /, such as /heartbeat", r.Health))
	}
	if r.MaxBody < 0 {
		faults = append(faults, "the size of a body cannot be negative; leave it out for no limit")
	}
	return faults
}
