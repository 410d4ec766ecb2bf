// SPDX-License-Identifier: MPL-2.0

// Package client holds what a configured provider hands to its resources and
// data sources, and turns errors of the domain into Terraform's diagnostics.
package client

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Deployer is what Terraform's side asks for; deploy.Deployer does it.
type Deployer interface {
	// Place decides which host a portal is to run on, and why; home is where the
	// state has it, empty for a new one.
	Place(ctx context.Context, desired *stack.Stack, spec stack.Spec, home string) (placement.Decision, error)
	// Create brings a portal up. It finishes what an earlier Create began. given
	// holds contents of secrets by the names of their files; others stay as they
	// are.
	Create(ctx context.Context, spec stack.Spec, desired *stack.Stack, given map[string]string) (deploy.Result, error)
	// Update changes a portal; given is as for Create. Next to an error the result
	// still tells what runs now.
	Update(ctx context.Context, spec stack.Spec, desired *stack.Stack, given map[string]string) (deploy.Result, error)
	// Read tells what runs. It is false when the portal has been removed.
	Read(ctx context.Context, name string) (deploy.Result, bool, error)
	// Delete takes a portal down; its files go the way onDestroy says.
	Delete(ctx context.Context, name string, onDestroy stack.OnDestroy) error
	// Import reads how a portal was configured, and what runs. It changes
	// nothing.
	Import(ctx context.Context, name string) (stack.Spec, deploy.Result, error)
	// Portals names all portals of the pool, sorted.
	Portals(ctx context.Context) ([]string, error)
	// HostStatus tells of each host of the pool how it is, sorted by name. One
	// that does not answer is a row with its error.
	HostStatus(ctx context.Context) []engine.HostStatus

	// ApplyOverride brings the values of an override into the portal's file and
	// restarts what reads it. It makes the override when it has no ID, and
	// finishes what an earlier call began.
	ApplyOverride(ctx context.Context, o deploy.Override) (deploy.OverrideState, error)
	// ReadOverride tells what is there of an override. It is false when the
	// override or its portal is gone.
	ReadOverride(ctx context.Context, portal, id string) (deploy.OverrideState, bool, error)
	// RemoveOverride takes an override's values out of the file and restarts
	// what reads it.
	RemoveOverride(ctx context.Context, portal, id string) error
	// ImportOverride finds an override by its id, "<portal>/<8 hex digits>", or
	// makes one of values that are in the file, "<portal>:<leaf>[,<leaf>…]".
	ImportOverride(ctx context.Context, importID string) (deploy.OverrideState, error)
	// Credentials returns the values of a portal's generated secrets, by name.
	Credentials(ctx context.Context, portal string) (map[string]string, error)

	// ApplyMember brings a member of a portal's stack up, or to where it should
	// be. given holds contents of its given secrets by the names of their files;
	// others stay as they are. Next to an error the state still tells what runs.
	ApplyMember(ctx context.Context, portal string, m stack.Member, given map[string]string) (deploy.MemberState, error)
	// ReadMember tells what is there of a member. It is false when the member or
	// its portal is gone.
	ReadMember(ctx context.Context, portal, owner string) (deploy.MemberState, bool, error)
	// RemoveMember takes a member down. One that is gone already is no error.
	RemoveMember(ctx context.Context, portal, owner string) error
	// BaseStack is the portal's own part of its stack, as it was applied last. It
	// fails with deploy.ErrNoPortal when there is none.
	BaseStack(ctx context.Context, portal string) (*stack.Stack, error)

	// RunTask runs a task and waits for its end; one that is under way is waited
	// for before. Next to the error of a run that failed, the result tells of it.
	RunTask(ctx context.Context, portal, task string, progress func(line string)) (deploy.TaskRun, error)
	// RestartServices restarts services in place; without names, those that
	// restart on a change of the overrides.
	RestartServices(ctx context.Context, portal string, services []string, progress func(line string)) error
	// Restore puts a backup back, with what writes stopped meanwhile.
	Restore(ctx context.Context, portal string, o deploy.RestoreOptions, progress func(line string)) (deploy.TaskRun, error)
	// Certificates tells of those of a portal's hostnames; nil where TLS ends
	// elsewhere.
	Certificates(ctx context.Context, portal string) (map[string]deploy.Certificate, error)

	// GatewaySpec is how a gateway was applied last. It fails with
	// deploy.ErrNoGateway when there is none.
	GatewaySpec(ctx context.Context, name string) (stack.GatewaySpec, error)
	// GatewayAddresses are where visitors come to a gateway, as far as known.
	GatewayAddresses(ctx context.Context, name string) ([]string, error)
	// GatewaySummary is what a gateway will be on each host of the pool.
	GatewaySummary(spec stack.GatewaySpec) (map[string]stack.Summary, error)
	// CreateGateway brings a gateway up, UpdateGateway changes it. given holds
	// private keys by the names of their files.
	CreateGateway(ctx context.Context, spec stack.GatewaySpec, given map[string]string) (deploy.Gateway, error)
	UpdateGateway(ctx context.Context, spec stack.GatewaySpec, given map[string]string) (deploy.Gateway, error)
	// ReadGateway tells what runs. It is false when there is no such gateway.
	ReadGateway(ctx context.Context, name string) (deploy.Gateway, bool, error)
	// DeleteGateway takes a gateway down, unless portals are behind it.
	DeleteGateway(ctx context.Context, name string, onDestroy stack.OnDestroy) error

	// Backups lists what a portal's task has in its repository, the oldest
	// first; task is empty for the blueprint's own backup task.
	Backups(ctx context.Context, portal, task string) ([]deploy.Backup, error)
}

// Client is a configured provider.
type Client struct {
	// Deployer is nil while the provider's configuration holds values that are
	// known only after apply, such as the address of a host to be made.
	Deployer Deployer
	// StoragePath is where hosts have the shared drive; empty while unknown.
	StoragePath string
	// Planned is what has been planned in this run of Terraform.
	Planned Planned
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
