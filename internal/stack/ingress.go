// SPDX-License-Identifier: MPL-2.0

package stack

// Ingress is the configuration of a portal's load balancer. It is made from the
// routes of all parts of the stack, and is the one file that changes under
// containers that run: they are told to load it.
type Ingress struct {
	// Service that is the load balancer.
	Service string
	// Format of the configuration: "caddy".
	Format string
	// Reload is the command that makes a running container load the
	// configuration, which it gets on its standard input.
	Reload []string
	// Retry is Reload that also takes up a configuration which is the same, and so
	// lets the container ask for certificates again; nil when there is none.
	Retry []string
	// Folder is where IngressFolder is mounted in its containers, and File the
	// name of the configuration in it.
	Folder, File string
	// Storage is where it keeps the certificates that it gets, relative to the
	// portal's directory; empty when it keeps none.
	Storage string
	// ByName says that the name of a service leads to all its replicas that are
	// well, and that they have no names of their own: the engine runs them itself.
	ByName bool `json:",omitempty"`
	// UID and GID are the user that reads the configuration.
	UID, GID int
	// Settings are what the configuration says beside the routes.
	Settings IngressSettings
}

// IngressFolder holds the load balancer's configuration and the certificates
// that were given, relative to the portal's directory.
const IngressFolder = "ingress"

// IngressSettings are what a load balancer's configuration says beside the
// routes. They are no part of a digest: a change of them is loaded.
type IngressSettings struct {
	// Domain is where Redirects lead, by the scheme and port of URL.
	Domain, URL string
	Redirects   []string
	// TLS is nil for plain HTTP.
	TLS *TLS
	// HTTPSPort is what visitors use for HTTPS.
	HTTPSPort int
	// TrustedProxies are networks whose word on a visitor counts.
	TrustedProxies []string
	// Maintenance answers everything with a page that says so.
	Maintenance bool
}

// Route is a hostname and path that the load balancer sends to a service.
type Route struct {
	Host string
	Path string // prefix; empty means all
	Port int
	// MaxBody is the largest request body in bytes; zero means no limit.
	MaxBody int64
	// Health is a path that answers 2xx while a replica is well, "/heartbeat".
	// Empty: one is passed over only when it refuses the connection.
	Health string
}
