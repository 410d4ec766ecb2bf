// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func hostAttribute() schema.Attribute {
	return schema.StringAttribute{
		MarkdownDescription: "Name of the host that runs the portal, as it is in the provider's `hosts`. Left out, the provider chooses one, and the portal stays there while its `constraints` hold and the host is not drained. " +
			"Another host moves the portal: it is stopped where it is, and started there with its data when it has been proven to be stopped. See the guide [A pool of hosts](../guides/a-pool-of-hosts). With engine `swarm` it is `swarm`, and not to be set.",
		Optional:   true,
		Computed:   true,
		Validators: []validator.String{validate.HostName()},
	}
}

func constraintsAttribute() schema.Attribute {
	return schema.ListAttribute{
		MarkdownDescription: "Conditions on the host, in the words of Docker Swarm: `node.labels.zone == a`, `node.hostname != dal-1`. Labels are those of the provider's `hosts`, the hostname is the host's name there. All must hold.",
		Optional:            true,
		ElementType:         types.StringType,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.ValueStringsAre(validate.Constraint())},
	}
}

func placementAttribute() schema.Attribute {
	return schema.StringAttribute{
		MarkdownDescription: "Why the portal is on its `host`, as it was decided when it came there. Where hosts are compared by their load both are known after the apply, and the plan warns of the host that it would be now, and why. Null for an imported portal.",
		Computed:            true,
	}
}

// planHost plans where the portal will be, and why. It stays unknown while that
// cannot be decided, and also when hosts are compared by their load: Terraform
// plans once more as it applies, when other portals of the same run are there
// already, and insists on the same answer. The plan warns of the host that it would
// be now.
func (m *model) planHost(ctx context.Context, config model, prior *model, c *client.Client, spec stack.Spec, desired *stack.Stack) diag.Diagnostics {
	if c == nil || !c.Ready() || config.Host.IsUnknown() {
		return nil
	}
	home := ""
	if prior != nil {
		home = prior.Host.ValueString()
	}
	decision, err := c.Deployer.Place(ctx, desired, spec, home)
	if err != nil {
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("host"), fmt.Sprintf("Portal %s cannot be placed", spec.Name), strings.TrimSuffix(err.Error(), ".")+".")}
	}
	if decision.ByLoad {
		return diag.Diagnostics{foretell(spec.Name, decision)}
	}
	m.Host = types.StringValue(decision.Host)
	switch {
	case prior != nil && decision.Host == home:
		m.Placement = prior.Placement
	default:
		m.Placement = types.StringValue(decision.Reason)
	}
	return nil
}

// foretell tells of a host that the apply decides on.
func foretell(portal string, decision placement.Decision) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(path.Root("host"), fmt.Sprintf("Portal %s: to run on host %s", portal, decision.Host),
		fmt.Sprintf("Because: %s. The apply compares the hosts once more, and takes another one if their load has changed. Set host to decide it yourself.", decision.Reason))
}

// samePlace tells whether the portal stays on its host.
func (m *model) samePlace(prior *model) bool {
	return prior != nil && !m.Host.IsUnknown() && m.Host.Equal(prior.Host)
}

// settlePlace fills in what the plan did not know.
func (m *model) settlePlace(host, reason string) {
	if m.Host.IsUnknown() {
		m.Host = textOrNull(host)
	}
	if m.Placement.IsUnknown() {
		m.Placement = textOrNull(reason)
	}
}
