// SPDX-License-Identifier: MPL-2.0

package fake

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// has tells whether a host is this engine's, or this view's.
func (e *Engine) has(host string) bool { return slices.Contains(e.hosts, host) }

// settled are the hosts, by portal, that portals are to be on.
type settled struct{ hosts sync.Map }

func newSettled() *settled { return new(settled) }

// settledOn is the host that a portal is to be on, empty when nobody said so.
func (e *Engine) settledOn(portal string) string {
	v, _ := e.settled.hosts.Load(portal)
	host, _ := v.(string)
	return host
}

// place is the host that a portal is settled on, or that has it, or else the
// first. The caller holds the lock.
func (e *Engine) place(portal string) string {
	if host := e.settledOn(portal); host != "" {
		return host
	}
	for _, c := range e.containers {
		if c.portal == portal && e.has(c.host) {
			return c.host
		}
	}
	return e.hosts[0]
}

// Hosts implements engine.Engine.
func (e *Engine) Hosts() []string { return slices.Clone(e.hosts) }

// Placeable implements engine.Engine.
func (e *Engine) Placeable() []placement.Host {
	out := make([]placement.Host, len(e.hosts))
	for i, host := range e.hosts {
		out[i] = placement.Host{Name: host, Labels: e.Labels[host], Drain: slices.Contains(e.Drained, host)}
	}
	return out
}

// GivenUp implements engine.Engine.
func (e *Engine) GivenUp(host string) bool { return slices.Contains(e.Dead, host) }

// Settle implements engine.Engine.
func (e *Engine) Settle(portal, host string) error {
	if _, err := e.On(host); err != nil {
		return err
	}
	e.settled.hosts.Store(portal, host)
	return nil
}

// Addresses implements engine.Engine: hosts are in the domain "test".
func (e *Engine) Addresses(host string) []string {
	if !e.has(host) {
		return nil
	}
	return []string{host + ".test"}
}

// On implements engine.Engine.
func (e *Engine) On(host string) (engine.Engine, error) {
	if !e.has(host) {
		return nil, fmt.Errorf("the provider has no host %q: its hosts are %q", host, e.hosts)
	}
	return &Engine{state: e.state, hosts: []string{host}, settled: newSettled()}, nil
}

// Portals implements engine.Engine. A fake engine knows of no gateways.
func (e *Engine) Portals(context.Context) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, host := range e.hosts {
		out = append(out, e.status(host).Portals...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// HostStatus implements engine.Engine: all hosts are well, but those that are silent.
func (e *Engine) HostStatus(context.Context) []engine.HostStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]engine.HostStatus, len(e.hosts))
	for i, host := range e.hosts {
		out[i] = e.status(host)
		if slices.Contains(e.Silent, host) {
			out[i] = engine.HostStatus{Name: host, Error: errSilent.Error()}
		}
	}
	return out
}

// status is that of one host. The caller holds the lock.
func (e *Engine) status(host string) engine.HostStatus {
	s := engine.HostStatus{
		Name: host, Endpoint: "tcp://" + host + ".test:2376", Address: host + ".test", Reachable: true,
		EngineVersion: "20.10.24", APIVersion: "1.41", KernelVersion: "6.1.0", OS: "Fake", Arch: "amd64",
		CPUs: 4, Memory: 16 << 30,
	}
	for _, c := range e.containers {
		if c.host != host {
			continue
		}
		s.Containers++
		s.MemoryReserved += c.reserves
		if c.State == stack.Running {
			s.Running++
		}
		if c.portal != "" {
			s.Portals = append(s.Portals, c.portal)
		}
	}
	slices.Sort(s.Portals)
	s.Portals = slices.Compact(s.Portals)
	return s
}

// Anew is the engine of another process, which has settled nothing.
func (e *Engine) Anew() *Engine { return e.Without("") }

// Without is Anew of a pool that does not have one of the hosts.
func (e *Engine) Without(host string) *Engine {
	hosts := slices.DeleteFunc(slices.Clone(e.hosts), func(h string) bool { return h == host })
	return &Engine{state: e.state, hosts: hosts, settled: newSettled()}
}
