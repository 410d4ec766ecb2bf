// SPDX-License-Identifier: MPL-2.0

package hosts_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }

// A portal is found on its host, under the address that its DNS records need.
func TestAccHosts(t *testing.T) {
	t.Setenv("PORTAL_ADDRESS", "203.0.113.7")
	p := acctest.NewPortal(t)
	const data = `
data "portal_hosts" "all" {
  depends_on = [portal.acc]
}
output "here" {
  value = contains(data.portal_hosts.all.hosts[portal.acc.host].portals, portal.acc.name)
}
output "reserved" {
  value = data.portal_hosts.all.hosts[portal.acc.host].memory_reserved >= 64 * 1024 * 1024
}`
	host := tfjsonpath.New("hosts").AtMapKey("default")
	resource.Test(t, resource.TestCase{
		PreCheck:                 func() { acctest.PreCheck(t) },
		ProtoV6ProviderFactories: acctest.ProviderFactories(),
		Steps: []resource.TestStep{{
			Config: p.Config(`services = { web = { memory = "64m" } }`) + data,
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply:             []plancheck.PlanCheck{plancheck.ExpectUnknownValue("portal.acc", tfjsonpath.New("addresses"))},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectResourceAction("portal.acc", plancheck.ResourceActionNoop)},
			},
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("portal.acc", tfjsonpath.New("addresses"),
					knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("203.0.113.7")})),
				statecheck.ExpectKnownValue("data.portal_hosts.all", host.AtMapKey("address"), knownvalue.StringExact("203.0.113.7")),
				statecheck.ExpectKnownValue("data.portal_hosts.all", host.AtMapKey("reachable"), knownvalue.Bool(true)),
				statecheck.ExpectKnownValue("data.portal_hosts.all", host.AtMapKey("api_version"), knownvalue.StringRegexp(regexp.MustCompile(`^1\.\d+$`))),
				statecheck.ExpectKnownOutputValue("here", knownvalue.Bool(true)),
				statecheck.ExpectKnownOutputValue("reserved", knownvalue.Bool(true)),
			},
		}},
	})
}

// A host that is down is told of beside one that is not.
func TestAccHostThatIsDown(t *testing.T) {
	endpoint := enginetest.Client(t).DaemonHost()
	config := fmt.Sprintf(`
provider "portal" {
  hosts = {
    up   = { endpoint = %q, address = "2001:db8::7" }
    down = { endpoint = "tcp://127.0.0.1:1" }
  }
}
data "portal_hosts" "all" {}`, endpoint)
	at := tfjsonpath.New("hosts")
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.ProviderFactories(),
		Steps: []resource.TestStep{{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.portal_hosts.all", at, knownvalue.MapExact(map[string]knownvalue.Check{
					"up": knownvalue.ObjectPartial(map[string]knownvalue.Check{
						"reachable": knownvalue.Bool(true), "error": knownvalue.Null(),
						"address": knownvalue.StringExact("2001:db8::7"), "cpus": knownvalue.NotNull(),
					}),
					"down": knownvalue.ObjectPartial(map[string]knownvalue.Check{
						"reachable": knownvalue.Bool(false), "address": knownvalue.StringExact("127.0.0.1"),
						"error": knownvalue.StringRegexp(regexp.MustCompile(`cannot reach Docker on host "down"`)),
						"cpus":  knownvalue.Null(), "portals": knownvalue.Null(),
					}),
				})),
			},
		}},
	})
}
