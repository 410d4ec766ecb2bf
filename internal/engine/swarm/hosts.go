// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"maps"
	"slices"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm/swarmjob"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// HostStatus implements engine.Engine: a row for each node of the Swarm, as managers
// know it. When none answers, it is that of the hosts, with the reason.
func (e *Engine) HostStatus(ctx context.Context) []engine.HostStatus {
	var nodes []swarm.Node
	var info system.Info
	err := e.do(ctx, func(ctx context.Context, c *client.Client) (err error) {
		if nodes, err = c.NodeList(ctx, swarm.NodeListOptions{}); err != nil {
			return err
		}
		info, err = c.Info(ctx)
		return err
	})
	var all *state
	if err == nil {
		all, err = e.listing.shared(ctx)
	}
	if err != nil {
		out := e.plain.HostStatus(ctx)
		for i := range out {
			if out[i].Reachable {
				out[i] = engine.HostStatus{Name: out[i].Name, Endpoint: out[i].Endpoint, Address: out[i].Address, Error: plain(err).Error()}
			}
		}
		return out
	}
	out := make([]engine.HostStatus, 0, len(nodes))
	for _, n := range nodes {
		s := nodeStatus(n, info)
		e.addLoad(&s, n.ID, all)
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b engine.HostStatus) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

func nodeStatus(n swarm.Node, info system.Info) engine.HostStatus {
	s := engine.HostStatus{
		Name: n.Description.Hostname, Address: n.Status.Addr, Labels: n.Spec.Labels, Drain: n.Spec.Availability != swarm.NodeAvailabilityActive,
		Reachable: n.Status.State == swarm.NodeStateReady,
	}
	if !s.Reachable {
		s.Error = "the node is " + string(n.Status.State)
		if n.Status.Message != "" {
			s.Error += ": " + n.Status.Message
		}
		return s
	}
	s.EngineVersion, s.OS, s.Arch = n.Description.Engine.EngineVersion, n.Description.Platform.OS, n.Description.Platform.Architecture
	s.CPUs = int(n.Description.Resources.NanoCPUs / 1e9)
	s.Memory = n.Description.Resources.MemoryBytes
	if info.Swarm.NodeID == n.ID {
		s.KernelVersion, s.OS = info.KernelVersion, info.OperatingSystem
	}
	return s
}

// addLoad counts what runs on a node.
func (e *Engine) addLoad(s *engine.HostStatus, node string, all *state) {
	portals, gateways := map[string]bool{}, map[string]bool{}
	for _, x := range all.services {
		name := x.Spec.Labels[pool.LabelPortal]
		for _, t := range all.tasks[x.ID] {
			if t.NodeID != node || swarmjob.Over(t.Status.State) {
				continue
			}
			s.Containers++
			if t.Status.State == swarm.TaskStateRunning {
				s.Running++
			}
			if r := t.Spec.Resources; r != nil && r.Reservations != nil {
				s.MemoryReserved += r.Reservations.MemoryBytes
			}
			if x.Spec.Labels[pool.LabelRole] == pool.RoleGateway {
				gateways[name] = true
			} else {
				portals[name] = true
			}
		}
	}
	s.Portals, s.Gateways = slices.Sorted(maps.Keys(portals)), slices.Sorted(maps.Keys(gateways))
}
