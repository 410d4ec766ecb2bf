// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const edge = `services:
  web: {image: web, x-portal: {routes: [{host: a.b, port: 80}]}}
  edge: {image: caddy, configs: [{source: c, target: /etc/caddy/caddy.json}]}
configs: {c: {x-portal: {ingress: caddy}}}
`

func TestTheLoadBalancerMountsAFolderThatChanges(t *testing.T) {
	s := mustBuild(t, userSpec(t, edge))
	checkInvariants(t, s)
	want := stack.Mount{Source: "/srv/portals/acme/ingress", Target: "/etc/caddy", ReadOnly: true}
	if got := s.Services["edge"].Mounts; !slices.Contains(got, want) {
		t.Errorf("mounts are %v, want %v among them", got, want)
	}
	if in := s.Ingress; in == nil || in.Service != "edge" || in.Format != "caddy" || in.File != "caddy.json" || in.Folder != "/etc/caddy" || strings.Join(in.Reload, " ") != "caddy reload --config -" {
		t.Errorf("the ingress is %+v", in)
	}
	if len(s.Files) != 0 {
		t.Errorf("files are %v: the configuration is rendered when the portal is applied", sortedKeys(s.Files))
	}
	if d, ok := s.Directories["ingress"]; !ok || d != (stack.Directory{Mode: 0o755}) {
		t.Errorf("the directory ingress is %+v, want one of root's that all can enter", d)
	}
}

func TestRoutesAreNoPartOfTheLoadBalancer(t *testing.T) {
	before := mustBuild(t, userSpec(t, edge))
	after := mustBuild(t, userSpec(t, strings.Replace(edge, "a.b", "c.d", 1)))
	if got := changed(before, after); len(got) > 0 {
		t.Errorf("another route changed %v", got)
	}
}

func TestReloadCanBeChosen(t *testing.T) {
	text := strings.Replace(edge, "image: caddy,", "image: caddy, x-portal: {reload: [sh, -c, 'caddy reload -c -']},", 1)
	if got := mustBuild(t, userSpec(t, text)).Ingress.Reload; !slices.Equal(got, []string{"sh", "-c", "caddy reload -c -"}) {
		t.Errorf("reload is %q", got)
	}
}

func TestWhatCannotBeALoadBalancer(t *testing.T) {
	for _, tt := range []struct{ name, old, new, hint string }{
		{"two services", "  edge:", "  gate: {image: caddy, configs: [c]}\n  edge:", "edge is the load balancer already"},
		{"a task", "image: caddy,", "image: caddy, x-portal: {task: manual},", "a task cannot be the load balancer"},
		{"folder of the system", "target: /etc/caddy/caddy.json", "target: /etc/caddy.json", "a folder of its own"},
		{"owner of the file", "target: /etc/caddy/caddy.json", "target: /etc/caddy/caddy.json, uid: '5'", "always readable by all"},
		{"mode of the file", "target: /etc/caddy/caddy.json", "target: /etc/caddy/caddy.json, mode: 0400", "always readable by all"},
		{"no room for the socket", "image: caddy,", "image: caddy, read_only: true,", "tmpfs"},
		{"reload of another", "image: web, x-portal: {", "image: web, x-portal: {reload: [nginx, -s, reload], ", "only the load balancer is reloaded"},
		{"reload as a text", "image: caddy,", "image: caddy, x-portal: {reload: caddy reload},", "must be a list"},
		{"reload of numbers", "image: caddy,", "image: caddy, x-portal: {reload: [1]},", "write 1 as a text"},
		{"another format", "ingress: caddy", "ingress: cady", `Did you mean "caddy"?`},
		{"path that climbs", "port: 80", "port: 80, path: /a/../b", "plain"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if text := problems(t, userSpec(t, strings.Replace(edge, tt.old, tt.new, 1))).Error(); !strings.Contains(text, tt.hint) {
				t.Errorf("want %q in:\n%s", tt.hint, text)
			}
		})
	}
	writable := strings.Replace(edge, "image: caddy,", "image: caddy, read_only: true, tmpfs: ['/tmp:mode=1777'],", 1)
	mustBuild(t, userSpec(t, writable))
}
