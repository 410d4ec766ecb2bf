// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"net/netip"
	"slices"
	"testing"
)

func TestSubnets(t *testing.T) {
	from := netip.MustParsePrefix("10.210.0.0/24")
	all := slices.Collect(subnets(from, subnetBits, "acme_default"))
	if len(all) != 4 {
		t.Fatalf("a /24 holds %d networks: %v", len(all), all)
	}
	for i, p := range all {
		if p.Bits() != 26 || !from.Contains(p.Addr()) || slices.ContainsFunc(all[:i], p.Overlaps) {
			t.Errorf("%v: %v is not of its own", all, p)
		}
	}
	if again := slices.Collect(subnets(from, subnetBits, "acme_default")); !slices.Equal(all, again) {
		t.Errorf("%v, then %v", all, again)
	}
	starts := map[netip.Prefix]bool{}
	for _, name := range []string{"a_default", "b_default", "c_default", "d_default", "e_default"} {
		for p := range subnets(netip.MustParsePrefix("10.210.0.0/16"), subnetBits, name) {
			starts[p] = true
			break
		}
	}
	if len(starts) != 5 {
		t.Errorf("five portals start at %d places: %v", len(starts), starts)
	}
}
