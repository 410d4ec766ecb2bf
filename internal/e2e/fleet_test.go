// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// fleetSize is more than the networks that Docker's own address pools have
// room for, the default bridge included.
const fleetSize = 32

// tiny is a stack of one service.
const tiny = `
services:
  web:
    image: portal-test/busybox
    init: true
    command: [sleep, infinity]
`

// TestFleet makes many portals on one host from one configuration, at once,
// and takes them down again.
func TestFleet(t *testing.T) {
	acctest.PreCheck(t)
	p := acctest.NewPortal(t)
	if err := os.WriteFile(filepath.Join(p.Blueprint, "compose.yaml"), []byte(tiny), 0o600); err != nil {
		t.Fatal(err)
	}
	tf := acctest.NewTerraform(t, p.ProviderConfig()+fmt.Sprintf(`
resource "portal" "client" {
  for_each  = toset([for n in range(%d) : "%s-${n}"])
  name      = each.key
  domain    = "${each.key}.test"
  blueprint = %q
}
`, fleetSize, p.Name, p.Blueprint))
	t.Cleanup(func() {
		if t.Failed() {
			tf.Run(t, "destroy", "-auto-approve", "-input=false", "-no-color")
		}
	})

	apply := tf.Apply(t)
	subnets := subnetsOf(t, p)
	if len(subnets) != fleetSize {
		t.Errorf("%d networks for %d portals", len(subnets), fleetSize)
	}
	for i, s := range subnets {
		for _, other := range subnets[:i] {
			if s.Overlaps(other) {
				t.Errorf("%s and %s overlap", s, other)
			}
		}
		if s.Bits() != 26 || !netip.MustParsePrefix("10.210.0.0/16").Overlaps(s) {
			t.Errorf("%s is not of the subnet pool", s)
		}
	}
	plan := tf.Run(t, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	if plan.ExitCode != 0 {
		t.Errorf("the plan is not empty: exit code %d\n%s", plan.ExitCode, plan.Output)
	}
	destroy := tf.Destroy(t)
	t.Logf("%d portals: create %s, plan %s, destroy %s", fleetSize, apply.Took, plan.Took, destroy.Took)
	if left := subnetsOf(t, p); len(left) != 0 {
		t.Errorf("networks %v are left", left)
	}
	all := &bed{Portal: p}
	for _, c := range all.all(t) {
		if strings.HasPrefix(c.Names[0], "/"+p.Name+"-") {
			t.Errorf("%s is left", c.Names[0])
		}
	}
	eventually(t, "the end of the file agents", func() bool {
		return !slices.ContainsFunc(all.all(t), func(c container.Summary) bool {
			return strings.Contains(c.Command, "--portal "+p.Name+"-")
		})
	})
}

// subnetsOf are the subnets of the networks of all portals of a fleet.
func subnetsOf(t *testing.T, p *acctest.Portal) []netip.Prefix {
	t.Helper()
	list, err := p.Docker.NetworkList(enginetest.Context(t), network.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var found []netip.Prefix
	for _, n := range list {
		if strings.HasPrefix(n.Labels[pool.LabelPortal], p.Name+"-") {
			found = append(found, netip.MustParsePrefix(n.IPAM.Config[0].Subnet))
		}
	}
	return found
}
