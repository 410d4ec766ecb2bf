// SPDX-License-Identifier: MPL-2.0

package fake

import (
	"context"
	"fmt"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// has tells whether a host is this engine's, or this view's.
func (e *Engine) has(host string) bool { return slices.Contains(e.hosts, host) }

// place is the host that has a portal, or else the first. The caller holds the
// lock.
func (e *Engine) place(portal string) string {
	for _, c := range e.containers {
		if c.portal == portal && e.has(c.host) {
			return c.host
		}
	}
	return e.hosts[0]
}

// Hosts implements engine.Engine.
func (e *Engine) Hosts() []string { return slices.Clone(e.hosts) }

// Address implements engine.Engine: hosts are in the domain "test".
func (e *Engine) Address(host string) string {
	if !e.has(host) {
		return ""
	}
	return host + ".test"
}

// On implements engine.Engine.
func (e *Engine) On(host string) (engine.Engine, error) {
	if !e.has(host) {
		return nil, fmt.Errorf("the provider has no host %q: its hosts are %q", host, e.hosts)
	}
	return &Engine{state: e.state, hosts: []string{host}}, nil
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

// HostStatus implements engine.Engine: all hosts are well.
func (e *Engine) HostStatus(context.Context) []engine.HostStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]engine.HostStatus, len(e.hosts))
	for i, host := range e.hosts {
		out[i] = e.status(host)
	}
	return out
}

// status is that of one host. The caller holds the lock.
func (e *Engine) status(host string) engine.HostStatus {
	s := engine.HostStatus{
		Name: host, Endpoint: "tcp://" + e.Address(host) + ":2376", Address: e.Address(host), Reachable: true,
		EngineVersion: "20.10.24", APIVersion: "1.41", KernelVersion: "6.1.0", OS: "Fake", Arch: "amd64",
		CPUs: 4, Memory: 16 << 30,
	}
	for _, c := range e.containers {
		if c.host != host {
			continue
		}
		s.Containers++
		s.MemoryReserved += max(c.Settings.Resources.Memory, c.Settings.Resources.MemoryReservation)
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
