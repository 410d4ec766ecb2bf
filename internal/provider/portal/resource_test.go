// SPDX-License-Identifier: MPL-2.0

package portal

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

	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const address1 = "portal.acme"

// acme is a portal of the small blueprint, with more attributes.
func acme(more string) string {
	return fmt.Sprintf(`
resource "portal" "acme" {
  name      = "acme"
  domain    = "learn.acme.test"
  blueprint = "./testdata/small"
  %s
}`, more)
}

// rig is a fake deployer and the factories that serve it.
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

func runs(service string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address1,
		tfjsonpath.New("stack").AtMapKey(service).AtMapKey("status"), knownvalue.StringExact(stack.StatusRunning))
}

func text(attribute, want string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address1, tfjsonpath.New(attribute), knownvalue.StringExact(want))
}

var inPlace = resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
	plancheck.ExpectResourceAction(address1, plancheck.ResourceActionUpdate),
}}

func TestLifecycle(t *testing.T) {
	fake, test := rig(t)
	test.CheckDestroy = expectWrites(fake, "delete acme archive")
	test.Steps = []resource.TestStep{
		{
			Config: acme(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue(address1, tfjsonpath.New("stack"), knownvalue.MapSizeExact(3)),
				plancheck.ExpectKnownValue(address1, tfjsonpath.New("directory"), knownvalue.StringExact("/srv/portals/acme")),
				plancheck.ExpectUnknownValue(address1, tfjsonpath.New("url")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				text("id", "acme"), text("studio_domain", "studio.learn.acme.test"), text("on_destroy", "retain"),
				text("host", "host-1"), text("directory", "/srv/portals/acme"),
				text("url", "http://learn.acme.test:49153"), text("studio_url", "http://studio.learn.acme.test:49153"),
				runs("web"),
			},
			Check: expectWrites(fake, "create acme"),
		},
		{ // One service changes: the URLs stay known, nothing is replaced.
			Config: acme(`services = { web = { environment = { A = "1" }, memory = "2g", replicas = 2, cpus = 1.5 } }`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address1, plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address1, tfjsonpath.New("url"), knownvalue.StringExact("http://learn.acme.test:49153")),
				plancheck.ExpectKnownValue(address1, tfjsonpath.New("host"), knownvalue.StringExact("host-1")),
				plancheck.ExpectKnownValue(address1, tfjsonpath.New("stack").AtMapKey("web").AtMapKey("replicas"), knownvalue.Int64Exact(2)),
			}},
			Check: expectWrites(fake, "update acme"),
		},
		{ // The same amount of memory in another unit is no change.
			Config:           acme(`services = { web = { environment = { A = "1" }, memory = "2048m", replicas = 2, cpus = 1.5 } }`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			Check:            expectWrites(fake),
		},
		{ // A fixed port: the URLs are known in the plan.
			Config: acme(`http_port = 80`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue(address1, tfjsonpath.New("url"), knownvalue.StringExact("http://learn.acme.test")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{text("studio_url", "http://studio.learn.acme.test")},
			Check:             expectWrites(fake, "update acme"),
		},
		{
			Config:            acme(`on_destroy = "archive"` + "\n" + `studio_domain = "authors.acme.test"`),
			ConfigStateChecks: []statecheck.StateCheck{text("studio_domain", "authors.acme.test"), text("on_destroy", "archive")},
			Check:             expectWrites(fake, "update acme"),
		},
		{ // A studio domain that is no longer given follows the domain again.
			Config:            acme(`on_destroy = "archive"`),
			ConfigStateChecks: []statecheck.StateCheck{text("studio_domain", "studio.learn.acme.test")},
			Check:             expectWrites(fake, "update acme"),
		},
	}
	resource.UnitTest(t, test)
}

func TestNameReplaces(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: acme(""), Check: expectWrites(fake, "create acme")},
		{
			Config: regexp.MustCompile(`"acme"\n  domain`).ReplaceAllString(acme(""), "\"acme-two\"\n  domain"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address1, plancheck.ResourceActionReplace),
				plancheck.ExpectKnownValue(address1, tfjsonpath.New("directory"), knownvalue.StringExact("/srv/portals/acme-two")),
				plancheck.ExpectKnownValue(address1, tfjsonpath.New("host"), knownvalue.StringExact("host-1")),
			}},
			Check: expectWrites(fake, "delete acme retain", "create acme-two"),
		},
	}
	resource.UnitTest(t, test)
}

func TestDrift(t *testing.T) {
	paused := func(running map[string]stack.Summary) {
		s := running["web"]
		s.Status = "acme-web-1 paused"
		running["web"] = s
	}
	stopped := func(running map[string]stack.Summary) {
		s := running["load-balancer"]
		s.Status = "acme-load-balancer-1 exited with code 137"
		running["load-balancer"] = s
	}
	for name, tc := range map[string]struct {
		change func(map[string]stack.Summary)
		plan   []plancheck.PlanCheck
	}{
		"another status": {paused, []plancheck.PlanCheck{
			plancheck.ExpectKnownValue(address1, tfjsonpath.New("url"), knownvalue.StringExact("http://learn.acme.test:49153")),
		}},
		"the publishing service stopped": {stopped, []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue(address1, tfjsonpath.New("url")),
		}},
		"a service gone": {func(r map[string]stack.Summary) { delete(r, "web") }, nil},
		"a service too many": {func(r map[string]stack.Summary) {
			r["old"] = stack.Summary{Image: "x", Replicas: 1, Digest: "d", Status: "running"}
		}, nil},
		"everything gone": {func(r map[string]stack.Summary) { clear(r) }, []plancheck.PlanCheck{
			plancheck.ExpectKnownValue(address1, tfjsonpath.New("host"), knownvalue.StringExact("host-1")),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			long.Among(t, name, "another status", "everything gone")
			fake, test := rig(t)
			test.Steps = []resource.TestStep{
				{Config: acme(""), Check: expectWrites(fake, "create acme")},
				{
					PreConfig: func() { fake.change("acme", tc.change) },
					Config:    acme(""),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(tc.plan,
						plancheck.ExpectResourceAction(address1, plancheck.ResourceActionUpdate))},
					ConfigStateChecks: []statecheck.StateCheck{
						runs("web"), runs("load-balancer"), runs("db"),
						text("url", "http://learn.acme.test:49153"),
					},
					Check: expectWrites(fake, "update acme"),
				},
			}
			resource.UnitTest(t, test)
		})
	}
}

func TestDestroyedElsewhereIsCreatedAgain(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: acme(""), Check: expectWrites(fake, "create acme")},
		{
			PreConfig: func() { delete(fake.portals, "acme") },
			Config:    acme(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address1, plancheck.ResourceActionCreate),
			}},
			Check: expectWrites(fake, "create acme"),
		},
	}
	resource.UnitTest(t, test)
}

func TestCreateFailureLeavesNoState(t *testing.T) {
	fake, test := rig(t)
	fake.fail = &engine.Error{
		Op: "wait for", Host: "host-1", Portal: "acme", Service: "web", Container: "acme-web-1",
		Err: errors.New("it is unhealthy"), Log: "cannot reach db", Remedy: "Mend it and apply again.",
	}
	test.Steps = []resource.TestStep{
		{
			Config:      acme(""),
			ExpectError: regexp.MustCompile(`(?s)Portal acme: create failed at web.*it is unhealthy.*cannot reach db.*Mend it`),
		},
		{ // Neither tainted nor replaced: a create again.
			Config: acme(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address1, plancheck.ResourceActionCreate),
			}},
			Check: expectWrites(fake, "create acme", "create acme"),
		},
	}
	resource.UnitTest(t, test)
}

func TestUpdateFailureTellsWhatRuns(t *testing.T) {
	fake, test := rig(t)
	changed := acme(`services = { web = { environment = { A = "1" } } }`)
	test.Steps = []resource.TestStep{
		{Config: acme("")},
		{
			PreConfig: func() {
				fake.failNext(errors.New("no room"))
				fake.change("acme", func(r map[string]stack.Summary) { delete(r, "db") })
			},
			Config:      changed,
			ExpectError: regexp.MustCompile(`(?s)Portal acme: update failed.*no room`),
		},
		{ // The change and the missing service are both still to be done.
			Config:            changed,
			ConfigPlanChecks:  inPlace,
			ConfigStateChecks: []statecheck.StateCheck{runs("db")},
			Check:             expectWrites(fake, "create acme", "update acme", "update acme"),
		},
	}
	resource.UnitTest(t, test)
}

func TestImportGivesAnEmptyPlan(t *testing.T) {
	for name, more := range map[string]string{
		"defaults": "",
		"everything": `
  studio_domain = "authors.acme.test"
  http_port     = 8088
  on_destroy    = "delete"
  services = {
    db  = { memory = "768m" }
    web = { image = "portal-test/busybox", replicas = 2, memory = "1.5g", cpus = 0.5, environment = { A = "1", B = "" } }
  }`,
	} {
		t.Run(name, func(t *testing.T) {
			_, test := rig(t)
			test.Steps = []resource.TestStep{
				{Config: acme(more)},
				{
					ResourceName:            address1,
					ImportState:             true,
					ImportStateId:           "acme",
					ImportStateVerify:       true,
					ImportStateVerifyIgnore: []string{"services.web.memory", "placement"}, // "1.5g" comes back as "1536m"
				},
				{
					Config:           acme(more),
					ResourceName:     address1,
					ImportState:      true,
					ImportStateKind:  resource.ImportBlockWithID,
					ImportStateId:    "acme",
					ImportPlanChecks: resource.ImportPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
				},
			}
			resource.UnitTest(t, test)
		})
	}
}
