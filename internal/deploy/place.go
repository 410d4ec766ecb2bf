// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// placed is what was decided in this run: the load of the hosts as it was found,
// and what the portals that were placed since will add to it.
type placed struct {
	mu       sync.Mutex
	loads    map[string]placement.Load // nil until it is known
	there    map[string]string         // portal → host, as it was found
	reserved map[string]reservation    // by portal
}

type reservation struct {
	host   string
	memory int64
}

// Place decides which host a portal is to run on. A portal that is somewhere, be it
// only in part, stays there while it may; home, if not empty, is where the state
// has it. Portals that are placed in one run know of each other.
func (d *Deployer) Place(ctx context.Context, desired *stack.Stack, spec stack.Spec, home string) (placement.Decision, error) {
	if own, ok := d.Engine.(engine.SelfPlacing); ok {
		decision, err := own.Place(ctx, desired, spec)
		if err != nil {
			return decision, fmt.Errorf("portal %q cannot be placed: %w", spec.Name, err)
		}
		return decision, nil
	}
	constraints, err := placement.ParseAll(spec.Constraints)
	if err != nil {
		return placement.Decision{}, err
	}
	r := placement.Request{Host: spec.Host, Constraints: constraints, Memory: stack.Memory(desired)}
	hosts := d.Engine.Placeable()
	permitted, err := r.Permitted(hosts)
	if err != nil {
		return placement.Decision{}, fmt.Errorf("portal %q cannot be placed: %w", spec.Name, err)
	}
	if len(hosts) == 1 && home == "" {
		return r.Choose(hosts, permitted, nil, d.Strategy)
	}
	if home != "" {
		r.Homes = []string{home}
	}
	host, stays := r.Stays(permitted) // without asking anybody
	if !stays {
		if r.Homes, err = d.homes(ctx, spec.Name, home); err != nil {
			return placement.Decision{}, err
		}
		host, stays = r.Stays(permitted)
	}
	if stays {
		d.placed.reserve(spec.Name, host, r.Memory)
		return placement.Decision{Host: host, Reason: "it is there already"}, nil
	}
	decision, err := d.placed.choose(ctx, d, spec.Name, r, hosts, permitted)
	if err != nil {
		return decision, fmt.Errorf("portal %q cannot be placed: %w", spec.Name, err)
	}
	return decision, nil
}

// homes are the hosts that a portal is on: the one that the state names, those that
// have containers of it and, when a host does not answer, the one that its manifest
// names.
func (d *Deployer) homes(ctx context.Context, portal, home string) ([]string, error) {
	var out []string
	add := func(host string) {
		if host != "" && !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	add(home)
	observed, err := d.Engine.ObserveShared(ctx, portal)
	if err != nil {
		if home != "" {
			return out, nil
		}
		m, manifestErr := d.readManifest(ctx, portal)
		if manifestErr != nil {
			return nil, err
		}
		if exists(m.Status) {
			add(m.Host)
		}
		return out, nil
	}
	if len(observed.Containers) > 0 {
		add(observed.Host)
	}
	for _, other := range observed.Elsewhere {
		add(other.Host)
	}
	return out, nil
}

// reserve notes where a portal stays.
func (p *placed) reserve(portal, host string, memory int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(portal, host, memory)
}

// add is reserve for who holds the lock.
func (p *placed) add(portal, host string, memory int64) {
	if p.reserved == nil {
		p.reserved = map[string]reservation{}
	}
	p.reserved[portal] = reservation{host, memory}
}

// choose picks a host, and reserves the portal's memory there. The hosts are asked
// once in a run.
func (p *placed) choose(ctx context.Context, d *Deployer, portal string, r placement.Request, hosts, permitted []placement.Host) (placement.Decision, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loads == nil && len(permitted) > 1 {
		p.ask(ctx, d)
	}
	decision, err := r.Choose(hosts, permitted, p.withReserved(portal), d.Strategy)
	if err != nil {
		p.loads = nil // a host that is silent may be asked again
		return decision, err
	}
	p.add(portal, decision.Host, r.Memory)
	return decision, nil
}

// ask asks all hosts at once how full they are.
func (p *placed) ask(ctx context.Context, d *Deployer) {
	p.loads, p.there = map[string]placement.Load{}, map[string]string{}
	for _, s := range d.Engine.HostStatus(ctx) {
		load := placement.Load{Memory: s.Memory, Reserved: s.MemoryReserved}
		if !s.Reachable {
			load.Err = errors.New(s.Error)
		}
		p.loads[s.Name] = load
		for _, portal := range s.Portals {
			p.there[portal] = s.Name
		}
	}
}

// withReserved adds to the loads what portals that were placed in this run will
// reserve on hosts that do not have them yet, but for the portal itself.
func (p *placed) withReserved(portal string) map[string]placement.Load {
	out := make(map[string]placement.Load, len(p.loads))
	for name, load := range p.loads {
		out[name] = load
	}
	for other, r := range p.reserved {
		if load, ok := out[r.host]; ok && other != portal && p.there[other] != r.host {
			load.Reserved += r.memory
			out[r.host] = load
		}
	}
	return out
}
