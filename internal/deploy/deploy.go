// SPDX-License-Identifier: MPL-2.0

// Package deploy brings a portal up, changes it, reads it and takes it down:
// it joins the shared drive (storage) and the containers (engine) into one
// flow that can be cut off at any point and begun again.
package deploy

import (
	"context"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Deployer works on the portals of one engine.
type Deployer struct {
	Engine engine.Engine
	// StoragePath is where the shared drive is on the hosts.
	StoragePath string
	// StorageID pins the drive's id; empty accepts the drive that is there.
	StorageID string
	// Strategy is how a host is chosen; empty is placement.Spread.
	Strategy placement.Strategy
	// Version of the provider, for the manifest.
	Version string
	// Progress is told what happens, a line each; nil is allowed.
	Progress func(ctx context.Context, line string)

	turns     turns
	overrides overrideQueues
	reader    sharedReader
	placed    placed
}

// Result is what runs after an operation, or what Read found.
type Result struct {
	// Host that runs the portal.
	Host string
	// Placement says why it runs there when that was decided by this very call.
	Placement string
	// Addresses at which visitors reach the portal, none when not known.
	Addresses []string
	// Services by name.
	Services map[string]stack.Summary
	// HTTPPort is the host port of the load balancer, 0 when nothing is
	// published.
	HTTPPort int
	// Hostnames that the portal answers to; Import alone tells them.
	Hostnames []string
	// Certificates by hostname; nil where TLS ends elsewhere, and from Read.
	Certificates map[string]Certificate
	// Warnings for the user.
	Warnings []string
}
