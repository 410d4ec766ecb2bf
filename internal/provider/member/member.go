// SPDX-License-Identifier: MPL-2.0

// Package member is what the resources share that join a portal's stack:
// services, tasks and backup schedules of the user's own.
package member

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Title is how a member is spoken of: "service chat".
func Title(m stack.Member) string { return titleOf(m.Owner()) }

func titleOf(owner string) string {
	kind, name, _ := strings.Cut(owner, "/")
	if kind == string(stack.MemberBackup) {
		kind = "backup schedule"
	}
	return kind + " " + name
}

// IDOf is the id of a portal's member: "acme/chat".
func IDOf(portal, name string) string { return portal + "/" + name }

// ParseID takes an id apart.
func ParseID(id string) (portal, name string, err error) {
	portal, name, found := strings.Cut(id, "/")
	if !found || portal == "" || name == "" || strings.Contains(name, "/") {
		return "", "", fmt.Errorf("%q is not the id of one: write the portal's name, a slash and its own name, for example \"acme/chat\"", id)
	}
	return portal, name, nil
}

// IdentitySchema says what tells one member from another of its kind.
func IdentitySchema() identityschema.Schema {
	return identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"portal": identityschema.StringAttribute{
				Description:       "Name of the portal.",
				RequiredForImport: true,
			},
			"name": identityschema.StringAttribute{
				Description:       "Its own name.",
				RequiredForImport: true,
			},
		},
	}
}

// SetIdentity fills in the identity. Terraform versions without identities ask
// for none.
func SetIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, portal, name string) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	diags := identity.SetAttribute(ctx, path.Root("portal"), portal)
	diags.Append(identity.SetAttribute(ctx, path.Root("name"), name)...)
	return diags
}

// ImportID reads what is to be imported: by an id, or by an identity.
func ImportID(ctx context.Context, req resource.ImportStateRequest) (portal, name string, diags diag.Diagnostics) {
	if req.ID == "" && req.Identity != nil {
		diags.Append(req.Identity.GetAttribute(ctx, path.Root("portal"), &portal)...)
		diags.Append(req.Identity.GetAttribute(ctx, path.Root("name"), &name)...)
		return portal, name, diags
	}
	portal, name, err := ParseID(req.ID)
	if err != nil {
		diags.AddError("Wrong id to import", err.Error()+".")
	}
	return portal, name, diags
}

// NoTimeouts is the attribute timeouts of an imported resource.
func NoTimeouts() timeouts.Value {
	return timeouts.Value{Object: types.ObjectNull(map[string]attr.Type{
		"create": types.StringType,
		"read":   types.StringType,
		"update": types.StringType,
		"delete": types.StringType,
	})}
}
