// SPDX-License-Identifier: MPL-2.0

// Package backup is the resource portal_backup_schedule and the data source
// portal_backups.
package backup

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
)

var (
	_ resource.ResourceWithConfigure      = (*scheduleResource)(nil)
	_ resource.ResourceWithValidateConfig = (*scheduleResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*scheduleResource)(nil)
	_ resource.ResourceWithImportState    = (*scheduleResource)(nil)
	_ resource.ResourceWithIdentity       = (*scheduleResource)(nil)
)

type scheduleResource struct {
	client *client.Client
}

// NewResource makes the resource portal_backup_schedule.
func NewResource() resource.Resource { return &scheduleResource{} }

// Metadata names the resource.
func (r *scheduleResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_backup_schedule"
}

// Schema describes the attributes.
func (r *scheduleResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema(ctx)
}

// IdentitySchema says what tells one schedule from another.
func (r *scheduleResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = member.IdentitySchema()
}

// Configure takes over the configured provider.
func (r *scheduleResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.client = c
}

// ValidateConfig checks attributes against each other.
func (r *scheduleResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(config.check()...)
}

// ModifyPlan works out what the tasks will be in the portal's stack, and what
// cannot be.
func (r *scheduleResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
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
	if prior != nil && (!prior.Portal.Equal(plan.Portal) || !prior.Name.Equal(plan.Name)) {
		prior = nil // another schedule: nothing of the old one's carries over
	}
	resp.Diagnostics.Append(plan.complete(ctx, r.client, config.CredentialsWO, prior)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for name, value := range map[string]any{
		"id": plan.ID, "host": plan.Host, "digest": plan.Digest, "status": plan.Status,
		"next_run": plan.NextRun, "last_run": plan.LastRun, "last_verify": plan.LastVerify,
	} {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// Create makes the tasks. When it fails no state is written; what it began is on
// the drive, and the next apply, which is a create again, finishes it.
func (r *scheduleResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Create(ctx, member.WriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	there, diags := r.create(ctx, plan, config, limit)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.settle(there)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(member.SetIdentity(ctx, resp.Identity, plan.Portal.ValueString(), plan.Name.ValueString())...)
}

// Read puts into the state what is there, how the last run went, and when the
// next one is.
func (r *scheduleResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Read(ctx, member.ReadTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	portal, name := state.Portal.ValueString(), state.Name.ValueString()
	// Terraform before 1.12 keeps no identity, so every way out needs it set.
	resp.Diagnostics.Append(member.SetIdentity(ctx, resp.Identity, portal, name)...)
	if !r.client.Ready() {
		resp.Diagnostics.Append(member.NotRead(portal, ownerOf(TaskName(name))))
		return
	}
	there, exists, diags := r.read(ctx, portal, name, limit)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !exists {
		resp.State.RemoveResource(ctx)
		return
	}
	state.observe(there)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Update changes the tasks in place. When it fails, the state keeps the
// configuration of before and tells what is there, so that the next plan shows
// what is still to be done.
func (r *scheduleResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Update(ctx, member.WriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	portal, name := plan.Portal.ValueString(), plan.Name.ValueString()
	resp.Diagnostics.Append(member.SetIdentity(ctx, resp.Identity, portal, name)...)
	there, diags := r.update(ctx, plan, config, limit)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		if there, exists, diags := r.read(ctx, portal, name, member.ReadTimeout); exists && !diags.HasError() {
			state.observe(there)
		}
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
		return
	}
	plan.settle(there)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Delete removes the tasks. The repository and its snapshots stay.
func (r *scheduleResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Delete(ctx, member.WriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	portal, name := state.Portal.ValueString(), state.Name.ValueString()
	for _, task := range []string{verifyTaskName(name), TaskName(name)} {
		resp.Diagnostics.Append(member.Remove(ctx, r.client, portal, ownerOf(task), limit)...)
	}
}

// ImportState fills the configuration from the records on the drive.
func (r *scheduleResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	portal, name, diags := member.ImportID(ctx, req)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	imported, diags := r.imported(ctx, portal, name)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &imported)...)
	resp.Diagnostics.Append(member.SetIdentity(ctx, resp.Identity, portal, imported.Name.ValueString())...)
}
