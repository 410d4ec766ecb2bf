// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// complete fills in the computed attributes of a planned task, as far as they
// are known before anything happens. secrets are the configured secret files;
// prior is the state, nil for a task to be created.
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
	m.Head.Plan(stack.MemberTask, head, part)
	m.planRuns(prior)
	return diags
}

// wanted is the planned task in the domain's terms, with the contents of the
// secrets that the user gave when they are to be written: when the container is
// made. prior is the state, nil at create.
func (m model) wanted(ctx context.Context, config model, prior *model) (stack.Member, map[string]string, diag.Diagnostics) {
	out, diags := m.domain(ctx, config.SecretFilesWO)
	if prior != nil && m.Digest.Equal(prior.Digest) {
		return out, nil, diags
	}
	given, d := member.Contents(out, config.SecretFilesWO)
	diags.Append(d...)
	if !config.WebhookURLWO.IsNull() {
		given[member.GivenName(out, webhookWhat, m.WebhookURLWOVersion)] = config.WebhookURLWO.ValueString()
	}
	return out, given, diags
}
