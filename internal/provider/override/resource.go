// SPDX-License-Identifier: MPL-2.0

// Package override is the resource portal_override: values in a portal's
// ansible_overrides.yml.
package override

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// Times allowed unless the attribute timeouts says otherwise. The services are
// restarted one after the other, each until it is healthy.
const (
	writeTimeout = 30 * time.Minute
	readTimeout  = 2 * time.Minute
)

var (
	_ resource.ResourceWithConfigure      = (*overrideResource)(nil)
	_ resource.ResourceWithValidateConfig = (*overrideResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*overrideResource)(nil)
	_ resource.ResourceWithImportState    = (*overrideResource)(nil)
	_ resource.ResourceWithIdentity       = (*overrideResource)(nil)
)

type overrideResource struct {
	client *client.Client
}

// NewResource makes the resource portal_override.
func NewResource() resource.Resource { return &overrideResource{} }

// Metadata names the resource.
func (r *overrideResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_override"
}

// Schema describes the attributes.
func (r *overrideResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema(ctx)
}

// IdentitySchema says what tells one override from another.
func (r *overrideResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = resourceIdentity()
}

// Configure takes over the configured provider.
func (r *overrideResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.client = c
}

// ValidateConfig checks attributes against each other.
func (r *overrideResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(config.check()...)
}

// ModifyPlan says what is computed: after an apply nothing is left to do. A
// state that says otherwise is then a difference, which the apply settles.
func (r *overrideResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var plan, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(plan.complete(config.SecretValuesWO)...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("status"), plan.Status)...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("secrets"), plan.Secrets)...)
}

// Create writes the values. When it fails no state is written; what it began is
// on the drive, and the next apply, which is a create again, finishes it.
func (r *overrideResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Create(ctx, writeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Setting overrides"))
		return
	}
	wanted, diags := plan.override(config.SecretValuesWO, nil)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	result, err := r.client.Deployer.ApplyOverride(ctx, wanted)
	resp.Diagnostics.Append(client.Warnings(wanted.Portal, result.Warnings)...)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(wanted.Portal, "setting overrides", client.TimedOut(ctx, err, "create", limit)))
		return
	}
	plan.settle(result)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, result.ID)...)
}

// Read puts what is in the file into the state.
func (r *overrideResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Read(ctx, readTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	name, id := state.Portal.ValueString(), state.ID.ValueString()
	// Terraform before 1.12 keeps no identity, so every way out needs it set.
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, id)...)
	if !r.client.Ready() {
		resp.Diagnostics.AddWarning(fmt.Sprintf("Overrides of portal %s were not read", name),
			"A value in the provider block is known only after apply, so its host could not be asked: "+
				"the plan compares with the last known state.")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	result, exists, err := r.client.Deployer.ReadOverride(ctx, name, id)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(name, "reading overrides", client.TimedOut(ctx, err, "read", limit)))
		return
	}
	if !exists {
		resp.State.RemoveResource(ctx)
		return
	}
	resp.Diagnostics.Append(client.Warnings(name, result.Warnings)...)
	state.observe(ctx, result)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Update writes the values that are wanted now and takes away those that are
// not any more. When it fails, the former values are in the file and in the
// state.
func (r *overrideResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Update(ctx, writeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.ID.ValueString())...)
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Setting overrides"))
		return
	}
	wanted, diags := plan.override(config.SecretValuesWO, &state)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	result, err := r.client.Deployer.ApplyOverride(ctx, wanted)
	resp.Diagnostics.Append(client.Warnings(wanted.Portal, result.Warnings)...)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(wanted.Portal, "setting overrides", client.TimedOut(ctx, err, "update", limit)))
		return
	}
	plan.settle(result)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Delete takes the override's values out of the file.
func (r *overrideResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Delete(ctx, writeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Removing overrides"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	name := state.Portal.ValueString()
	if err := r.client.Deployer.RemoveOverride(ctx, name, state.ID.ValueString()); err != nil {
		resp.Diagnostics.Append(client.Failure(name, "removing overrides", client.TimedOut(ctx, err, "delete", limit)))
	}
}

// ImportState finds an override by its id, or makes one of values that are in
// the file.
func (r *overrideResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := req.ID
	if id == "" && req.Identity != nil {
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("id"), &id)...)
	}
	if !r.client.Ready() {
		resp.Diagnostics.Append(client.NotReady("Importing overrides"))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()

	result, err := r.client.Deployer.ImportOverride(ctx, id)
	if err != nil {
		resp.Diagnostics.Append(client.Failure(portalOf(id), "importing overrides", err))
		return
	}
	imported := importedModel(ctx, result)
	resp.Diagnostics.Append(client.Warnings(result.Portal, result.Warnings)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &imported)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, result.ID)...)
}
