// SPDX-License-Identifier: MPL-2.0

package portal_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// drifts are what people and hosts do to the containers of a portal. Each must
// show in the plan, and be repaired with no other container touched.
var drifts = map[string]struct {
	change func(t *testing.T, p *acctest.Portal)
	// restarted are the containers whose start time changes, by the repair or
	// by the drift itself.
	restarted []string
}{
	"removed": {func(t *testing.T, p *acctest.Portal) { p.Remove(t, "web-1") }, []string{"web-1"}},
	"stopped": {func(t *testing.T, p *acctest.Portal) { p.Stop(t, "web-1") }, []string{"web-1"}},
	"paused":  {func(t *testing.T, p *acctest.Portal) { p.Pause(t, "web-1") }, nil},
	"memory changed": {func(t *testing.T, p *acctest.Portal) {
		p.SetMemory(t, "web-1", 128<<20)
	}, nil},
	"restart policy changed": {func(t *testing.T, p *acctest.Portal) {
		p.SetRestartPolicy(t, "web-1", "no")
	}, nil},
	"network detached": {func(t *testing.T, p *acctest.Portal) { p.Detach(t, "web-1") }, nil},
	"network added": {func(t *testing.T, p *acctest.Portal) {
		p.Attach(t, "web-1", p.OtherNetwork(t))
	}, nil},
	"replaced by a foreign container": {func(t *testing.T, p *acctest.Portal) {
		p.Remove(t, "web-1")
		p.Foreign(t, "web-1", false)
	}, []string{"web-1"}},
	"task removed": {func(t *testing.T, p *acctest.Portal) { p.Remove(t, "console") }, nil},
	"network removed": {func(t *testing.T, p *acctest.Portal) {
		p.Detach(t, "db-1", "web-1", "load-balancer-1", "migrate", "console")
		p.RemoveNetwork(t)
	}, nil},
}

func TestAccDrift(t *testing.T) {
	acctest.Long(t)
	for name, drift := range drifts {
		t.Run(name, func(t *testing.T) {
			p, test := prepare(t)
			p.EditBlueprint(t, "    environment:\n      GREETING: hello",
				"    mem_limit: 64m\n    environment:\n      GREETING: hello")
			note, unlike := remember(t, p)
			test.Steps = []resource.TestStep{
				{Config: p.Config(""), Check: checks(note)},
				{
					PreConfig: func() { drift.change(t, p) },
					Config:    p.Config(""),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
						action(plancheck.ResourceActionUpdate),
					}},
					Check: checks(
						running(t, p, "db-1", "web-1", "load-balancer-1"), unlike(drift.restarted...),
						answers(t, p, "/greeting", "hello"), logged(t, p, "started migrated"),
						limits(t, p),
					),
				},
			}
			resource.ParallelTest(t, test)
		})
	}
}

// limits asserts the site's limits and restart policy.
func limits(t *testing.T, p *acctest.Portal) func() {
	return func() {
		t.Helper()
		host := p.Inspect(t, "web-1").HostConfig
		if host.Memory != 64<<20 || host.RestartPolicy.Name != "unless-stopped" {
			t.Errorf("memory %d, restart policy %q", host.Memory, host.RestartPolicy.Name)
		}
	}
}

// A tag that names another image now is drift of the services made from it.
func TestAccDriftOfATag(t *testing.T) {
	acctest.Long(t)
	p, test := prepare(t)
	ref := p.Image(t, "1", "LABEL build=1")
	note, unlike := remember(t, p)
	config := p.Config(`services = { web = { image = "` + ref + `" } }`)
	test.Steps = []resource.TestStep{
		{Config: config, Check: checks(note)},
		{
			PreConfig: func() { p.Image(t, "1", "LABEL build=2") },
			Config:    config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				action(plancheck.ResourceActionUpdate),
			}},
			Check: checks(unlike("web-1"), func() {
				if build := p.Inspect(t, "web-1").Config.Labels["build"]; build != "2" {
					t.Errorf("the site runs build %q", build)
				}
			}),
		},
	}
	resource.ParallelTest(t, test)
}
