// SPDX-License-Identifier: MPL-2.0

// Package gateway is the resource portal_gateway.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Times allowed unless the attribute timeouts says otherwise.
const (
	writeTimeout = 10 * time.Minute
	readTimeout  = 2 * time.Minute
)

var (
	_ resource.ResourceWithConfigure   = (*gatewayResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*gatewayResource)(nil)
	_ resource.ResourceWithImportState = (*gatewayResource)(nil)
	_ resource.ResourceWithIdentity    = (*gatewayResource)(nil)
)

type gatewayResource struct {
	client *client.Client
}

// NewResource makes the resource portal_gateway.
func NewResource() resource.Resource { return &gatewayResource{} }

// Metadata names the resource.
func (r *gatewayResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_gateway"
}

// Schema describes the attributes.
func (r *gatewayResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema(ctx)
}

// IdentitySchema says what tells one gateway from another.
func (r *gatewayResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = resourceIdentity()
}

// Configure takes over the configured provider.
func (r *gatewayResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.client = c
}

// ModifyPlan works out what will run on each host, and what cannot be.
func (r *gatewayResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var config, plan model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	var prior *model
	if !req.State.Raw.IsNull() {
		prior = new(model)
		resp.Diagnostics.Append(req.State.Get(ctx, prior)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if prior != nil && !prior.Name.Equal(plan.Name) {
		prior = nil // another gateway: nothing of the old one's carries over
	}
	resp.Diagnostics.Append(certificate.Check(ctx, config.TLS)...)
	resp.Diagnostics.Append(plan.complete(ctx, r.client, prior)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for name, value := range map[string]any{
		"id": plan.ID, "instances": plan.Instances, "addresses": plan.Addresses, "certificates": plan.Certificates,
	} {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// apply is what Create and Update ask for.
type apply func(ctx context.Context, spec stack.GatewaySpec, given map[string]string) (deploy.Gateway, error)

// carryOut applies a plan, which becomes the state. It is false when that failed.
func (r *gatewayResource) carryOut(ctx context.Context, plan *model, config tfsdk.Config, do apply, did string, limit time.Duration, diags *diag.Diagnostics) bool {
	name := plan.Name.ValueString()
	spec, d := plan.spec(ctx)
	diags.Append(d...)
	given := r.given(ctx, config, diags)
	if diags.HasError() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	result, err := do(ctx, spec, given)
	diags.Append(client.GatewayWarnings(name, result.Warnings)...)
	if err != nil {
		diags.Append(client.GatewayFailure(name, did, client.TimedOut(ctx, err, did, limit)))
		return false
	}
	diags.Append(plan.settle(ctx, result)...)
	return true
}

// given are the private keys of the configuration, by the names of their files:
// they are in no plan.
func (r *gatewayResource) given(ctx context.Context, from tfsdk.Config, diags *diag.Diagnostics) map[string]string {
	var config model
	diags.Append(from.Get(ctx, &config)...)
	given, d := certificate.Given(ctx, config.TLS)
	diags.Append(d...)
	return given
}

// Create brings the gateway up. When it fails no state is written, and the next
// apply, which is a create again, finishes it.
func (r *gatewayResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	limit, diags := plan.Timeouts.Create(ctx, writeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Creating a gateway"))
		return
	}
	if !r.carryOut(ctx, &plan, req.Config, r.client.Deployer.CreateGateway, "create", limit, &resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.Name.ValueString())...)
}

// Read puts what really runs into the state.
func (r *gatewayResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Read(ctx, readTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	name := state.Name.ValueString()
	// Terraform before 1.12 keeps no identity, so every way out needs it set.
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, name)...)
	if !r.client.Ready() {
		resp.Diagnostics.AddWarning(fmt.Sprintf("Gateway %s was not read", name),
			"A value in the provider block is known only after apply, so its hosts could not be asked: "+
				"the plan compares with the last known state.")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found, exists, err := r.client.Deployer.ReadGateway(ctx, name)
	switch {
	case err != nil:
		resp.Diagnostics.Append(client.GatewayFailure(name, "read", client.TimedOut(ctx, err, "read", limit)))
	case !exists:
		resp.State.RemoveResource(ctx)
	default:
		resp.Diagnostics.Append(state.observe(ctx, found)...)
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	}
}

// Update changes the gateway in place. When it fails, the state keeps the
// configuration of before, and the next plan shows what is still to be done.
func (r *gatewayResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := plan.Timeouts.Update(ctx, writeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Updating a gateway"))
		return
	}
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.Name.ValueString())...)
	if !r.carryOut(ctx, &plan, req.Config, r.client.Deployer.UpdateGateway, "update", limit, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Delete takes the gateway down.
func (r *gatewayResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Delete(ctx, writeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Destroying a gateway"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	name := state.Name.ValueString()
	if err := r.client.Deployer.DeleteGateway(ctx, name, state.onDestroy()); err != nil {
		resp.Diagnostics.Append(client.GatewayFailure(name, "destroy", client.TimedOut(ctx, err, "delete", limit)))
	}
}

// ImportState fills the configuration from the gateway's manifest on the drive.
func (r *gatewayResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	name := req.ID
	if name == "" && req.Identity != nil {
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("name"), &name)...)
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Importing a gateway"))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found, exists, err := r.client.Deployer.ReadGateway(ctx, name)
	if err == nil && !exists {
		err = errors.New("there is no such gateway on the shared drive: check the name and the provider's storage path")
	}
	if err != nil {
		resp.Diagnostics.Append(client.GatewayFailure(name, "import", err))
		return
	}
	var imported model
	resp.Diagnostics.Append(imported.setSpec(ctx, found.Spec)...)
	resp.Diagnostics.Append(imported.observe(ctx, found)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &imported)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, name)...)
}

// setIdentity fills in what tells one gateway from another. Terraform versions
// without identities ask for none.
func setIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, name string) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.SetAttribute(ctx, path.Root("name"), name)
}
