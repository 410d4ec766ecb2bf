// SPDX-License-Identifier: MPL-2.0

// Package portal is the resource portal and its data sources.
package portal

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// Times allowed unless the attribute timeouts says otherwise.
const (
	createTimeout = 30 * time.Minute
	readTimeout   = 2 * time.Minute
	updateTimeout = 30 * time.Minute
	deleteTimeout = 20 * time.Minute
)

var (
	_ resource.ResourceWithConfigure   = (*portalResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*portalResource)(nil)
	_ resource.ResourceWithImportState = (*portalResource)(nil)
	_ resource.ResourceWithIdentity    = (*portalResource)(nil)
)

type portalResource struct {
	client *client.Client
}

// NewResource makes the resource portal.
func NewResource() resource.Resource { return &portalResource{} }

// Metadata names the resource like the provider itself.
func (r *portalResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName
}

// Schema describes the attributes.
func (r *portalResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema(ctx)
}

// IdentitySchema says what tells one portal from another.
func (r *portalResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = resourceIdentity()
}

// Configure takes over the configured provider.
func (r *portalResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.client = c
}

// ModifyPlan computes the stack that apply will bring about.
func (r *portalResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
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
		prior = nil // another portal: nothing of the old one's carries over
	}

	desired, diags := plan.complete(ctx, config, prior, r.client)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(certificate.Check(ctx, config.TLS)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if r.client != nil && !plan.Name.IsUnknown() {
		if err := r.client.Planned.SetPortal(plan.Name.ValueString(), desired); err != nil {
			resp.Diagnostics.Append(problems(plan.Name.ValueString(), err)...)
			return
		}
	}
	resp.Diagnostics.Append(plan.warnOfMove(prior)...)
	for name, value := range map[string]any{
		"id": plan.ID, "studio_domain": plan.StudioDomain, "host": plan.Host, "placement": plan.Placement, "directory": plan.Directory,
		"url": plan.URL, "studio_url": plan.StudioURL, "stack": plan.Stack,
		"hostnames": plan.Hostnames, "certificates": plan.Certificates,
		"addresses": plan.Addresses,
	} {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// Create brings the portal up. When it fails no state is written: the portal's
// manifest on the drive is marked incomplete, and the next apply, which is a
// create again, finishes it instead of replacing it.
func (r *portalResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Create(ctx, createTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Creating a portal"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	name := plan.Name.ValueString()
	spec, desired, diags := plan.desired(ctx, config, r.client)
	resp.Diagnostics.Append(diags...)
	given, diags := config.given(ctx, nil)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	result, err := r.client.Deployer.Create(ctx, spec, desired, given)
	resp.Diagnostics.Append(client.Warnings(name, result.Warnings)...)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(name, "create", client.TimedOut(ctx, err, "create", limit)))
		return
	}
	resp.Diagnostics.Append(plan.settle(ctx, desired, result)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, name)...)
}

// Read puts what really runs into the state.
func (r *portalResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
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
		resp.Diagnostics.AddWarning(fmt.Sprintf("Portal %s was not read", name),
			"A value in the provider block is known only after apply, so its host could not be asked: "+
				"the plan compares with the last known state.")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	result, found, err := r.client.Deployer.Read(ctx, name)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(name, "read", client.TimedOut(ctx, err, "read", limit)))
		return
	}
	if !found {
		resp.State.RemoveResource(ctx)
		return
	}
	if gateway := state.Gateway.ValueString(); gateway != "" {
		if result.Addresses, err = r.client.Deployer.GatewayAddresses(ctx, gateway); err != nil {
			resp.Diagnostics.Append(client.Failure(name, "read", client.TimedOut(ctx, err, "read", limit)))
			return
		}
	}
	resp.Diagnostics.Append(client.Warnings(name, result.Warnings)...)
	resp.Diagnostics.Append(state.observe(ctx, result)...)
	if state.hasCertificates() {
		certificates, err := r.client.Deployer.Certificates(ctx, name)
		if err != nil {
			resp.Diagnostics.Append(client.Failure(name, "read", client.TimedOut(ctx, err, "read", limit)))
			return
		}
		resp.Diagnostics.Append(state.observeCertificates(ctx, certificates)...)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Update changes the portal in place. When it fails, the state keeps the
// configuration of before and tells what runs now, so that the next plan shows
// what is still to be done.
func (r *portalResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := plan.Timeouts.Update(ctx, updateTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Updating a portal"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	name := plan.Name.ValueString()
	spec, desired, diags := plan.desired(ctx, config, r.client)
	resp.Diagnostics.Append(diags...)
	given, diags := config.given(ctx, &state)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	desired.Home = state.Host.ValueString()
	result, err := r.client.Deployer.Update(ctx, spec, desired, given)
	resp.Diagnostics.Append(client.Warnings(name, result.Warnings)...)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(name, "update", client.TimedOut(ctx, err, "update", limit)))
		resp.Diagnostics.Append(updateFailed(ctx, &state, result)...)
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
		resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, name)...)
		return
	}
	resp.Diagnostics.Append(plan.settle(ctx, desired, result)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, name)...)
}

// Delete takes the portal down. Its files go the way the last applied
// on_destroy says.
func (r *portalResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Delete(ctx, deleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Destroying a portal"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	name := state.Name.ValueString()
	if err := r.client.Deployer.Delete(ctx, name, state.onDestroy()); err != nil {
		resp.Diagnostics.Append(client.Failure(name, "destroy", client.TimedOut(ctx, err, "delete", limit)))
	}
}

// ImportState fills the configuration from the portal's manifest on the drive,
// so that the plan that follows is empty.
func (r *portalResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	name := req.ID
	if name == "" && req.Identity != nil {
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("name"), &name)...)
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Importing a portal"))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()

	spec, result, err := r.client.Deployer.Import(ctx, name)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(name, "import", err))
		return
	}
	imported, diags := importedModel(ctx, spec, result, r.client.StoragePath)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(client.Warnings(name, result.Warnings)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &imported)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, name)...)
}
