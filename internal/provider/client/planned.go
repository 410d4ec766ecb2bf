// SPDX-License-Identifier: MPL-2.0

package client

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Planned is what has been planned in one run of Terraform: the stacks of the
// portals, and what joins them. A member of a portal that is changed in the same
// run is so planned for the portal's stack of afterwards, and members that are
// in each other's way are found before anything happens.
//
// Its zero value is ready. Terraform plans resources at the same time, so all
// methods may be called at the same time.
type Planned struct {
	mu       sync.Mutex
	portals  map[string]plannedPortal
	claims   claims
	members  map[string]map[string]plannedMember // by portal and owner
	claimed  map[memberKey]bool
	gateways map[string]*stack.GatewaySpec
}

// memberKey is what members are known by.
type memberKey struct{ portal, owner string }

// plannedPortal is what is kept of a portal's planned stack.
type plannedPortal struct {
	stack packed // nil while it is not known
	// gateway that the portal is behind, empty for none.
	gateway   string
	hostnames []string // of the portal's own part
}

type plannedMember struct {
	member    stack.Member
	part      *stack.Stack
	hostnames []string
}

// SetPortal notes the stack that a portal will have; nil while it is not known.
// It fails when another portal behind the same gateway has one of its hostnames.
func (p *Planned) SetPortal(portal string, s *stack.Stack) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.portals == nil {
		p.portals = map[string]plannedPortal{}
	}
	if s == nil {
		p.portals[portal] = plannedPortal{}
		return p.uniqueHostnames(portal)
	}
	text, err := pack(s)
	if err != nil {
		return err
	}
	p.portals[portal] = plannedPortal{stack: text, gateway: gatewayOf(s), hostnames: ingress.Hostnames(s)}
	return p.uniqueHostnames(portal)
}

// Portal is the stack that a portal will have, but for what its files contain. It
// is false when the portal has not been planned; its stack is nil when it was, and
// is not known.
func (p *Planned) Portal(portal string) (*stack.Stack, bool, error) {
	p.mu.Lock()
	planned, found := p.portals[portal]
	p.mu.Unlock()
	if planned.stack == nil {
		return nil, found, nil
	}
	s, err := planned.stack.stack()
	return s, found, err
}

// Join makes the part of a portal's stack that a member is, beside the members
// that have been planned before, and notes it. An error is what blueprint.Join
// returns.
func (p *Planned) Join(base *stack.Stack, m stack.Member) (*stack.Stack, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Terraform plans a resource that it replaces twice.
	if before, noted := p.members[base.Portal][m.Owner()]; noted && !reflect.DeepEqual(before.member, m) {
		return nil, blueprint.Problems{{
			Attribute: "name", Summary: "Two resources of one name",
			Detail: fmt.Sprintf("Two resources of this configuration describe the %s %q of portal %q. Give one of them another name.", m.Kind, m.Name, base.Portal),
		}}
	}
	part, err := blueprint.Join(base, m, p.others(base.Portal, m.Owner())...)
	if err != nil {
		return nil, err
	}
	if p.members == nil {
		p.members = map[string]map[string]plannedMember{}
	}
	if p.members[base.Portal] == nil {
		p.members[base.Portal] = map[string]plannedMember{}
	}
	p.members[base.Portal][m.Owner()] = plannedMember{m, part, ingress.Hostnames(part)}
	return part, p.uniqueHostnames(base.Portal)
}

// others are the parts of the portal's members but for one owner's, by their
// owners.
func (p *Planned) others(portal, owner string) []*stack.Stack {
	var parts []*stack.Stack
	for _, other := range slices.Sorted(maps.Keys(p.members[portal])) {
		if other != owner {
			parts = append(parts, p.members[portal][other].part)
		}
	}
	return parts
}

// Claim notes that a member is being created. It is false when another resource
// of the same configuration has created one of the same portal and owner.
func (p *Planned) Claim(portal, owner string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := memberKey{portal, owner}
	if p.claimed[key] {
		return false
	}
	if p.claimed == nil {
		p.claimed = map[memberKey]bool{}
	}
	p.claimed[key] = true
	return true
}
