// SPDX-License-Identifier: MPL-2.0

// Package stack is the domain: what a portal's stack should be, what was
// observed of it, and the operations that lead from one to the other.
//
// It is pure: no I/O, no clock, nothing of Docker, Terraform or files. What is
// decided here is decided the same way in `terraform plan` and in
// `terraform apply`.
package stack

// Spec is what a user asks of one portal: the resource's configuration in
// plain Go values. A blueprint turns it into a Stack.
type Spec struct {
	// Name is the portal's id: its directory on the shared drive, the prefix
	// of its containers. See ValidateName.
	Name string `json:"name"`
	// Domain is the hostname of the lms, StudioDomain that of the cms.
	Domain       string `json:"domain"`
	StudioDomain string `json:"studio_domain"`
	// Blueprint is a path to a Compose file or to a folder that holds one.
	// Empty means the built-in private-portal.
	Blueprint string `json:"blueprint,omitempty"`
	// Images maps an image role of the blueprint ("edxapp") to a reference.
	Images map[string]string `json:"images,omitempty"`
	// Addons are the Compose profiles to turn on.
	Addons []string `json:"addons,omitempty"`
	// Services tunes services and tasks that the blueprint has, by name.
	Services map[string]Tuning `json:"services,omitempty"`
	// Aliases are further hostnames of the lms.
	Aliases []string `json:"aliases,omitempty"`
	// Redirects are hostnames whose visitors are sent on to Domain.
	Redirects []string `json:"redirects,omitempty"`
	// HTTPPort is the host port that the load balancer is published on.
	// Zero lets Docker choose one.
	HTTPPort int `json:"http_port,omitempty"`
	// HTTPSPort is the same for HTTPS, where TLS ends at the load balancer.
	HTTPSPort int `json:"https_port,omitempty"`
	// TLS says where certificates come from; nil is TLSOff.
	TLS *TLS `json:"tls,omitempty"`
	// TrustedProxies are the networks (CIDR) of proxies before the load balancer:
	// what they say of a visitor (X-Forwarded-For, -Proto, -Host) counts.
	TrustedProxies []string `json:"trusted_proxies,omitempty"`
	// Gateway names the gateway that the portal is behind. Nothing is published
	// then, and TLS ends there.
	Gateway string `json:"gateway,omitempty"`
	// Front is how visitors reach the gateway; nil without one.
	Front *Front `json:"front,omitempty"`
	// Maintenance lets the load balancer answer everything with a page that says
	// that the portal is down on purpose.
	Maintenance bool `json:"maintenance,omitempty"`
	// Mail says how the mailer delivers; nil delivers directly.
	Mail *Mail `json:"mail,omitempty"`
	// Host that the user chose, empty for none; Constraints on the host, as
	// placement.Parse reads them.
	Host        string   `json:"host,omitempty"`
	Constraints []string `json:"constraints,omitempty"`
	// OnDestroy says what becomes of the portal's directory.
	OnDestroy OnDestroy `json:"on_destroy,omitempty"`
}

// Tuning changes one service of the blueprint. Zero values leave the
// blueprint's own.
type Tuning struct {
	Image    string `json:"image,omitempty"`
	Replicas *int   `json:"replicas,omitempty"`
	// Memory is the hard limit in bytes.
	Memory int64 `json:"memory,omitempty"`
	// CPUs is the limit in cores.
	CPUs float64 `json:"cpus,omitempty"`
	// Environment is laid over the blueprint's variables.
	Environment map[string]string `json:"environment,omitempty"`
}

// OnDestroy is what `terraform destroy` does with the portal's files.
type OnDestroy string

const (
	// Retain keeps the directory where it is; a later create adopts it.
	Retain OnDestroy = "retain"
	// Archive moves the directory to .archive/<portal>-<time> on the drive.
	Archive OnDestroy = "archive"
	// Delete removes the directory and everything in it.
	Delete OnDestroy = "delete"
)
