// SPDX-License-Identifier: MPL-2.0

package override

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
)

func TestDrift(t *testing.T) {
	const hcl = `values = { A = "x", F = { a = true, b = false }, L = ["p", "q"] }`
	for name, change := range map[string]func(*fakeDeployer){
		"a leaf changed":     func(f *fakeDeployer) { f.put("F.a", false) },
		"a leaf gone":        func(f *fakeDeployer) { f.put("F.a", nil) },
		"of another type":    func(f *fakeDeployer) { f.put("A", true) },
		"a list changed":     func(f *fakeDeployer) { f.put("L", []any{"p"}) },
		"a map in its place": func(f *fakeDeployer) { f.put("A", map[string]any{"x": "y"}) },
		"services behind":    func(f *fakeDeployer) { f.status = "lms has to be restarted" },
		"everything gone": func(f *fakeDeployer) {
			for _, path := range f.leaves() {
				f.put(path, nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			long.Among(t, name, "a leaf changed", "everything gone")
			fake, test := rig(t)
			test.Steps = []resource.TestStep{
				{Config: config(hcl), Check: expectWrites(fake, "apply acme A F.a F.b L")},
				{
					PreConfig:         func() { change(fake) },
					Config:            config(hcl),
					ConfigPlanChecks:  preApply(action(plancheck.ResourceActionUpdate)),
					ConfigStateChecks: []statecheck.StateCheck{status("applied"), state(value("A"), knownvalue.StringExact("x"))},
					Check:             expectWrites(fake, "apply acme A F.a F.b L"),
				},
			}
			resource.UnitTest(t, test)
		})
	}
}

// What a refresh puts into the state is the one leaf's change.
func TestDriftIsOfTheLeaf(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(`values = { A = "x", F = { a = true, b = tolist(["p"]) } }`)},
		{
			PreConfig: func() {
				fake.put("F.a", false)
				fake.put("F.theirs", true)
			},
			RefreshState:       true,
			ExpectNonEmptyPlan: true,
			RefreshPlanChecks: resource.RefreshPlanChecks{PostRefresh: []plancheck.PlanCheck{
				action(plancheck.ResourceActionUpdate),
				priorState(value("F"), knownvalue.ObjectExact(map[string]knownvalue.Check{
					"a": knownvalue.Bool(false),
					"b": knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("p")}),
				})),
				priorState(value("A"), knownvalue.StringExact("x")),
			}},
		},
	}
	resource.UnitTest(t, test)
}

func TestOtherWritersDoNotShow(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(`values = { F = { a = true } }`)},
		{
			PreConfig: func() {
				fake.put("F.theirs", true)
				fake.put("THEIRS", "x")
			},
			Config:           config(`values = { F = { a = true } }`),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
		},
	}
	resource.UnitTest(t, test)
}

func TestIgnoreChanges(t *testing.T) {
	long.Only(t)
	fake, test := rig(t)
	hcl := func(x string) string {
		return config(`values = { A = "` + x + `" }` + "\n  lifecycle { ignore_changes = [values] }")
	}
	test.Steps = []resource.TestStep{
		{Config: hcl("x"), Check: expectWrites(fake, "apply acme A")},
		{
			PreConfig:        func() { fake.put("A", "theirs") },
			Config:           hcl("x"),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
			Check:            expectWrites(fake),
		},
		{Config: hcl("y"), Check: expectWrites(fake), ConfigStateChecks: []statecheck.StateCheck{
			state(value("A"), knownvalue.StringExact("theirs")),
		}},
	}
	resource.UnitTest(t, test)
}
