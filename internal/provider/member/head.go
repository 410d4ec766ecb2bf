// SPDX-License-Identifier: MPL-2.0

package member

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Head is what every member has: what tells it from others, and what runs of
// it.
type Head struct {
	ID     types.String `tfsdk:"id"`
	Portal types.String `tfsdk:"portal"`
	Name   types.String `tfsdk:"name"`
	Host   types.String `tfsdk:"host"`
	Digest types.String `tfsdk:"digest"`
	Status types.String `tfsdk:"status"`
}

// StatusNothing is the status of a member of which no container is there.
const StatusNothing = "no container is there"

// Plan fills in what is computed, as far as that is known before anything
// happens: all is well after an apply, so a state that says otherwise is a
// difference. prior is the state, nil for a member to be created; part is what
// Join made, nil while that is not known.
func (h *Head) Plan(kind stack.MemberKind, prior *Head, part *stack.Stack) {
	h.ID = types.StringUnknown()
	if !h.Portal.IsUnknown() && !h.Name.IsUnknown() {
		h.ID = types.StringValue(IDOf(h.Portal.ValueString(), h.Name.ValueString()))
	}
	h.Host = types.StringUnknown()
	if prior != nil && !prior.Digest.IsNull() && !prior.Host.IsNull() {
		h.Host = prior.Host
	}
	h.Status = types.StringValue(wellStatus(kind))
	h.Digest = types.StringUnknown()
	if part != nil {
		_, name, _ := strings.Cut(part.Owner, "/")
		h.Digest = types.StringValue(stack.Digest(part.Services[name]))
	}
}

// Settle turns a plan that was carried out into a state.
func (h *Head) Settle(result deploy.MemberState) {
	h.ID = types.StringValue(IDOf(h.Portal.ValueString(), h.Name.ValueString()))
	if h.Host.IsUnknown() {
		h.Host = TextOrNull(result.Host)
	}
	if h.Digest.IsUnknown() {
		h.Digest = TextOrNull(result.Summary.Digest)
	}
}

// Observe turns a state into what was found; replicas is how many containers
// there should be. With no container left no host is found either: the last
// known one stays.
func (h *Head) Observe(result deploy.MemberState, replicas int) {
	h.ID = types.StringValue(IDOf(h.Portal.ValueString(), h.Name.ValueString()))
	h.Digest = TextOrNull(result.Summary.Digest)
	h.Status = types.StringValue(status(result.Summary, replicas))
	if result.Host != "" || h.Host.IsUnknown() {
		h.Host = TextOrNull(result.Host)
	}
}

// Different lines tell what is not as planned after an apply that succeeded,
// such as a container without a health check that ended at once.
func (h *Head) Different(result deploy.MemberState, replicas int) []string {
	got := status(result.Summary, replicas)
	if got == h.Status.ValueString() {
		return nil
	}
	return []string{fmt.Sprintf("%s was started and is not well: %s. Look at its log; the next plan shows it as drift.", Title(result.Member), got)}
}

// wellStatus is the status of a member that is as it should be.
func wellStatus(kind stack.MemberKind) string {
	if kind == stack.MemberService {
		return stack.StatusRunning
	}
	return stack.StatusReady
}

// status says in words what is wrong with a member, or that nothing is.
func status(s stack.Summary, replicas int) string {
	if s.Replicas == 0 && s.Status == "" {
		return StatusNothing
	}
	if s.Replicas == replicas {
		return s.Status
	}
	count := fmt.Sprintf("%d of %d containers", s.Replicas, replicas)
	if s.Replicas > replicas {
		count = fmt.Sprintf("%d containers instead of %d", s.Replicas, replicas)
	}
	if s.Status == stack.StatusRunning || s.Status == stack.StatusReady {
		return count
	}
	return strings.Join([]string{count, s.Status}, "; ")
}

// TextOrNull is a text, null when it is empty.
func TextOrNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}
