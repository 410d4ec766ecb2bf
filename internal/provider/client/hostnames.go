// SPDX-License-Identifier: MPL-2.0

package client

import (
	"fmt"
	"maps"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// uniqueHostnames fails when a planned portal has a hostname that another one
// behind the same gateway has as well. The caller holds the lock.
func (p *Planned) uniqueHostnames(portal string) error {
	gateway := gatewayOf(p.portals[portal])
	if gateway == "" {
		return nil
	}
	mine := p.hostnames(portal)
	for _, other := range slices.Sorted(maps.Keys(p.portals)) {
		if other == portal || gatewayOf(p.portals[other]) != gateway {
			continue
		}
		for _, host := range p.hostnames(other) {
			if slices.Contains(mine, host) {
				return blueprint.Problems{{
					Summary: "Two portals claim one hostname",
					Detail:  fmt.Sprintf("The hostname %s is claimed by the portals %q and %q, both behind the gateway %q: a visitor's request can lead to one of them only. Give one another hostname.", host, min(portal, other), max(portal, other), gateway),
				}}
			}
		}
	}
	return nil
}

// hostnames of a planned portal, those of its members included.
func (p *Planned) hostnames(portal string) []string {
	return ingress.Hostnames(append(p.others(portal, ""), p.portals[portal])...)
}

// gatewayOf is the gateway that a stack is behind, empty for none.
func gatewayOf(s *stack.Stack) string {
	if s == nil {
		return ""
	}
	for _, n := range s.Networks {
		if n.Gateway != "" {
			return n.Gateway
		}
	}
	return ""
}
