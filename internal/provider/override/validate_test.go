// SPDX-License-Identifier: MPL-2.0

package override

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
)

func TestUnknownAtPlanTime(t *testing.T) {
	long.Only(t)
	const source = `resource "terraform_data" "later" { input = { text = "x", list = ["y"], map = { a = "z" } } }` + "\n"
	for name, tc := range map[string]struct{ hcl, want string }{
		"all":         {`values = terraform_data.later.output`, "apply acme list map.a text"},
		"a leaf":      {`values = { A = terraform_data.later.output.text, B = "b" }`, "apply acme A B"},
		"a map":       {`values = { A = terraform_data.later.output.map }`, "apply acme A.a"},
		"in a list":   {`values = { A = [terraform_data.later.output.text] }`, "apply acme A"},
		"the secrets": {"secret_values_wo = terraform_data.later.output\n secret_values_wo_version = 1", "apply acme secrets: list map.a text"},
		"both sides of one map": {
			"values = { A = terraform_data.later.output.map }\n secret_values_wo = { A = { s = \"t\" } }\n secret_values_wo_version = 1",
			"apply acme A.a secrets: A.s",
		},
		"the version": {"secret_values_wo = { A = \"s\" }\n secret_values_wo_version = length(terraform_data.later.output.list)", "apply acme secrets: A"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, test := rig(t)
			test.Steps = []resource.TestStep{
				{Config: source + config(tc.hcl), Check: resource.ComposeTestCheckFunc(expectWrites(fake, tc.want))},
				{Config: source + config(tc.hcl), ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan())},
			}
			resource.UnitTest(t, test)
		})
	}
}

// A mistake that only shows at apply is found before anything is written.
func TestUnknownTurnsOutWrong(t *testing.T) {
	const source = `resource "terraform_data" "later" { input = { a = "x" } }` + "\n"
	for name, tc := range map[string]struct{ hcl, want string }{
		"no map":    {`values = terraform_data.later.output.a`, `values: write an object`},
		"set twice": {"values = { A = terraform_data.later.output }\n secret_values_wo = { A = { a = \"s\" } }\n secret_values_wo_version = 1", `(?s)Set twice.*A\.a`},
	} {
		t.Run(name, func(t *testing.T) {
			fake, test := rig(t)
			test.CheckDestroy = expectWrites(fake)
			test.Steps = []resource.TestStep{{Config: source + config(tc.hcl), ExpectError: regexp.MustCompile(tc.want)}}
			resource.UnitTest(t, test)
		})
	}
}

func TestMistakesFailInThePlan(t *testing.T) {
	for name, tc := range map[string]struct{ hcl, want string }{
		"nothing":             {``, `Nothing to set`},
		"null":                {`values = null`, `Nothing to set`},
		"a text":              {`values = "A: x"`, `(?s)Invalid value for values.*write an object`},
		"a list":              {`values = ["A"]`, `(?s)Invalid value for values.*write an object`},
		"an empty key":        {`values = { "" = "x" }`, `(?s)Invalid value for values.*empty key\.`},
		"an empty key inside": {`values = { F = { g = [{ "" = "x" }] } }`, `(?s)empty\s+key\s+in\s+F\.g`},
		"secrets as a text":   {`secret_values_wo = "hunter2"` + "\n secret_values_wo_version = 1", `(?s)Invalid value for secret_values_wo.*write an\s+object`},
		"no version":          {`secret_values_wo = { A = "s" }`, `(?s)Missing secret_values_wo_version.*= 1`},
		"a version alone":     {"values = {}\n secret_values_wo_version = 1", `Missing secret_values_wo\b`},
		"set twice": {
			"values = { F = { a = true } }\n secret_values_wo = { F = \"s\" }\n secret_values_wo_version = 1",
			`(?s)Set twice.*F\.a and F`,
		},
		"portal": {"values = {}\n }\nresource \"portal_override\" \"other\" {\n portal = \"Acme\"\n values = {}", `for example\s+"acme"`},
	} {
		t.Run(name, func(t *testing.T) {
			fake, test := rig(t)
			test.CheckDestroy = expectWrites(fake)
			test.Steps = []resource.TestStep{{
				Config: config(tc.hcl), PlanOnly: true, ExpectError: regexp.MustCompile(tc.want),
			}}
			resource.UnitTest(t, test)
		})
	}
}
