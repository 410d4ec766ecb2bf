// SPDX-License-Identifier: MPL-2.0

// Package action holds the actions: things that are done to a portal once, when
// somebody asks for them, and that no state remembers. They need Terraform 1.14.
package action

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

var _ action.ActionWithConfigure = (*portalAction)(nil)

// portalAction is any of the actions. They have their frame in common (a portal,
// a time limit, progress messages, errors), and differ in what they take beside
// it and in what they do.
type portalAction struct {
	client *client.Client

	// name is the part of the type's name after the provider's.
	name        string
	description string
	// attributes beside those of all actions.
	attributes map[string]schema.Attribute
	// limit is the time allowed unless the attribute timeout says otherwise.
	limit time.Duration
	// did is the action in the summary of an error: "restart".
	did    string
	invoke invoke
}

// invoke does the action.
type invoke func(ctx context.Context, r request) error

// request is one invocation.
type request struct {
	deployer client.Deployer
	portal   string
	// config holds the attributes of the action's own.
	config tfsdk.Config
	// progress shows the user a line.
	progress func(line string)
}

// read gives the value of an attribute of the action's own; what is not set
// leaves its zero value.
func (r request) read(ctx context.Context, attribute string, into any) error {
	if diags := r.config.GetAttribute(ctx, path.Root(attribute), into); diags.HasError() {
		return fmt.Errorf("read the attribute %s: %s", attribute, diags.Errors()[0].Detail())
	}
	return nil
}

// Metadata names the action.
func (a *portalAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + a.name
}

// Schema describes the attributes.
func (a *portalAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = a.schema()
}

// Configure takes over the configured provider.
func (a *portalAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	a.client = c
}

// Invoke does the action, within the time allowed.
func (a *portalAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var portal, timeout types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(attrPortal), &portal)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(attrTimeout), &timeout)...)
	if !a.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("An action"))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	limit, err := a.allowed(timeout)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root(attrTimeout), "Invalid value for timeout", err.Error())
		return
	}
	progress, delivered := relay(ctx, func(line string) {
		resp.SendProgress(action.InvokeProgressEvent{Message: line})
	})
	defer delivered()
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	err = a.invoke(limited, request{
		deployer: a.client.Deployer, portal: portal.ValueString(), config: req.Config, progress: progress,
	})
	if err != nil {
		resp.Diagnostics.Append(client.Failure(portal.ValueString(), a.did, timedOut(limited, err, limit)))
	}
}

// allowed is the time that an invocation may take.
func (a *portalAction) allowed(timeout types.String) (time.Duration, error) {
	if timeout.IsNull() {
		return a.limit, nil
	}
	return time.ParseDuration(timeout.ValueString())
}

// timedOut explains an error that came because the time allowed was up, and
// passes any other error on unchanged.
func timedOut(ctx context.Context, err error, limit time.Duration) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w\n\nThe time allowed was up: timeout is %s. Raise it if the host only needs longer", err, limit)
}
