// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ingressMount is where a service wants the load balancer's configuration.
type ingressMount struct {
	service, target, name string
	file                  stack.File
}

// resolveRoutes checks all services' routes.
func (b *builder) resolveRoutes() {
	owners := map[[2]string]string{}
	for _, name := range sortedKeys(b.stack.Services) {
		s := b.stack.Services[name]
		at := "services." + name + ".x-portal.routes"
		for i := range s.Routes {
			r := &s.Routes[i]
			if wrong := validHostname(r.Host); wrong != "" {
				b.refuse(at, "host %q: %s", r.Host, wrong)
			}
			if r.Path == "" {
				r.Path = "/"
			}
			if !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path, "*?#% \t\n") {
				b.refuse(at, "path %q: it must begin with / and be plain, such as /static/", r.Path)
			}
			if r.Port < 1 || r.Port > 65535 {
				b.refuse(at, "port %d is not between 1 and 65535", r.Port)
			}
			key := [2]string{r.Host, strings.TrimSuffix(r.Path, "/")}
			if other, taken := owners[key]; taken {
				b.refuse(at, "%s%s is routed to %s already", r.Host, r.Path, other)
			}
			owners[key] = name
		}
		if len(s.Routes) > 0 && len(b.ingress) == 0 {
			b.refuse(at, "nothing serves the routes: a load balancer must mount a config with `x-portal: {ingress: caddy}`")
		}
	}
}

// writeIngress renders the load balancer's configuration, last of all.
func (b *builder) writeIngress() {
	var routes []ingress.Route
	for _, name := range sortedKeys(b.stack.Services) {
		for _, r := range b.stack.Services[name].Routes {
			routes = append(routes, ingress.Route{Route: r, Service: name})
		}
	}
	content := ingress.Caddy(routes)
	for _, m := range b.ingress {
		m.file.Content = content
		source := b.addFile("config", m.name, m.file)
		s := b.stack.Services[m.service]
		s.Mounts = append(s.Mounts, stack.Mount{Source: source, Target: m.target, ReadOnly: true})
		sortMounts(s.Mounts)
	}
}
