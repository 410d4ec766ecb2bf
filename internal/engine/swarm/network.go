// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"fmt"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const overlay = "overlay"

// overlayName is what a network is called in the Swarm. On a node that engine docker
// ran the portal on, its bridge has the name still, and Docker gives no name twice.
func overlayName(network string) string { return network + "_" + overlay }

// ensureNetwork makes the network op.Target unless the portal has it.
func (t *task) ensureNetwork(ctx context.Context) error {
	what := "make network " + t.op.Target
	want := t.stack.Networks[t.op.Target]
	want.Name = t.op.Target
	want.Name = overlayName(want.Name)
	is, err := t.network(ctx, want.Name)
	switch {
	case err != nil:
		return t.fail(what, err)
	case is != nil:
		return t.acceptNetwork(what, want, *is)
	case want.Gateway != "":
		return t.failWith(what, fmt.Sprintf("Apply the portal_gateway %q first; a portal whose gateway is another resource of the configuration names it by reference: gateway = portal_gateway.%s.name.", want.Gateway, want.Gateway), fmt.Errorf("the gateway %q does not run in this Swarm", want.Gateway))
	}
	err = t.engine.do(ctx, func(ctx context.Context, c *client.Client) error {
		_, err := c.NetworkCreate(ctx, want.Name, t.networkBody(want))
		return err
	})
	if cerrdefs.IsConflict(err) || err != nil && strings.Contains(err.Error(), "already exists") {
		if is, err = t.network(ctx, want.Name); err == nil && is != nil {
			return t.acceptNetwork(what, want, *is)
		}
	}
	if err != nil {
		return t.fail(what, err)
	}
	return nil
}

func (t *task) networkBody(n stack.Network) network.CreateOptions {
	body := network.CreateOptions{
		Driver: overlay, Internal: n.Internal, Scope: "swarm",
		Labels: map[string]string{labelStack: t.stack.Portal, pool.LabelPortal: t.stack.Portal},
	}
	for k, v := range n.Labels {
		body.Labels[k] = v
	}
	if t.engine.options.Encrypted {
		body.Options = map[string]string{"encrypted": "true"}
	}
	return body
}

// acceptNetwork takes a network that is there already, if it is the portal's and as
// it should be.
func (t *task) acceptNetwork(what string, want stack.Network, is network.Summary) error {
	switch {
	case want.Gateway != "" && is.Labels[pool.LabelPortal] == want.Gateway:
		return nil
	case is.Labels[pool.LabelPortal] != t.stack.Portal:
		return t.failWith(what, fmt.Sprintf("Remove it (\"docker network rm %s\" on a manager) if nobody needs it, or give the portal another name.", want.Name), fmt.Errorf("the name %q is held by network %.12s, which is not part of the portal", want.Name, is.ID))
	case is.Internal != want.Internal:
		return t.failWith(what, "Destroy the portal, which keeps its files, and apply it again.", fmt.Errorf("the network is there with internal = %t and should have internal = %t, which cannot be changed while services use it", is.Internal, want.Internal))
	}
	return nil
}

// network finds an overlay network by its name, nil when there is none. A bridge of
// that name, which engine docker left on a node, is another one.
func (t *task) network(ctx context.Context, name string) (found *network.Summary, err error) {
	err = t.engine.do(ctx, func(ctx context.Context, c *client.Client) error {
		n, err := c.NetworkInspect(ctx, name, network.InspectOptions{Scope: "swarm"})
		switch {
		case cerrdefs.IsNotFound(err), err == nil && n.Name != name: // it also looks for beginnings of ids
			return nil
		case err == nil:
			found = &n
		}
		return err
	})
	return found, err
}

// listNetworks lists the overlay networks of a portal.
func listNetworks(ctx context.Context, c *client.Client, portal string) ([]network.Summary, error) {
	return c.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(
		filters.Arg("label", pool.LabelPortal+"="+portal), filters.Arg("driver", overlay),
	)})
}

// networkIDs are the ids of the networks that a service is attached to, by name.
func (t *task) networkIDs(ctx context.Context, s *stack.Service) (map[string]string, error) {
	out := map[string]string{}
	for name := range s.Networks {
		n, err := t.network(ctx, overlayName(name))
		if err != nil {
			return nil, err
		}
		if n == nil {
			return nil, fmt.Errorf("the network %s is not there", name)
		}
		out[name] = n.ID
	}
	return out, nil
}

// removeNetwork removes the network op.Target if it is the portal's. Swarm may take
// a moment to see that the services that used it are gone.
func (t *task) removeNetwork(ctx context.Context) error {
	what := "remove network " + t.op.Target
	for gap := firstGap; ; gap = min(2*gap, lastGap) {
		n, err := t.network(ctx, overlayName(t.op.Target))
		if err != nil {
			return t.fail(what, err)
		}
		if n == nil || n.Labels[pool.LabelPortal] != t.stack.Portal {
			return nil
		}
		err = t.engine.do(ctx, func(ctx context.Context, c *client.Client) error { return c.NetworkRemove(ctx, n.ID) })
		switch {
		case err == nil, cerrdefs.IsNotFound(err):
			return nil
		case !strings.Contains(err.Error(), "in use"):
			return t.fail(what, err)
		}
		select {
		case <-ctx.Done():
			return t.failWith(what, fmt.Sprintf("See what uses it: \"docker network inspect %s\" on a manager.", n.Name), err)
		case <-time.After(gap):
		}
	}
}
