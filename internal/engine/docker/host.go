// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// Hosts implements engine.Engine.
func (e *Engine) Hosts() []string {
	hosts := e.pool.Hosts()
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	return names
}

// Placeable implements engine.Engine.
func (e *Engine) Placeable() []placement.Host {
	hosts := e.pool.Hosts()
	out := make([]placement.Host, len(hosts))
	for i, h := range hosts {
		out[i] = placement.Host{Name: h.Name, Labels: h.Labels, Drain: h.Drain}
	}
	return out
}

// GivenUp implements engine.Engine.
func (e *Engine) GivenUp(host string) bool { return e.pool.GivenUp(host) }

// Settle implements engine.Engine.
func (e *Engine) Settle(portal, host string) error { return e.pool.Settle(portal, host) }

// Addresses implements engine.Engine.
func (e *Engine) Addresses(host string) []string {
	for _, h := range e.pool.Hosts() {
		if h.Name == host && h.Address != "" {
			return []string{h.Address}
		}
	}
	return nil
}

// On implements engine.Engine.
func (e *Engine) On(host string) (engine.Engine, error) {
	p, err := e.pool.On(host)
	if err != nil {
		return nil, err
	}
	return &Engine{pool: p, options: e.options, shared: e.shared}, nil
}

// HostStatus implements engine.Engine.
func (e *Engine) HostStatus(ctx context.Context) []engine.HostStatus {
	hosts := e.pool.Hosts()
	out := make([]engine.HostStatus, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() { out[i] = hostStatus(ctx, h) })
	}
	all.Wait()
	return out
}

func hostStatus(ctx context.Context, h *pool.Host) engine.HostStatus {
	s := engine.HostStatus{Name: h.Name, Endpoint: h.Endpoint, Address: h.Address, Labels: h.Labels, Drain: h.Drain}
	f, err := h.Facts(ctx)
	if err != nil {
		s.Error = Plain(err).Error()
		return s
	}
	s.Reachable = true
	s.EngineVersion, s.APIVersion, s.KernelVersion = f.EngineVersion, f.APIVersion, f.KernelVersion
	s.OS, s.Arch, s.CPUs = f.OS, f.Arch, f.CPUs
	s.Memory, s.MemoryReserved = f.Memory, f.MemoryReserved
	s.Containers, s.Running = f.Containers, f.Running
	s.Portals, s.Gateways = residents(f.List)
	return s
}

// residents names the portals and the gateways that a list's containers belong
// to, sorted.
func residents(list []pool.Container) (portals, gateways []string) {
	of := map[bool]map[string]bool{true: {}, false: {}} // by whether it is a gateway
	for _, c := range list {
		if name := c.Labels[pool.LabelPortal]; name != "" {
			of[c.Labels[pool.LabelRole] == pool.RoleGateway][name] = true
		}
	}
	return slices.Sorted(maps.Keys(of[false])), slices.Sorted(maps.Keys(of[true]))
}
