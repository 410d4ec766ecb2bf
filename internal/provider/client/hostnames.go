// SPDX-License-Identifier: MPL-2.0

package client

import (
	"fmt"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// claim is a hostname behind a gateway.
type claim struct{ gateway, host string }

// claims are those of all planned portals, by what is claimed and by who claims.
type claims struct {
	portals map[claim]map[string]bool
	of      map[string][]claim
}

// set replaces the claims of a portal. rival is another one, the first by name,
// that claims something of them as well; empty without one.
func (c *claims) set(portal string, wanted []claim) (rival string, contested claim) {
	if c.portals == nil {
		c.portals, c.of = map[claim]map[string]bool{}, map[string][]claim{}
	}
	for _, former := range c.of[portal] {
		delete(c.portals[former], portal)
	}
	c.of[portal] = wanted
	for _, w := range wanted {
		if c.portals[w] == nil {
			c.portals[w] = map[string]bool{}
		}
		c.portals[w][portal] = true
		for other := range c.portals[w] {
			if other != portal && (rival == "" || other < rival) {
				rival, contested = other, w
			}
		}
	}
	return rival, contested
}

// uniqueHostnames notes the hostnames of a planned portal, those of its members
// included, and fails when another one behind the same gateway has one of them as
// well. The caller holds the lock.
func (p *Planned) uniqueHostnames(portal string) error {
	var wanted []claim
	if planned := p.portals[portal]; planned.gateway != "" {
		for _, host := range p.hostnames(portal) {
			wanted = append(wanted, claim{planned.gateway, host})
		}
	}
	rival, contested := p.claims.set(portal, wanted)
	if rival == "" {
		return nil
	}
	return blueprint.Problems{{
		Summary: "Two portals claim one hostname",
		Detail:  fmt.Sprintf("The hostname %s is claimed by the portals %q and %q, both behind the gateway %q: a visitor's request can lead to one of them only. Give one another hostname.", contested.host, min(portal, rival), max(portal, rival), contested.gateway),
	}}
}

// hostnames of a planned portal, those of its members included.
func (p *Planned) hostnames(portal string) []string {
	all := slices.Clone(p.portals[portal].hostnames)
	for _, m := range p.members[portal] {
		all = append(all, m.hostnames...)
	}
	slices.Sort(all)
	return slices.Compact(all)
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
