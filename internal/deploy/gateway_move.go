// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// moveToGateway lets the portal's gateway lead to it, and the one that it was
// behind before no more. It returns warnings.
func (d *Deployer) moveToGateway(ctx context.Context, b *begun, spec stack.Spec, hosts []string) ([]string, error) {
	var warnings []string
	if spec.Gateway != "" {
		var err error
		route := gatewayRoute{Portal: spec.Name, Host: b.observed.Host, Hostnames: hosts}
		if warnings, err = d.publish(ctx, spec.Gateway, route); err != nil {
			return nil, err
		}
	}
	if former := b.manifest.Spec.Gateway; former != "" && former != spec.Gateway {
		return warnings, d.unpublish(ctx, b.observed.Host, former, spec.Name)
	}
	return warnings, nil
}

// checkClaim fails when the gateway of a portal is not there, or leads one of its
// hostnames to another portal: before anything of the portal is made. What others
// claim meanwhile is found by publish.
func (d *Deployer) checkClaim(ctx context.Context, spec stack.Spec, hosts []string) error {
	if spec.Gateway == "" {
		return nil
	}
	s, err := d.gatewaySnapshot(ctx, spec.Gateway)
	if err != nil {
		return err
	}
	routes, err := routesOf(s.Records)
	if err != nil {
		return err
	}
	return routes.claim(spec.Gateway, gatewayRoute{Portal: spec.Name, Hostnames: hosts})
}

// announce tells the gateway of the portal that is locked of all hostnames that
// its parts answer to.
func (c *memberChange) announce(ctx context.Context, all parts) error {
	gateway := c.manifest.Spec.Gateway
	if gateway == "" {
		return nil
	}
	warnings, err := c.publish(ctx, gateway, gatewayRoute{
		Portal: c.portal, Host: c.observed.Host, Hostnames: ingress.Hostnames(all.stacks()...),
	})
	c.warnings = append(c.warnings, warnings...)
	return err
}
