// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func TestDataSource(t *testing.T) {
	_, test := rig(t)
	expect := func(path tfjsonpath.Path, want knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.portal.acme", path, want)
	}
	test.Steps = []resource.TestStep{
		{Config: acme(`http_port = 8088`)},
		{
			Config: acme(`http_port = 8088`) + "\n" + `data "portal" "acme" { name = "acme" }`,
			ConfigStateChecks: []statecheck.StateCheck{
				expect(tfjsonpath.New("domain"), knownvalue.StringExact("learn.acme.test")),
				expect(tfjsonpath.New("studio_domain"), knownvalue.StringExact("studio.learn.acme.test")),
				expect(tfjsonpath.New("url"), knownvalue.StringExact("http://learn.acme.test:8088")),
				expect(tfjsonpath.New("directory"), knownvalue.StringExact("/srv/portals/acme")),
				expect(tfjsonpath.New("host"), knownvalue.StringExact("host-1")),
				expect(tfjsonpath.New("images"), knownvalue.Null()),
				expect(tfjsonpath.New("stack").AtMapKey("web").AtMapKey("status"), knownvalue.StringExact("running")),
			},
		},
	}
	resource.UnitTest(t, test)
}

func TestDataSourceOfNoPortal(t *testing.T) {
	_, test := rig(t)
	test.Steps = []resource.TestStep{{
		Config:      `data "portal" "none" { name = "none" }`,
		ExpectError: regexp.MustCompile("there is no such portal"),
	}}
	resource.UnitTest(t, test)
}

func TestListDataSource(t *testing.T) {
	_, test := rig(t)
	list := `data "portal_portals" "all" {}`
	portals := func(want knownvalue.Check) []statecheck.StateCheck {
		return []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.portal_portals.all", tfjsonpath.New("portals"), want),
		}
	}
	test.Steps = []resource.TestStep{
		{Config: list, ConfigStateChecks: portals(knownvalue.MapSizeExact(0))},
		{Config: acme("")},
		{Config: acme("") + "\n" + list, ConfigStateChecks: portals(knownvalue.MapPartial(map[string]knownvalue.Check{
			"acme": knownvalue.ObjectPartial(map[string]knownvalue.Check{
				"host":  knownvalue.StringExact("host-1"),
				"stack": knownvalue.MapSizeExact(3),
			}),
		}))},
	}
	resource.UnitTest(t, test)
}
