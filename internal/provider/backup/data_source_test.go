// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
)

func TestListDataSource(t *testing.T) {
	fake, test := rig(t)
	backups := func(want knownvalue.Check) []statecheck.StateCheck {
		return []statecheck.StateCheck{statecheck.ExpectKnownValue("data.portal_backups.all", tfjsonpath.New("backups"), want)}
	}
	const all = `data "portal_backups" "all" { portal = "acme" }`
	test.Steps = []resource.TestStep{
		{Config: all, ConfigStateChecks: backups(knownvalue.ListSizeExact(0))},
		{
			PreConfig: func() {
				fake.backups = []deploy.Backup{
					{ID: "1f", Portal: "acme", Time: time.Date(2026, 7, 1, 2, 15, 0, 0, time.FixedZone("", 7200)), Bytes: 5},
					{ID: "2f", Portal: "acme", Time: nextDue, Bytes: 6},
				}
			},
			Config: all,
			ConfigStateChecks: backups(knownvalue.ListPartial(map[int]knownvalue.Check{
				0: knownvalue.ObjectExact(map[string]knownvalue.Check{
					"id": knownvalue.StringExact("1f"), "portal": knownvalue.StringExact("acme"),
					"time": knownvalue.StringExact("2026-07-01T00:15:00Z"), "bytes": knownvalue.Int64Exact(5),
				}),
				1: knownvalue.ObjectPartial(map[string]knownvalue.Check{"id": knownvalue.StringExact("2f")}),
			})),
		},
		{
			Config:            config(daily) + "data \"portal_backups\" \"all\" {\n  portal   = \"acme\"\n  schedule = portal_backup_schedule.this.name\n}",
			ConfigStateChecks: backups(knownvalue.ListSizeExact(2)),
		},
		{
			Config:      config(daily) + "data \"portal_backups\" \"all\" {\n  portal   = \"acme\"\n  schedule = \"weekly\"\n}",
			ExpectError: regexp.MustCompile(`(?s)listing its backups failed.*no\s+task\s+"backup-weekly"`),
		},
	}
	resource.UnitTest(t, test)
}
