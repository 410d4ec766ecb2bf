// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ingressMode lets the load balancer's user into the directory of its
// configuration.
const ingressMode = 0o755

// defaultFolder is where the configuration is mounted when the blueprint does not
// say.
const defaultFolder = "/portal/ingress"

// Where Caddy keeps certificates: in a folder of what its image calls its data.
const (
	caddyData   = "/data"
	caddyFolder = "caddy"
)

// ingressMount makes a service the portal's load balancer. The folder that it
// mounts holds a configuration that is rendered when the portal is applied, from
// the routes of the blueprint's services and of those that joined it, and the
// certificates that were given.
func (b *builder) ingressMount(c types.ServiceConfig, ref types.ServiceConfigObjConfig, target, at string) (stack.Mount, bool) {
	if known := b.stack.Ingress; known != nil && known.Service != c.Name {
		b.refuse(at, "%s is the load balancer already, and a portal has one: remove the config %s from one of the two services", known.Service, ref.Source)
		return stack.Mount{}, false
	}
	if ref.UID != "" || ref.GID != "" || ref.Mode != nil {
		b.refuse(at, "the load balancer's configuration is always readable by all (0444): remove uid, gid and mode")
	}
	if ref.Target == "" {
		target = path.Join(defaultFolder, ref.Source)
	}
	folder := path.Dir(path.Clean(target))
	if path.Dir(folder) == "/" {
		b.refuse(at+".target", "the load balancer's configuration lies in a folder of its own, which is mounted as a whole over what the image has there: write for example %s/config.json", defaultFolder)
	}
	format := b.configs[ref.Source].ingress
	reload, retry := b.extensions[c.Name].reload, []string(nil)
	if reload == nil {
		reload, retry = ingress.Reload(format), ingress.Retry(format)
	}
	user, _ := parseOwner(c.User)
	b.stack.Ingress = &stack.Ingress{
		Service: c.Name, Format: format, Reload: reload, Retry: retry, Folder: folder, File: path.Base(target), UID: user.uid, GID: user.gid,
		Settings: stack.IngressSettings{
			Domain: b.spec.Domain, URL: b.spec.Entrance().URL(b.spec.Domain), Redirects: b.spec.Redirects,
			TLS: b.spec.TLS, HTTPSPort: b.spec.PublishedHTTPS(), TrustedProxies: b.spec.TrustedProxies, Maintenance: b.spec.Maintenance,
		},
	}
	if b.spec.Gateway != "" {
		b.stack.Ingress.Settings.TrustedProxies = gatewayNetworks
	}
	b.stack.Directories[stack.IngressFolder] = stack.Directory{Mode: ingressMode}
	return stack.Mount{Source: b.directory(stack.IngressFolder), Target: folder, ReadOnly: true}, true
}

// gatewayNetworks are those that a gateway's requests can come from: the private
// ranges, as nobody knows the addresses of containers beforehand. Behind a gateway
// the load balancer is published nowhere, so nobody else reaches it but the
// portal's own services.
var gatewayNetworks = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}

// resolveIngress makes of the load balancer what the portal asks for, and checks
// that it can be one and that nothing else is to be reloaded.
func (b *builder) resolveIngress() {
	for _, name := range sortedKeys(b.extensions) {
		if b.extensions[name].reload != nil && (b.stack.Ingress == nil || b.stack.Ingress.Service != name) {
			b.refuse("services."+name+".x-portal.reload", "only the load balancer is reloaded: the service that mounts a config with `x-portal: {ingress: caddy}`")
		}
	}
	if b.stack.Ingress == nil {
		b.needsIngress()
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
	b.publish(s)
	b.joinGateway(s)
	b.keepCertificates(s)
	b.addAliases()
}

// needsIngress refuses what only a load balancer can do.
func (b *builder) needsIngress() {
	for attribute, wanted := range map[string]bool{
		"aliases": len(b.spec.Aliases) > 0, "redirects": len(b.spec.Redirects) > 0, "tls": b.spec.TLS.On(),
		"trusted_proxies": len(b.spec.TrustedProxies) > 0, "gateway": b.spec.Gateway != "", "maintenance": b.spec.Maintenance,
	} {
		if wanted {
			b.problem(attribute, "The blueprint has no load balancer", "%s is what a load balancer does, and no service of %s mounts a config with `x-portal: {ingress: caddy}`.", attribute, b.folder.display())
		}
	}
}

// publish leaves out ports that nobody comes by: all of them behind a gateway,
// and that of HTTPS where TLS ends elsewhere.
func (b *builder) publish(s *stack.Service) {
	s.Ports = slices.DeleteFunc(s.Ports, func(p stack.Port) bool {
		return b.spec.Gateway != "" || p.Container == ingress.HTTPSPort && !b.spec.TLS.On()
	})
	published := func(port int) bool {
		return slices.ContainsFunc(s.Ports, func(p stack.Port) bool { return p.Container == port })
	}
	if b.spec.TLS.On() && !published(ingress.HTTPSPort) {
		b.refuse("services."+s.Name+".ports", "the portal has certificates (tls), and nothing publishes HTTPS: add {target: %d, published: \"${%s}\"}", ingress.HTTPSPort, httpsPortVariable)
	}
}

// joinGateway puts the load balancer into the gateway's network, under a name
// that no other portal has, and under no other.
func (b *builder) joinGateway(s *stack.Service) {
	if b.spec.Gateway == "" {
		return
	}
	name := stack.EdgeNetwork(b.spec.Gateway)
	b.stack.Networks[name] = stack.Network{Name: name, Internal: true, Gateway: b.spec.Gateway}
	s.Networks[name] = []string{stack.EdgeAlias(b.spec.Name)}
}

// keepCertificates notes where on the drive certificates are found.
func (b *builder) keepCertificates(s *stack.Service) {
	for _, m := range s.Mounts {
		if rel, ok := strings.CutPrefix(m.Source, b.stack.Directory+"/"); ok && m.Target == caddyData && !m.ReadOnly {
			b.stack.Ingress.Storage = path.Join(rel, caddyFolder)
		}
	}
	if b.spec.TLS.On() && b.spec.TLS.Mode != stack.TLSFiles && b.stack.Ingress.Storage == "" {
		b.refuse("services."+s.Name+".volumes", "the load balancer keeps no certificates: mount a named volume at %s, or each restart asks for new ones", caddyData)
	}
}

// addAliases lets services that answer to the portal's domain answer to its
// aliases as well.
func (b *builder) addAliases() {
	for _, s := range b.stack.Services {
		routes := s.Routes
		for _, alias := range b.spec.Aliases {
			for _, r := range routes {
				if r.Host == b.spec.Domain {
					r.Host = alias
					s.Routes = append(s.Routes, r)
				}
			}
		}
	}
}
