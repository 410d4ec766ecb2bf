// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// adminListen is where Caddy takes a new configuration: a socket that only
// processes in its own container reach.
const adminListen = "unix//tmp/caddy-admin.sock"

// accessLog names the log of requests.
const accessLog = "access"

// loadBalancer is the configuration of a portal's load balancer, for Caddy 2.10
// and later.
func loadBalancer(in stack.Ingress, routes []Route) config {
	s := in.Settings
	hosts := hostnames(routes, s.Redirects)
	var sites []route
	if s.Maintenance {
		sites = []route{{Match: hostMatch(hosts), Handle: []handler{unavailable(maintenancePage)}, Terminal: true}}
	} else {
		sites = append(siteRoutes(routes), redirectRoute(s)...)
	}
	sites = append(sites, route{Handle: []handler{notFound("No portal answers to this hostname.\n")}})
	return assemble(front{
		tls: s.TLS, hosts: hosts, sites: sites, httpsPort: s.HTTPSPort, trusted: s.TrustedProxies, folder: in.Folder,
	})
}

// front is what load balancers and gateways have in common.
type front struct {
	tls   *stack.TLS // nil: plain HTTP
	hosts []string   // that it answers to, sorted
	sites []route
	// httpsPort is what visitors use.
	httpsPort int
	trusted   []string // CIDR
	folder    string   // of the configuration in the container
}

func assemble(f front) config {
	c := config{
		Admin: admin{Listen: adminListen, Config: adminConfig{Persist: false}},
		Logging: logging{Logs: map[string]log{
			"default": {Level: "WARN", Exclude: []string{"http.log.access." + accessLog}},
			// What becomes of certificates is worth knowing.
			"certificates": {Level: "INFO", Include: []string{"tls.obtain", "tls.renew", "tls.cache.maintenance"}},
			accessLog: {
				Level: "INFO", Include: []string{"http.log.access." + accessLog},
				Writer: &writer{Output: "stdout"}, Encoder: &encoder{Format: "json"},
			},
		}},
	}
	c.Apps.HTTP = httpApp{HTTPPort: HTTPPort, HTTPSPort: HTTPSPort, Servers: map[string]server{"health": healthServer()}}
	if !f.tls.On() {
		c.Apps.HTTP.Servers["http"] = f.server(HTTPPort, f.sites)
		return c
	}
	c.Apps.HTTP.Servers["http"] = f.server(HTTPPort, f.toHTTPS())
	https := f.server(HTTPSPort, append([]route{offerHTTP3(f.httpsPort)}, f.sites...))
	https.Protocols = []string{"h1", "h2", "h3"}
	https.TLSConnectionPolicies = []connectionPolicy{{}}
	// A visitor who asked for one portal's certificate gets no other's pages.
	https.StrictSNIHost = new(true)
	c.Apps.HTTP.Servers["https"] = https
	c.Apps.TLS = tlsOf(f.tls, f.hosts, f.folder)
	if f.tls.Mode == stack.TLSInternal {
		c.Apps.PKI = &pkiApp{CertificateAuthorities: map[string]authority{internalCA: {
			Name: "Private Portals", InstallTrust: false,
		}}}
	}
	return c
}

// server listens on a port of the container.
func (f front) server(port int, routes []route) server {
	s := server{
		Listen:            []string{fmt.Sprintf(":%d", port)},
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		Protocols:         []string{"h1"},
		Routes:            routes,
		Errors:            &errorRoutes{Routes: []route{failureRoute()}},
		AutomaticHTTPS:    disabled{Disable: true}, // all of it is said here
		Logs:              &serverLogs{DefaultLoggerName: accessLog},
	}
	if len(f.trusted) > 0 {
		s.TrustedProxies = &ipSource{Source: "static", Ranges: f.trusted}
		// From the right: what a client wrote itself is on the left.
		s.TrustedProxiesStrict = 1
	}
	return s
}

// offerHTTP3 tells browsers by which port they find HTTP/3: Caddy itself knows only
// that of its container.
func offerHTTP3(port int) route {
	return route{Handle: []handler{{Handler: "headers", Response: &responseHeaders{
		Set: map[string][]string{"Alt-Svc": {fmt.Sprintf(`h3=":%d"; ma=86400`, port)}},
	}}}}
}

// toHTTPS sends visitors on. Challenges of an authority are answered before.
func (f front) toHTTPS() []route {
	host := stack.Front{HTTPS: true, Port: f.httpsPort}.URL("{http.request.host}")
	return []route{
		{Match: hostMatch(f.hosts), Handle: []handler{redirect(308, host+"{http.request.uri}")}, Terminal: true},
		{Handle: []handler{notFound("No portal answers to this hostname.\n")}},
	}
}

// healthServer tells the container's health check that Caddy works.
func healthServer() server {
	return server{
		Listen:         []string{fmt.Sprintf("127.0.0.1:%d", HealthPort)},
		Protocols:      []string{"h1"},
		AutomaticHTTPS: disabled{Disable: true},
		Routes:         []route{{Handle: []handler{{Handler: "static_response", StatusCode: 200, Body: "ok\n"}}}},
	}
}

// hostnames of routes and redirects, sorted and each once.
func hostnames(routes []Route, redirects []string) []string {
	hosts := slices.Clone(redirects)
	for _, r := range routes {
		hosts = append(hosts, r.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func hostMatch(hosts []string) []match { return []match{{Host: hosts}} }

func encode(c config) []byte {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		// The types hold only plain data: this cannot happen.
		panic(fmt.Sprintf("configuration of Caddy: %v", err))
	}
	return append(text, '\n')
}

// inFolder is the path of a file beside the configuration.
func inFolder(folder, name string) string { return path.Join(folder, name) }
