// SPDX-License-Identifier: MPL-2.0

// Package service is the resource portal_service: a further service in a
// portal's stack.
package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

var (
	_ resource.ResourceWithConfigure      = (*serviceResource)(nil)
	_ resource.ResourceWithValidateConfig = (*serviceResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*serviceResource)(nil)
	_ resource.ResourceWithImportState    = (*serviceResource)(nil)
	_ resource.ResourceWithIdentity       = (*serviceResource)(nil)
)

type serviceResource struct {
	client *client.Client
}

// NewResource makes the resource portal_service.
func NewResource() resource.Resource { return &serviceResource{} }

// Metadata names the resource.
func (r *serviceResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_service"
}

// Schema describes the attributes.
func (r *serviceResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema(ctx)
}

// IdentitySchema says what tells one service from another.
func (r *serviceResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = member.IdentitySchema()
}

// Configure takes over the configured provider.
func (r *serviceResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	c, diags := client.From(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.client = c
}

// ValidateConfig checks attributes against each other.
func (r *serviceResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(config.Check()...)
}

// ModifyPlan works out what the service will be in its portal's stack, and what
// cannot be.
func (r *serviceResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
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
		prior = nil // another service: nothing of the old one's carries over
	}
	resp.Diagnostics.Append(plan.complete(ctx, r.client, config.SecretFilesWO, prior)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for name, value := range map[string]any{
		"id": plan.ID, "host": plan.Host, "digest": plan.Digest, "status": plan.Status,
	} {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// Create brings the service up. When it fails no state is written; what it began
// is on the drive, and the next apply, which is a create again, finishes it.
func (r *serviceResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Create(ctx, member.WriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	wanted, given, diags := plan.wanted(ctx, config.SecretFilesWO, nil)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	portal := plan.Portal.ValueString()
	result, diags := member.Create(ctx, r.client, portal, wanted, given, limit)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.Settle(result)
	resp.Diagnostics.Append(client.Warnings(portal, plan.Different(result, wanted.Replicas))...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(member.SetIdentity(ctx, resp.Identity, portal, wanted.Name)...)
}

// Read puts what really runs into the state.
func (r *serviceResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Read(ctx, member.ReadTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	portal := state.Portal.ValueString()
	// Terraform before 1.12 keeps no identity, so every way out needs it set.
	resp.Diagnostics.Append(member.SetIdentity(ctx, resp.Identity, portal, state.Name.ValueString())...)
	if !r.client.Ready() {
		resp.Diagnostics.Append(member.NotRead(portal, state.owner()))
		return
	}
	result, found, diags := member.Read(ctx, r.client, portal, state.owner(), limit)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !found {
		resp.State.RemoveResource(ctx)
		return
	}
	state.Observe(result, state.replicas())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Update changes the service in place. When it fails, the state keeps the
// configuration of before and tells what runs now, so that the next plan shows
// what is still to be done.
func (r *serviceResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Update(ctx, member.WriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	wanted, given, diags := plan.wanted(ctx, config.SecretFilesWO, &state)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	portal := plan.Portal.ValueString()
	resp.Diagnostics.Append(member.SetIdentity(ctx, resp.Identity, portal, wanted.Name)...)
	result, diags := member.Update(ctx, r.client, portal, wanted, given, limit)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		if result.Member.Name != "" {
			state.Observe(result, state.replicas())
		}
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
		return
	}
	plan.Settle(result)
	resp.Diagnostics.Append(client.Warnings(portal, plan.Different(result, wanted.Replicas))...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Delete takes the service down. The files of its volumes stay.
func (r *serviceResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Delete(ctx, member.WriteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(member.Remove(ctx, r.client, state.Portal.ValueString(), state.owner(), limit)...)
}

// ImportState fills the configuration from the record on the drive.
func (r *serviceResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	portal, name, diags := member.ImportID(ctx, req)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	result, diags := member.Import(ctx, r.client, portal, ownerOf(name))
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	var imported model
	resp.Diagnostics.Append(imported.setMember(ctx, portal, result.Member)...)
	imported.Observe(result, imported.replicas())
	resp.Diagnostics.Append(resp.State.Set(ctx, &imported)...)
	resp.Diagnostics.Append(member.SetIdentity(ctx, resp.Identity, portal, name)...)
}

func ownerOf(name string) string {
	return stack.Member{Kind: stack.MemberService, Name: name}.Owner()
}

func (m model) owner() string { return ownerOf(m.Name.ValueString()) }

func (m model) replicas() int { return int(m.Replicas.ValueInt64()) }
