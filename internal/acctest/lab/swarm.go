// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"fmt"
	"net"

	"github.com/docker/docker/api/types/swarm"
	"golang.org/x/sync/errgroup"
)

// swarmPort is where managers listen for the others.
const swarmPort = "2377"

// makeSwarm joins all hosts to a Swarm, if there is to be one, and waits until
// each is ready. The first hosts manage it.
func (l *Lab) makeSwarm(ctx context.Context) error {
	if l.state.Managers == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	first := l.Hosts[0].docker
	_, err := first.SwarmInit(ctx, swarm.InitRequest{
		ListenAddr: net.JoinHostPort(l.Hosts[0].Address, swarmPort), AdvertiseAddr: l.Hosts[0].Address,
	})
	if err != nil {
		return fmt.Errorf("make a Swarm on host %s: %w", l.Hosts[0].Name, err)
	}
	made, err := first.SwarmInspect(ctx)
	if err != nil {
		return fmt.Errorf("make a Swarm on host %s: %w", l.Hosts[0].Name, err)
	}
	var g errgroup.Group
	for i, h := range l.Hosts[1:] {
		token := made.JoinTokens.Worker
		if i+1 < l.state.Managers {
			token = made.JoinTokens.Manager
		}
		g.Go(func() error { return h.join(ctx, l.Hosts[0].Address, token) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return await(ctx, func() (bool, error) {
		nodes, err := first.NodeList(ctx, swarm.NodeListOptions{})
		ready := 0
		for _, n := range nodes {
			if n.Status.State == swarm.NodeStateReady {
				ready++
			}
		}
		if err == nil && ready < len(l.Hosts) {
			err = fmt.Errorf("%d of the Swarm's %d nodes are ready", ready, len(l.Hosts))
		}
		return err == nil, err
	}, nil)
}

func (h *Host) join(ctx context.Context, manager, token string) error {
	err := h.docker.SwarmJoin(ctx, swarm.JoinRequest{
		ListenAddr: net.JoinHostPort(h.Address, swarmPort), AdvertiseAddr: h.Address,
		RemoteAddrs: []string{net.JoinHostPort(manager, swarmPort)}, JoinToken: token,
	})
	if err != nil {
		return fmt.Errorf("join host %s to the Swarm: %w", h.Name, err)
	}
	return nil
}
