// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// Terraform plans again as it applies, and the hosts' load may be another one then:
// the plan must not have promised a host.
func TestHostByLoadIsKnownAfterApply(t *testing.T) {
	fake, test := rig(t)
	fake.undecided = true
	test.Steps = []resource.TestStep{
		{
			Config: acme(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectUnknownValue(address1, tfjsonpath.New("host")),
				plancheck.ExpectUnknownValue(address1, tfjsonpath.New("placement")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{text("host", "host-1"), text("placement", "by then")},
		},
		{
			Config:           acme(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		},
	}
	resource.UnitTest(t, test)
	if fake.placed < 2 {
		t.Errorf("it was placed %d times", fake.placed)
	}
}
