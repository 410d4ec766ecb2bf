// SPDX-License-Identifier: MPL-2.0

package override_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// theirs is a file that another writer has begun.
const theirs = `# Ours, hands off.
THEIRS: 'x'   # quoted
EXTRA:
    newsletter: yes
`

func TestAccLifecycle(t *testing.T) {
	s, test := prepare(t)
	var database string
	note := func() { database = s.Inspect(t, "database-1").State.StartedAt }
	untouched := func() {
		if now := s.Inspect(t, "database-1").State.StartedAt; now != database {
			t.Error("the database was restarted")
		}
	}
	id := regexp.MustCompile(`^` + s.Name + `/[0-9a-f]{8}$`)
	test.Steps = []resource.TestStep{
		{Config: s.Config(""), Check: checks(s.starts(t, 1), note, func() { s.write(t, theirs) })},
		{
			Config: s.one(`values = { NAME = "Acme Academy", PORT = 587, FLAG = "yes", EXTRA = { forum = true }, NONE = null }`),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("id"), knownvalue.StringRegexp(id)),
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("status"), knownvalue.StringExact("applied")),
			},
			Check: checks(s.starts(t, 2), untouched,
				s.serves(t, "Acme Academy", "# Ours, hands off.\nTHEIRS: 'x'   # quoted\nEXTRA:\n    newsletter: yes\n")),
		},
		{ // Nothing to do, and nothing done.
			Config:           s.one(`values = { NAME = "Acme Academy", PORT = 587, FLAG = "yes", EXTRA = { forum = true }, NONE = null }`),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
			Check:            checks(s.starts(t, 2)),
		},
		{
			Config: s.one(`values = { NAME = "Globex", LIST = ["a", { b = 1.5 }] }`),
			Check:  checks(s.starts(t, 3), untouched, s.serves(t, "Globex", "THEIRS: 'x'   # quoted")),
		},
		{ // Without the override the file is what it was.
			Config: s.Config(""),
			Check:  checks(s.starts(t, 4), s.is(t, theirs), s.serves(t, theirs), untouched),
		},
	}
	resource.ParallelTest(t, test)
}

// Overrides that come and change together cost one restart.
func TestAccOneRestartForAll(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	test.Steps = []resource.TestStep{
		{Config: s.Config(""), Check: checks(s.starts(t, 1))},
		{
			Config: s.config(map[string]string{
				"acc": `values = { A = "1" }`, "two": `values = { F = { a = true } }`, "three": `values = { F = { b = true } }`,
			}),
			Check: checks(s.starts(t, 2), s.serves(t, "A:", "a:", "b:")),
		},
		{ // One is changed, one removed, one made.
			Config: s.config(map[string]string{
				"acc": `values = { A = "other" }`, "two": `values = { F = { a = true } }`, "four": `values = { G = 1 }`,
			}),
			Check: checks(s.starts(t, 3), s.serves(t, `A: "other"`, "a: true", "G: 1")),
		},
	}
	resource.ParallelTest(t, test)
}

func TestAccImport(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	const both = `values = { THEIRS = "x", EXTRA = { newsletter = true } }`
	nothingToDo := resource.ImportPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
	test.Steps = []resource.TestStep{
		{Config: s.Config(""), Check: checks(func() { s.write(t, theirs) })},
		{ // What is in the file, whoever wrote it.
			Config: s.one(both), ResourceName: acc, ImportState: true, ImportStatePersist: true,
			ImportStateKind: resource.ImportCommandWithID, ImportStateId: s.Name + ":THEIRS,EXTRA.newsletter",
		},
		{
			Config:           s.one(both),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
			Check:            checks(s.is(t, theirs), s.starts(t, 1)),
		},
		{
			ResourceName: acc, ImportState: true, ImportStateVerify: true,
			ImportStateIdFunc: func(state *terraform.State) (string, error) {
				return state.RootModule().Resources[acc].Primary.ID, nil
			},
		},
		{
			Config: s.one(both), ResourceName: acc, ImportState: true, ImportStateKind: resource.ImportBlockWithID,
			ImportStateIdFunc: func(state *terraform.State) (string, error) {
				return state.RootModule().Resources[acc].Primary.ID, nil
			},
			ImportPlanChecks: nothingToDo,
		},
		{
			ResourceName: acc, ImportState: true, ImportStateId: s.Name + ":MISSING",
			ExpectError: regexp.MustCompile(`(?s)importing overrides failed.*MISSING is not in the file`),
		},
		{
			ResourceName: acc, ImportState: true, ImportStateId: s.Name + "/00000000",
			ExpectError: regexp.MustCompile(`(?s)importing overrides failed.*there is no override`),
		},
	}
	resource.ParallelTest(t, test)
}

// A portal goes together with its overrides.
func TestAccPortalGone(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	test.Steps = []resource.TestStep{
		{Config: s.one(`values = { A = "x" }`)},
		{Config: s.one(`values = { A = "x" }`), Destroy: true},
		{ // The retained file has nothing left of it.
			Config: s.Config(""),
			Check:  checks(s.serves(t, "{}")),
		},
		{
			Config:      s.ProviderConfig() + "resource \"portal_override\" \"acc\" {\n portal = \"none-such\"\n values = { A = 1 }\n}",
			ExpectError: regexp.MustCompile(`(?s)Portal none-such: setting overrides failed.*there is no such\s+portal`),
		},
	}
	resource.ParallelTest(t, test)
}
