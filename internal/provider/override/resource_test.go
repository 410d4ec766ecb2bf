// SPDX-License-Identifier: MPL-2.0

package override

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

const address = "portal_override.this"

// config is an override of the portal acme.
func config(attributes string) string {
	return fmt.Sprintf("resource \"portal_override\" \"this\" {\n  portal = \"acme\"\n  %s\n}\n", attributes)
}

// rig is a fake deployer and a test case that it serves.
func rig(t *testing.T) (*fakeDeployer, resource.TestCase) {
	t.Helper()
	fake := newFake()
	c := &client.Client{Deployer: fake, StoragePath: "/srv/portals"}
	return fake, resource.TestCase{ProtoV6ProviderFactories: serve(t, c)}
}

// expectWrites asserts what the deployer was asked to do since the last time.
func expectWrites(fake *fakeDeployer, want ...string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got := fake.writes(); !slices.Equal(got, want) {
			return fmt.Errorf("calls %q instead of %q", got, want)
		}
		return nil
	}
}

// expectFile asserts which leaves are in the portal's file.
func expectFile(fake *fakeDeployer, want ...string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got := fake.leaves(); !slices.Equal(got, want) {
			return fmt.Errorf("the file has %q instead of %q", got, want)
		}
		return nil
	}
}

func preApply(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func action(want plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(address, want)
}

func value(keys ...string) tfjsonpath.Path {
	p := tfjsonpath.New("values")
	for _, key := range keys {
		p = p.AtMapKey(key)
	}
	return p
}

func state(p tfjsonpath.Path, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, p, want)
}

func status(want string) statecheck.StateCheck {
	return state(tfjsonpath.New("status"), knownvalue.StringExact(want))
}

func secret(path, want string) statecheck.StateCheck {
	return state(tfjsonpath.New("secrets").AtMapKey(path), knownvalue.StringExact(want))
}

// every is a value of every kind that Terraform has.
const every = `values = {
    TEXT    = "x"
    YES     = "yes"
    JINJA   = "{{ EDXAPP_LMS_BASE }}/x"
    FLAG    = true
    COUNT   = 1e3
    RATIO   = 0.1
    NOTHING = null
    EMPTY   = {}
    NO_LIST = []
    LIST    = ["a", 1, true, null, { deep = [] }]
    TYPED   = tolist(["a", "b"])
    NAMES   = toset(["a", "b"])
    MAP     = tomap({ a = "1", b = "2" })
    NESTED  = { a = { b = { c = "d" } }, "with.dot" = 1 }
  }`

func TestLifecycle(t *testing.T) {
	fake, test := rig(t)
	test.CheckDestroy = resource.ComposeTestCheckFunc(expectWrites(fake, "remove acme/00000001"), expectFile(fake, "THEIRS"))
	fake.put("THEIRS", "x")
	test.Steps = []resource.TestStep{
		{
			Config: config(`values = { A = "x", F = { a = true, b = false } }`),
			ConfigPlanChecks: preApply(
				action(plancheck.ResourceActionCreate),
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("id")),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("applied")),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("secrets"), knownvalue.MapSizeExact(0)),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				state(tfjsonpath.New("id"), knownvalue.StringExact("acme/00000001")),
				state(tfjsonpath.New("adopt"), knownvalue.Bool(false)),
				state(value("F", "a"), knownvalue.Bool(true)),
				status("applied"),
			},
			Check: expectWrites(fake, "apply acme A F.a F.b"),
		},
		{ // A leaf more, one less, one other.
			Config: config(`values = { A = "y", F = { a = true, c = 1 } }`),
			ConfigPlanChecks: preApply(
				action(plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("acme/00000001")),
			),
			Check: resource.ComposeTestCheckFunc(
				expectWrites(fake, "apply acme A F.a F.c"), expectFile(fake, "A", "F.a", "F.c", "THEIRS"),
			),
		},
		{
			Config: config("adopt = true\n" + `values = { A = "y", F = { a = true, c = 1 } }`),
			Check:  expectWrites(fake, "apply acme A F.a F.c adopting"),
		},
		{ // No leaf at all is a valid thing to say.
			Config: config(`values = {}`),
			Check:  resource.ComposeTestCheckFunc(expectWrites(fake, "apply acme"), expectFile(fake, "THEIRS")),
		},
	}
	resource.UnitTest(t, test)
}

// A value of every kind is planned, written and read with no difference left.
func TestEveryKindOfValue(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(every), ConfigStateChecks: []statecheck.StateCheck{
			state(value("LIST"), knownvalue.TupleSizeExact(5)),
			state(value("NESTED", "with.dot"), knownvalue.Int64Exact(1)),
		}},
		{ // The same in other types, or the other way round, is no change.
			Config: config(regexp.MustCompile(`tolist\((.*)\)`).ReplaceAllString(
				regexp.MustCompile(`tomap\((.*)\)`).ReplaceAllString(every, "$1"), "$1")),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
		},
		{
			PreConfig:         func() { fake.writes() },
			RefreshState:      true,
			RefreshPlanChecks: resource.RefreshPlanChecks{PostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			Check:             expectWrites(fake),
		},
	}
	resource.UnitTest(t, test)
}

func TestAnotherPortalReplaces(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(`values = { A = "x" }`), Check: expectWrites(fake, "apply acme A")},
		{
			Config: regexp.MustCompile(`"acme"`).ReplaceAllString(config(`values = { A = "x" }`), `"globex"`),
			ConfigPlanChecks: preApply(
				action(plancheck.ResourceActionReplace),
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("id")),
			),
			Check: expectWrites(fake, "remove acme/00000001", "apply globex A"),
		},
	}
	resource.UnitTest(t, test)
}

func TestRemovedElsewhereIsMadeAgain(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(`values = { A = "x" }`), Check: expectWrites(fake, "apply acme A")},
		{
			PreConfig:        func() { clear(fake.owners) },
			Config:           config(`values = { A = "x" }`),
			ConfigPlanChecks: preApply(action(plancheck.ResourceActionCreate)),
			Check:            expectWrites(fake, "apply acme A"),
		},
	}
	resource.UnitTest(t, test)
}

func TestCreateFailureLeavesNoState(t *testing.T) {
	fake, test := rig(t)
	fake.fail = &engine.Error{
		Op: "wait for", Host: "host-1", Portal: "acme", Service: "lms", Container: "acme-lms-1",
		Err: errors.New("it is unhealthy"), Log: "no such theme", Remedy: "Mend it and apply again.",
	}
	test.Steps = []resource.TestStep{
		{
			Config:      config(`values = { A = "x" }`),
			ExpectError: regexp.MustCompile(`(?s)Portal acme: setting overrides failed at lms.*it is unhealthy.*no such theme.*Mend it`),
		},
		{ // Neither tainted nor replaced: a create again.
			Config:           config(`values = { A = "x" }`),
			ConfigPlanChecks: preApply(action(plancheck.ResourceActionCreate)),
			Check:            expectWrites(fake, "apply acme A", "apply acme A"),
		},
	}
	resource.UnitTest(t, test)
}

func TestUpdateFailureKeepsTheFormerValues(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(`values = { A = "x" }`)},
		{
			PreConfig:   func() { fake.failNext(errors.New("no room")) },
			Config:      config(`values = { A = "y" }`),
			ExpectError: regexp.MustCompile(`(?s)Portal acme: setting overrides failed.*no room`),
		},
		{
			Config:           config(`values = { A = "x" }`),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
		},
	}
	resource.UnitTest(t, test)
}

func TestDeleteFailureKeepsTheOverride(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(`values = { A = "x" }`)},
		{
			PreConfig:   func() { fake.failNext(errors.New("no room")) },
			Config:      config(`values = { A = "x" }`),
			Destroy:     true,
			ExpectError: regexp.MustCompile(`(?s)Portal acme: removing overrides failed.*no room`),
		},
		{
			Config:           config(`values = { A = "x" }`),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
		},
	}
	resource.UnitTest(t, test)
}

func TestImport(t *testing.T) {
	fake, test := rig(t)
	const hcl = `values = { A = "x", L = tolist(["p"]), F = { a = tomap({ b = "c" }) } }`
	nothingToDo := resource.ImportPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
	test.Steps = []resource.TestStep{
		{Config: config(hcl)},
		{
			ResourceName: address, ImportState: true, ImportStateId: "acme/00000001",
			ImportStateVerify: true, ImportStateVerifyIgnore: []string{"values"}, // a list comes back as a tuple
		},
		{
			Config: config(hcl), ResourceName: address, ImportState: true,
			ImportStateKind: resource.ImportBlockWithID, ImportStateId: "acme/00000001", ImportPlanChecks: nothingToDo,
		},
		{
			PreConfig: func() { fake.put("THEIRS", true) },
			Config:    config(`values = { THEIRS = true }`), ResourceName: address, ImportState: true,
			ImportStateKind: resource.ImportBlockWithID, ImportStateId: "acme:THEIRS", ImportPlanChecks: nothingToDo,
		},
		{
			ResourceName: address, ImportState: true, ImportStateId: "acme/0000000f",
			ExpectError: regexp.MustCompile(`(?s)Portal acme: importing overrides failed.*no such override`),
		},
	}
	resource.UnitTest(t, test)
}

func TestHostsUnknown(t *testing.T) {
	fake := newFake()
	c := &client.Client{Deployer: fake, StoragePath: "/srv/portals"}
	test := resource.TestCase{ProtoV6ProviderFactories: serve(t, c)}
	test.Steps = []resource.TestStep{
		{Config: config(`values = { A = "x" }`)},
		{ // A plan is made from the last known state.
			PreConfig: func() { c.Deployer = nil },
			Config:    config(`values = { A = "x" }`),
			PlanOnly:  true,
		},
		{
			Config:      config(`values = { A = "y" }`),
			ExpectError: regexp.MustCompile(`(?s)Setting overrides needs the hosts`),
		},
		{
			PreConfig: func() { c.Deployer = fake },
			Config:    config(`values = { A = "y" }`),
		},
	}
	resource.UnitTest(t, test)
}
