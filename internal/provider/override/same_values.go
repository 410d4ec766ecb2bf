// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// sameValues keeps the state's values while the configuration has the same
// ones in other types: an object and a map, a tuple and a list.
type sameValues struct{}

const sameValuesDescription = "The same values in other types are no change."

func (sameValues) Description(context.Context) string         { return sameValuesDescription }
func (sameValues) MarkdownDescription(context.Context) string { return sameValuesDescription }

// PlanModifyDynamic compares what would be in the file.
func (sameValues) PlanModifyDynamic(_ context.Context, req planmodifier.DynamicRequest, resp *planmodifier.DynamicResponse) {
	if isNull(req.StateValue) || isNull(req.PlanValue) || isUnknown(req.PlanValue) {
		return
	}
	before, err := decode(req.StateValue)
	if err != nil {
		return
	}
	if after, err := decode(req.PlanValue); err == nil && overrides.Equal(before, after) {
		resp.PlanValue = req.StateValue
	}
}
