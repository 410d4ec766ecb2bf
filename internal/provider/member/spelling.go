// SPDX-License-Identifier: MPL-2.0

package member

import (
	"context"
	"time"

	"github.com/docker/go-units"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
)

// spelling keeps the state's spelling of a value while the configuration only
// spells the same value in another way.
type spelling struct {
	description string
	same        func(a, b string) bool
}

// SameDuration is for durations: "90s" and "1m30s".
func SameDuration() planmodifier.String {
	return spelling{"The same duration in other units is no change.", func(a, b string) bool {
		before, errBefore := time.ParseDuration(a)
		after, errAfter := time.ParseDuration(b)
		return errBefore == nil && errAfter == nil && before == after
	}}
}

// SameAmount is for numbers of bytes: "2g" and "2048m".
func SameAmount() planmodifier.String {
	return spelling{"The same amount in another unit is no change.", func(a, b string) bool {
		before, errBefore := units.RAMInBytes(a)
		after, errAfter := units.RAMInBytes(b)
		return errBefore == nil && errAfter == nil && before == after
	}}
}

func (s spelling) Description(context.Context) string         { return s.description }
func (s spelling) MarkdownDescription(context.Context) string { return s.description }

// PlanModifyString compares the values, not their texts.
func (s spelling) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.PlanValue.IsNull() || req.PlanValue.IsUnknown() {
		return
	}
	if s.same(req.StateValue.ValueString(), req.PlanValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}
