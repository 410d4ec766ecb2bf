// SPDX-License-Identifier: MPL-2.0

package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// complete fills in the computed attributes of a planned service, as far as
// they are known before anything happens. secrets are the configured secret
// files; prior is the state, nil for a service to be created.
func (m *model) complete(ctx context.Context, c *client.Client, secrets types.Map, prior *model) diag.Diagnostics {
	var part *stack.Stack
	var diags diag.Diagnostics
	if m.known(ctx, secrets) {
		var wanted stack.Member
		wanted, diags = m.domain(ctx, secrets)
		if diags.HasError() {
			return diags
		}
		var d diag.Diagnostics
		part, d = member.Join(ctx, c, m.Portal.ValueString(), wanted)
		diags.Append(d...)
		if diags.HasError() {
			return diags
		}
	}
	var head *member.Head
	if prior != nil {
		head = &prior.Head
	}
	m.Head.Plan(stack.MemberService, head, part)
	return diags
}

// wanted is the planned service in the domain's terms, with the contents of the
// secret files when they are to be written: when containers are made. prior is
// the state, nil at create.
func (m model) wanted(ctx context.Context, secrets types.Map, prior *model) (stack.Member, map[string]string, diag.Diagnostics) {
	out, diags := m.domain(ctx, secrets)
	if prior != nil && m.Digest.Equal(prior.Digest) {
		return out, nil, diags
	}
	given, d := member.Contents(out, secrets)
	diags.Append(d...)
	return out, given, diags
}
