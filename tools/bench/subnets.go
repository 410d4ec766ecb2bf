// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
)

// subnets gives each network of a run a /24 that no other network of the
// engine had when the run began.
type subnets struct {
	taken []netip.Prefix
	last  netip.Prefix
}

func newSubnets(ctx context.Context, d *docker) (*subnets, error) {
	var networks []struct {
		IPAM struct {
			Config []struct{ Subnet string }
		}
	}
	if err := d.call(ctx, http.MethodGet, "/networks", nil, &networks); err != nil {
		return nil, err
	}
	s := &subnets{last: netip.MustParsePrefix("10.219.255.0/24")}
	for _, n := range networks {
		for _, c := range n.IPAM.Config {
			if prefix, err := netip.ParsePrefix(c.Subnet); err == nil {
				s.taken = append(s.taken, prefix)
			}
		}
	}
	return s, nil
}

func (s *subnets) next() string {
	for {
		address := s.last.Addr().As4()
		if address[2]++; address[2] == 0 {
			address[1]++
		}
		s.last = netip.PrefixFrom(netip.AddrFrom4(address), s.last.Bits())
		if !slices.ContainsFunc(s.taken, s.last.Overlaps) {
			return s.last.String()
		}
	}
}
