// SPDX-License-Identifier: MPL-2.0

// Package ingress renders the configuration of load balancers and gateways. It
// is pure: same input, same bytes.
package ingress

import (
	"fmt"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Caddy is the format of Caddy's JSON configuration, and the only one.
const Caddy = "caddy"

// Ports that a load balancer and a gateway listen on in their containers.
const (
	HTTPPort   = 8080
	HTTPSPort  = 8443
	HealthPort = 8081 // on the loopback address
)

// Render writes the configuration of a portal's load balancer. in says what it
// is beside the routes.
func Render(in stack.Ingress, routes []Route) ([]byte, error) {
	switch in.Format {
	case Caddy:
		return encode(loadBalancer(in, routes)), nil
	default:
		return nil, fmt.Errorf("there is no format %q of a load balancer's configuration; there is %q", in.Format, Caddy)
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

// Retry is Reload, even if the configuration is the one that is in use: Caddy
// then asks at once for certificates that it could not get.
func Retry(format string) []string {
	if format != Caddy {
		return nil
	}
	return append(Reload(format), "--force")
}
