// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Front is how visitors reach a gateway: as it is planned in this run of
// Terraform, or else as it was applied last. It is nil, without an error, while
// that is not known.
func (c *Client) Front(ctx context.Context, gateway string) (*stack.Front, diag.Diagnostics) {
	if spec, planned := c.Planned.Gateway(gateway); planned {
		if spec == nil {
			return nil, nil
		}
		front := spec.Entrance()
		return &front, nil
	}
	if !c.Ready() {
		return nil, nil
	}
	spec, err := c.Deployer.GatewaySpec(ctx, gateway)
	if err != nil {
		return nil, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("gateway"), "The gateway cannot be used", err.Error()+".")}
	}
	front := spec.Entrance()
	return &front, nil
}

// SetGateway notes what a gateway will be; nil while it is not known.
func (p *Planned) SetGateway(name string, spec *stack.GatewaySpec) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gateways == nil {
		p.gateways = map[string]*stack.GatewaySpec{}
	}
	p.gateways[name] = spec
}

// Gateway is what a gateway will be. It is false when it has not been planned;
// it is nil when it was, and is not known.
func (p *Planned) Gateway(name string) (*stack.GatewaySpec, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	spec, found := p.gateways[name]
	return spec, found
}
