// SPDX-License-Identifier: MPL-2.0

package member

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Join works out, while Terraform plans, the part of its portal's stack that a
// member is. It is nil without an error while the portal's own stack is not
// known: the portal, or the host that knows it, is still to be made.
func Join(ctx context.Context, c *client.Client, portal string, m stack.Member) (*stack.Stack, diag.Diagnostics) {
	base, err := baseStack(ctx, c, portal)
	if err != nil {
		return nil, diag.Diagnostics{client.Failure(portal, "reading its stack", err)}
	}
	if base == nil {
		return nil, nil
	}
	part, err := c.Planned.Join(base, m)
	if err != nil {
		return nil, Problems(portal, "planning "+Title(m), err)
	}
	return part, nil
}

// baseStack is the portal's own stack: the one that this run of Terraform
// plans, or else the one that was applied last. It is nil while not known.
func baseStack(ctx context.Context, c *client.Client, portal string) (*stack.Stack, error) {
	if c == nil {
		return nil, nil
	}
	if planned, found, err := c.Planned.Portal(portal); found || err != nil {
		return planned, err
	}
	if !c.Ready() {
		return nil, nil
	}
	base, err := c.Deployer.BaseStack(ctx, portal)
	if errors.Is(err, deploy.ErrNoPortal) {
		return nil, nil
	}
	return base, err
}
