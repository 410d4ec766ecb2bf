// SPDX-License-Identifier: MPL-2.0

package override_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// A value that keeps the site from starting is taken back.
func TestAccBadValueIsTakenBack(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	failed := regexp.MustCompile(`(?s)Portal ` + s.Name + `: setting overrides failed at site.*cannot render with.*former overrides are\s+back`)
	test.Steps = []resource.TestStep{
		{
			Config: s.Config(""),
			Check:  checks(func() { s.write(t, theirs) }),
		},
		{ // At create: no state, and the file as it was.
			Config:      s.one(`values = { THEME = "no-such-theme" }`),
			ExpectError: failed,
		},
		{
			PreConfig:        s.is(t, theirs),
			Config:           s.one(`values = { THEME = "red" }`),
			ConfigPlanChecks: preApply(action(plancheck.ResourceActionCreate)),
			Check:            checks(s.serves(t, `THEME: "red"`)),
		},
		{ // At update: the former values, in the file and in the state.
			Config:      s.one(`values = { THEME = "no-such-theme" }`),
			ExpectError: failed,
		},
		{
			PreConfig: func() {
				s.holds(t, `THEME: "red"`)()
				if running := s.Started(t)[s.Container("site-1")]; running == "" {
					t.Error("the site does not run")
				}
			},
			Config:           s.one(`values = { THEME = "red" }`),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
		},
	}
	resource.ParallelTest(t, test)
}

// A file that cannot be read is left alone.
func TestAccBrokenFile(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	const broken = "NAME: Acme\n\tTAB: x\n"
	test.Steps = []resource.TestStep{
		{Config: s.one(wanted)},
		{
			PreConfig:   func() { s.write(t, broken) },
			Config:      s.one(wanted),
			ExpectError: regexp.MustCompile(`(?s)Portal ` + s.Name + `: reading overrides failed.*line 2`),
		},
		{
			PreConfig: func() {
				s.is(t, broken)()
				s.write(t, "NAME: Acme\n")
			},
			Config: s.one(wanted),
			Check:  checks(s.serves(t, "forum: true")),
		},
	}
	resource.ParallelTest(t, test)
}
