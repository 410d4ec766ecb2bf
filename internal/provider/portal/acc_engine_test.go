// SPDX-License-Identifier: MPL-2.0

package portal_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// A portal outlives its engine: stopped in order, killed, or away.
func TestAccEngineRestarts(t *testing.T) {
	acctest.Long(t)
	engine := acctest.StartEngine(t)
	p := engine.NewPortal(t)
	config := p.Config("")
	resource.Test(t, resource.TestCase{
		PreCheck:                 func() { acctest.PreCheck(t) },
		ProtoV6ProviderFactories: acctest.ProviderFactories(),
		Steps: []resource.TestStep{
			{Config: config, Check: checks(running(t, p, "db-1", "web-1", "load-balancer-1"))},
			{ // An engine that cannot be reached is an error, never "it is gone".
				PreConfig:   func() { engine.Stop(t) },
				Config:      config,
				ExpectError: regexp.MustCompile(`(?s)cannot\s+reach.*docker\.sock`),
			},
			{ // The restart policy brought the services back: nothing to do.
				PreConfig: func() { engine.Start(t) },
				Config:    config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectEmptyPlan(),
				}},
			},
			{ // Whatever a kill left of the containers, an apply brings them back.
				PreConfig: func() {
					engine.Kill(t)
					engine.Start(t)
				},
				Config: config,
				Check:  checks(running(t, p, "db-1", "web-1", "load-balancer-1")),
			},
		},
	})
}
