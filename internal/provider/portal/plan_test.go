// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

func TestUnknownInputs(t *testing.T) {
	fake, test := rig(t)
	config := func(input string) string {
		return fmt.Sprintf(`resource "terraform_data" "site" { input = %q }`, input) + `
resource "portal" "acme" {
  name      = "acme"
  domain    = "${terraform_data.site.output}.acme.test"
  blueprint = "./testdata/small"
  services  = { web = { environment = { SITE = terraform_data.site.output } } }
}`
	}
	unknown := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectUnknownValue(address1, tfjsonpath.New("stack")),
		plancheck.ExpectUnknownValue(address1, tfjsonpath.New("studio_domain")),
		plancheck.ExpectUnknownValue(address1, tfjsonpath.New("url")),
		plancheck.ExpectKnownValue(address1, tfjsonpath.New("directory"), knownvalue.StringExact("/srv/portals/acme")),
	}}
	test.Steps = []resource.TestStep{
		{
			Config:           config("learn"),
			ConfigPlanChecks: unknown,
			ConfigStateChecks: []statecheck.StateCheck{
				text("studio_domain", "studio.learn.acme.test"), text("url", "http://learn.acme.test:49153"), runs("web"),
			},
			Check: expectWrites(fake, "create acme"),
		},
		{
			Config:            config("teach"),
			ConfigPlanChecks:  unknown,
			ConfigStateChecks: []statecheck.StateCheck{text("url", "http://teach.acme.test:49153")},
			Check:             expectWrites(fake, "update acme"),
		},
	}
	resource.UnitTest(t, test)
}

func TestProviderNotKnownYet(t *testing.T) {
	fake := newFake()
	c := &client.Client{Deployer: fake, StoragePath: "/srv/portals"}
	changed := acme(`services = { web = { replicas = 2 } }`)
	notKnown := regexp.MustCompile("configuration is not known yet")
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: serve(t, c),
		Steps: []resource.TestStep{
			{Config: acme("")},
			{ // Hosts unknown: the plan still shows the stack.
				PreConfig: func() { c.Deployer = nil },
				Config:    changed,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(address1, tfjsonpath.New("stack").AtMapKey("web").AtMapKey("replicas"), knownvalue.Int64Exact(2)),
				}},
				ExpectError: notKnown,
			},
			{ // The drive's path unknown too: the stack is not known.
				PreConfig: func() { c.StoragePath = "" },
				Config:    changed,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(address1, tfjsonpath.New("stack")),
					plancheck.ExpectUnknownValue(address1, tfjsonpath.New("directory")),
				}},
				ExpectError: notKnown,
			},
			{
				PreConfig: func() { c.Deployer, c.StoragePath = fake, "/srv/portals" },
				Config:    changed,
			},
		},
	})
}

func TestMistakesFailInThePlan(t *testing.T) {
	for name, tc := range map[string]struct{ config, want string }{
		"name":            {regexp.MustCompile(`= "acme"`).ReplaceAllString(acme(""), `= "Acme!"`), `name.*"Acme!"[\s\S]*for\s+example\s+"acme"`},
		"domain scheme":   {acmeDomain("https://learn.acme.test"), `domain[\s\S]*leave\s+the\s+scheme\s+out`},
		"domain port":     {acmeDomain("learn.acme.test:8080"), `leave\s+port\s+and\s+path\s+out`},
		"domain case":     {acmeDomain("Learn.acme.test"), `lower\s+case`},
		"image":           {acme(`images = { edxapp = "my image" }`), `images\["edxapp"\][\s\S]*mysql:8.4`},
		"memory":          {acme(`services = { web = { memory = "lots" } }`), `services\["web"\].memory[\s\S]*"512m"`},
		"too little":      {acme(`services = { web = { memory = "1m" } }`), `at\s+least\s+6m`},
		"cpus":            {acme(`services = { web = { cpus = 0 } }`), `services\["web"\].cpus`},
		"replicas":        {acme(`services = { web = { replicas = -1 } }`), `services\["web"\].replicas`},
		"environment":     {acme(`services = { web = { environment = { "A-B" = "1" } } }`), `environment[\s\S]*GUNICORN_WORKERS`},
		"http_port":       {acme(`http_port = 70000`), `http_port\s+value\s+must\s+be\s+between`},
		"on_destroy":      {acme(`on_destroy = "keep"`), `"retain"`},
		"timeouts":        {acme(`timeouts = { create = "soon" }`), `"soon"\s+must\s+be`},
		"unknown service": {acme(`services = { wbe = { replicas = 2 } }`), `Error[\s\S]*wbe`},
		"no such file": {
			regexp.MustCompile(`testdata/small`).ReplaceAllString(acme(""), "testdata/none"), `Error[\s\S]*testdata/none`,
		},
		"http_port unused": {
			regexp.MustCompile(`testdata/small`).ReplaceAllString(acme(`http_port = 8080`), "testdata/closed"),
			`Nothing uses this port`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake, test := rig(t)
			test.Steps = []resource.TestStep{{
				Config:      tc.config,
				ExpectError: regexp.MustCompile(tc.want),
			}}
			resource.UnitTest(t, test)
			if calls := fake.writes(); len(calls) > 0 {
				t.Errorf("a refused plan led to calls %q", calls)
			}
		})
	}
}

func acmeDomain(domain string) string {
	return regexp.MustCompile(`learn.acme.test`).ReplaceAllString(acme(""), domain)
}

func TestStoragePathChangeWarns(t *testing.T) {
	prior := &model{Directory: plannedDirectory(textOrNull("acme"), "/srv/portals")}
	for path, want := range map[string]int{"/srv/portals": 0, "/mnt/portals": 1, "": 0} {
		m := model{Name: textOrNull("acme"), Directory: plannedDirectory(textOrNull("acme"), path)}
		if got := m.warnOfMove(prior).WarningsCount(); got != want {
			t.Errorf("storage path %q: %d warnings instead of %d", path, got, want)
		}
	}
}
