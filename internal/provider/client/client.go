// SPDX-License-Identifier: MPL-2.0

// Package client holds what a configured provider hands to its resources and
// data sources, and turns errors of the domain into Terraform's diagnostics.
package client

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Deployer is what Terraform's side asks for; deploy.Deployer does it.
type Deployer interface {
	// Create brings a portal up. It finishes what an earlier Create began.
	Create(ctx context.Context, spec stack.Spec, desired *stack.Stack) (deploy.Result, error)
	// Update changes a portal. Next to an error the result still tells what
	// runs now.
	Update(ctx context.Context, spec stack.Spec, desired *stack.Stack) (deploy.Result, error)
	// Read tells what runs. It is false when the portal has been removed.
	Read(ctx context.Context, name string) (deploy.Result, bool, error)
	// Delete takes a portal down; its files go the way onDestroy says.
	Delete(ctx context.Context, name string, onDestroy stack.OnDestroy) error
	// Import reads how a portal was configured, and what runs. It changes
	// nothing.
	Import(ctx context.Context, name string) (stack.Spec, deploy.Result, error)
	// Portals names all portals of the pool, sorted.
	Portals(ctx context.Context) ([]string, error)
}

// Client is a configured provider.
type Client struct {
	// Deployer is nil while the provider's configuration holds values that are
	// known only after apply, such as the address of a host to be made.
	Deployer Deployer
	// StoragePath is where hosts have the shared drive; empty while unknown.
	StoragePath string
}

// Ready tells whether hosts can be asked.
func (c *Client) Ready() bool { return c != nil && c.Deployer != nil }

// From takes the client out of the data that Terraform's framework passes to
// Configure. It is nil without an error while the configuration is validated.
func From(data any) (*Client, diag.Diagnostics) {
	if data == nil {
		return nil, nil
	}
	c, ok := data.(*Client)
	if !ok {
		return nil, diag.Diagnostics{diag.NewErrorDiagnostic(
			"Unexpected provider data",
			fmt.Sprintf("Got %T instead of *client.Client. This is a bug in the provider: please report it.", data),
		)}
	}
	return c, nil
}

// NotReady is the error of an operation that needs hosts while their
// addresses are unknown.
func NotReady(what string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(
		"The provider's configuration is not known yet",
		what+" needs the hosts of the provider block, and a value there becomes known only after apply. "+
			"Apply what it comes from first, for example with -target.",
	)
}
