// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"

	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

// sameAmount keeps the state's spelling of an amount of memory while the
// configuration only spells the same amount in another way: "2g" and "2048m".
type sameAmount struct{}

const sameAmountDescription = "The same amount in another unit is no change."

func (sameAmount) Description(context.Context) string         { return sameAmountDescription }
func (sameAmount) MarkdownDescription(context.Context) string { return sameAmountDescription }

// PlanModifyString compares the two amounts in bytes.
func (sameAmount) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.PlanValue.IsNull() || req.PlanValue.IsUnknown() {
		return
	}
	before, err := validate.Bytes(req.StateValue.ValueString())
	if err != nil {
		return
	}
	if after, err := validate.Bytes(req.PlanValue.ValueString()); err == nil && after == before {
		resp.PlanValue = req.StateValue
	}
}
