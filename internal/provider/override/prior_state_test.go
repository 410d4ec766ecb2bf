// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// priorState asserts the refreshed state that a plan starts from.
func priorState(at tfjsonpath.Path, want knownvalue.Check) plancheck.PlanCheck {
	return priorCheck{at, want}
}

type priorCheck struct {
	at   tfjsonpath.Path
	want knownvalue.Check
}

// CheckPlan looks at what the plan says the resource was before.
func (c priorCheck) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if change.Address != address {
			continue
		}
		got, err := tfjsonpath.Traverse(change.Change.Before, c.at)
		if err == nil {
			err = c.want.CheckValue(got)
		}
		resp.Error = err
		return
	}
	resp.Error = fmt.Errorf("the plan has no %s", address)
}
