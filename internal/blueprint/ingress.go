// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"path"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ingressMode lets the load balancer's user into the directory of its
// configuration.
const ingressMode = 0o755

// ingressMount makes a service the portal's load balancer. The file that it
// mounts is rendered when the portal is applied: from the routes of the
// blueprint's services, and of those that joined it.
func (b *builder) ingressMount(c types.ServiceConfig, ref types.ServiceConfigObjConfig, target, at string) (stack.Mount, bool) {
	if known := b.stack.Ingress; known != nil && known.Service != c.Name {
		b.refuse(at, "%s is the load balancer already, and a portal has one: remove the config %s from one of the two services", known.Service, ref.Source)
		return stack.Mount{}, false
	}
	if ref.UID != "" || ref.GID != "" || ref.Mode != nil {
		b.refuse(at, "the load balancer's configuration is always readable by all (0444): remove uid, gid and mode")
	}
	format := b.configs[ref.Source].ingress
	reload := b.extensions[c.Name].reload
	if reload == nil {
		reload = ingress.Reload(format)
	}
	b.stack.Ingress = &stack.Ingress{Service: c.Name, Format: format, Reload: reload}
	b.stack.Directories[path.Dir(stack.IngressPath)] = stack.Directory{Mode: ingressMode}
	return stack.Mount{Source: b.directory(stack.IngressPath), Target: path.Clean(target), ReadOnly: true}, true
}

// resolveIngress checks that the load balancer can be one, and that nothing
// else is to be reloaded.
func (b *builder) resolveIngress() {
	for _, name := range sortedKeys(b.extensions) {
		if b.extensions[name].reload != nil && (b.stack.Ingress == nil || b.stack.Ingress.Service != name) {
			b.refuse("services."+name+".x-portal.reload", "only the load balancer is reloaded: the service that mounts a config with `x-portal: {ingress: caddy}`")
		}
	}
	if b.stack.Ingress == nil {
		return
	}
	s := b.stack.Services[b.stack.Ingress.Service]
	at := "services." + s.Name
	if s.Task != nil {
		b.refuse(at, "a task cannot be the load balancer: it ends")
	}
	writable := slices.ContainsFunc(s.Mounts, func(m stack.Mount) bool { return m.Target == "/tmp" && !m.ReadOnly })
	if s.ReadOnly && !writable {
		b.refuse(at+".tmpfs", "the load balancer keeps its control socket in /tmp, which is read-only: add `tmpfs: [\"/tmp:mode=1777\"]`")
	}
}
