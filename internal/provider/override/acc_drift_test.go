// SPDX-License-Identifier: MPL-2.0

package override_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

const wanted = `values = { NAME = "Acme", EXTRA = { forum = true, hours = "9 to 5" } }`

// A plan names the leaf that another writer changed, and no other.
func TestAccDriftOfALeaf(t *testing.T) {
	acctest.Long(t)
	s := newSite(t)
	tf := acctest.NewTerraform(t, s.one(wanted))
	tf.Apply(t)
	for name, tc := range map[string]struct{ old, now string }{
		"changed":         {"forum: true", "forum: false"},
		"of another type": {"forum: true", "forum: 'true'"},
		"gone":            {"  forum: true\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.replace(t, tc.old, tc.now)()
			change := tf.Plan(t).Changes[acc]
			before, _ := change.Before["values"].(map[string]any)
			after, _ := change.After["values"].(map[string]any)
			if got := changed(before, after); len(got) != 1 || got[0] != "EXTRA" {
				t.Fatalf("%v changes", got)
			}
			before, _ = before["EXTRA"].(map[string]any)
			after, _ = after["EXTRA"].(map[string]any)
			if got := changed(before, after); len(got) != 1 || got[0] != "forum" {
				t.Errorf("of EXTRA, %v changes", got)
			}
			tf.Apply(t)
			s.holds(t, "forum: true", `hours: "9 to 5"`)()
			if plan := tf.Plan(t); !plan.Empty {
				t.Errorf("something is left to do:\n%s", plan.Text)
			}
		})
	}
	tf.Destroy(t)
}

func TestAccOthersDoNotShow(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	test.Steps = []resource.TestStep{
		{Config: s.one(wanted), Check: checks(
			s.replace(t, "EXTRA:\n", "EXTRA:\n  newsletter: yes\n"),
			s.replace(t, "NAME: \"Acme\"\n", "THEIRS: x\nNAME: 'Acme' # of the client\n"),
		)},
		{
			Config:           s.one(wanted),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
			Check:            checks(s.starts(t, 2), s.holds(t, "THEIRS: x\nNAME: 'Acme' # of the client\n", "newsletter: yes")),
		},
		{ // They stay when Terraform's leaves go.
			Config: s.Config(""),
			Check:  checks(s.holds(t, "THEIRS: x", "newsletter: yes"), s.serves(t, "THEIRS: x")),
		},
	}
	resource.ParallelTest(t, test)
}

func TestAccIgnoreChanges(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	config := s.one(`values = { NAME = "Acme" }` + "\n lifecycle { ignore_changes = [values] }")
	test.Steps = []resource.TestStep{
		{Config: config, Check: checks(s.replace(t, `NAME: "Acme"`, "NAME: Globex"))},
		{
			Config:           config,
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("values").AtMapKey("NAME"), knownvalue.StringExact("Globex")),
			},
			Check: checks(s.starts(t, 2), s.holds(t, "NAME: Globex")),
		},
	}
	resource.ParallelTest(t, test)
}

// A leaf that somebody else has set to something else is theirs until it is
// adopted.
func TestAccConflict(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	test.Steps = []resource.TestStep{
		{Config: s.config(map[string]string{"two": `values = { F = { a = true } }`}), Check: checks(
			s.replace(t, "F:\n", "THEIRS: x\nF:\n"),
		)},
		{
			Config:      s.config(map[string]string{"two": `values = { F = { a = true } }`, "acc": `values = { THEIRS = "y" }`}),
			ExpectError: regexp.MustCompile(`(?s)Portal ` + s.Name + `: setting overrides failed.*THEIRS is set already.*adopt\s+=\s+true`),
		},
		{
			Config:      s.config(map[string]string{"two": `values = { F = { a = true } }`, "acc": `values = { F = { a = false } }`}),
			ExpectError: regexp.MustCompile(`(?s)F\.a is set already.*override`),
		},
		{ // The same value is nobody's loss.
			Config: s.config(map[string]string{"two": `values = { F = { a = true } }`, "acc": `values = { THEIRS = "x" }`}),
			Check:  checks(s.holds(t, "THEIRS: x"), s.starts(t, 2)),
		},
		{
			PreConfig: s.replace(t, "F:\n", "ALSO: x\nF:\n"),
			Config: s.config(map[string]string{
				"two": `values = { F = { a = true } }`,
				"acc": "values = { ALSO = \"y\" }\n adopt = true",
			}),
			Check: checks(s.serves(t, `ALSO: "y"`)),
		},
	}
	resource.ParallelTest(t, test)
}

// changed are the keys whose values differ.
func changed(before, after map[string]any) []string {
	return acctest.Change{Before: before, After: after}.Attributes()
}
