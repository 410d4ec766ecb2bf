// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"maps"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func list(addresses ...string) knownvalue.Check {
	checks := make([]knownvalue.Check, len(addresses))
	for i, a := range addresses {
		checks[i] = knownvalue.StringExact(a)
	}
	return knownvalue.ListExact(checks)
}

func TestAddresses(t *testing.T) {
	fake, test := rig(t)
	at := tfjsonpath.New("addresses")
	state := func(want knownvalue.Check) []statecheck.StateCheck {
		return []statecheck.StateCheck{statecheck.ExpectKnownValue(address1, at, want)}
	}
	fake.addresses = []string{"203.0.113.7"}
	data := "\n" + `data "portal" "acme" { name = portal.acme.name }`
	changed := acme(`services = { web = { replicas = 2 } }`)
	test.Steps = []resource.TestStep{
		{
			Config: acme(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply:             []plancheck.PlanCheck{plancheck.ExpectUnknownValue(address1, at)},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			},
			ConfigStateChecks: state(list("203.0.113.7")),
		},
		{ // They stay known while the portal stays where it is.
			Config: changed + data,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue(address1, at, list("203.0.113.7")),
			}},
			ConfigStateChecks: append(state(list("203.0.113.7")),
				statecheck.ExpectKnownValue("data.portal.acme", at, list("203.0.113.7"))),
		},
		{ // Another address of the host is read, and is nothing to apply.
			PreConfig: func() { fake.addresses = []string{"dal-1.example.com"} },
			Config:    changed,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address1, plancheck.ResourceActionNoop),
			}},
			ConfigStateChecks: state(list("dal-1.example.com")),
		},
		{ // No container left: it comes back where it was.
			PreConfig: func() {
				fake.change("acme", func(running map[string]stack.Summary) { maps.DeleteFunc(running, anything) })
			},
			Config: changed,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue(address1, at, list("dal-1.example.com")),
			}},
			ConfigStateChecks: state(list("dal-1.example.com")),
		},
		{
			ResourceName: address1, ImportState: true, ImportStateId: "acme",
			ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts", "placement"},
		},
	}
	resource.UnitTest(t, test)
}

func anything(string, stack.Summary) bool { return true }
