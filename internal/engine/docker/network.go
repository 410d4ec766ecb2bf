// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// subnetBits is the prefix length of a network that asks for none: 61 containers.
const subnetBits = 26

// ensureNetwork makes the network op.Target unless the portal has it.
func (t *task) ensureNetwork(ctx context.Context) error {
	what := "make network " + t.op.Target
	want := t.stack.Networks[t.op.Target]
	want.Name = t.op.Target
	is, found, err := t.network(ctx, want.Name)
	switch {
	case err != nil:
		return t.fail(what, err)
	case found:
		return t.acceptNetwork(what, want, is)
	}
	if want.Gateway != "" {
		return t.failWith(what, fmt.Sprintf("Apply the portal_gateway %q first; a portal whose gateway is another resource of the configuration names it by reference: gateway = portal_gateway.%s.name.", want.Gateway, want.Gateway), fmt.Errorf("the gateway %q does not run on the host", want.Gateway))
	}
	bits := max(cmp.Or(want.Bits, subnetBits), t.engine.options.SubnetPool.Bits())
	var taken []netip.Prefix
	for subnet := range subnets(t.engine.options.SubnetPool, bits, want.Name) {
		if slices.ContainsFunc(taken, subnet.Overlaps) {
			continue
		}
		err := t.createNetwork(ctx, want, subnet)
		switch {
		case err == nil:
			return nil
		case cerrdefs.IsConflict(err):
			n, err := t.api.NetworkInspect(ctx, want.Name, network.InspectOptions{})
			if err != nil {
				return t.fail(what, err)
			}
			return t.acceptNetwork(what, want, n)
		case !strings.Contains(err.Error(), "overlap"):
			return t.fail(what, err)
		case taken == nil:
			// Rare in a pool of some size: most networks are made without a look
			// at all the others.
			if taken, err = t.takenSubnets(ctx); err != nil {
				return t.fail(what, err)
			}
		}
	}
	return t.failWith(what, "Give the provider a larger or another subnet_pool, or remove networks that nobody uses (\"docker network prune\").", fmt.Errorf("no /%d in subnet_pool %s is free on the host", bits, t.engine.options.SubnetPool))
}

// acceptNetwork takes a network that is there already, if it is the portal's
// and as it should be.
func (t *task) acceptNetwork(what string, want stack.Network, is network.Summary) error {
	switch {
	case want.Gateway != "" && is.Labels[pool.LabelPortal] == want.Gateway:
		return nil
	case is.Labels[pool.LabelPortal] != t.stack.Portal:
		return t.failWith(what, fmt.Sprintf("Remove it (\"docker network rm %s\") if nobody needs it, or give the portal another name.", want.Name), held("network", want.Name, is.ID, "which is not part of the portal"))
	case is.Internal != want.Internal:
		return t.failWith(what, fmt.Sprintf("Stop and remove the portal's containers and the network (\"docker network rm %s\"), and apply again.", want.Name), fmt.Errorf("the network is there with internal = %t and should have internal = %t, which cannot be changed while containers use it", is.Internal, want.Internal))
	}
	return nil
}

// createNetwork makes a network with one subnet. A repeated call whose first
// attempt was done conflicts, which the caller looks into.
func (t *task) createNetwork(ctx context.Context, n stack.Network, subnet netip.Prefix) error {
	labels := map[string]string{
		"com.docker.compose.project": t.stack.Portal,
		"com.docker.compose.network": strings.TrimPrefix(n.Name, t.stack.Portal+"_"),
		"com.docker.compose.version": t.engine.options.Version,
		pool.LabelPortal:             t.stack.Portal,
	}
	for k, v := range n.Labels {
		labels[k] = v
	}
	return pool.Retry(ctx, func() error {
		_, err := t.api.NetworkCreate(ctx, n.Name, network.CreateOptions{
			Driver:   "bridge",
			Internal: n.Internal,
			Labels:   labels,
			IPAM: &network.IPAM{
				Driver: "default",
				Config: []network.IPAMConfig{{Subnet: subnet.String()}},
			},
		})
		return err
	})
}

// network finds a network by its name alone.
func (t *task) network(ctx context.Context, name string) (network.Summary, bool, error) {
	list, err := listNetworks(ctx, t.api, network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", "^"+regexp.QuoteMeta(name)+"$"))})
	if err != nil {
		return network.Summary{}, false, err
	}
	i := slices.IndexFunc(list, func(n network.Summary) bool { return n.Name == name })
	if i < 0 {
		return network.Summary{}, false, nil
	}
	return list[i], true, nil
}

// takenSubnets are the subnets of the networks on the host.
func (t *task) takenSubnets(ctx context.Context) ([]netip.Prefix, error) {
	list, err := listNetworks(ctx, t.api, network.ListOptions{})
	if err != nil {
		return nil, err
	}
	taken := []netip.Prefix{}
	for _, n := range list {
		for _, c := range n.IPAM.Config {
			if p, err := netip.ParsePrefix(c.Subnet); err == nil {
				taken = append(taken, p)
			}
		}
	}
	return taken, nil
}

// subnets yields the subnets of a pool, from one that the name decides
// onwards, so that a portal tends to get the same one again.
func subnets(from netip.Prefix, bits int, name string) func(yield func(netip.Prefix) bool) {
	return func(yield func(netip.Prefix) bool) {
		count := uint32(1) << max(bits-from.Bits(), 0)
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(name))
		first := hash.Sum32() % count
		for i := range count {
			p := nthSubnet(from, bits, (first+i)%count)
			if !yield(p) {
				return
			}
		}
	}
}

// nthSubnet is subnet n of an IPv4 pool.
func nthSubnet(from netip.Prefix, bits int, n uint32) netip.Prefix {
	a := from.Masked().Addr().As4()
	base := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	base += n << (32 - bits)
	addr := netip.AddrFrom4([4]byte{byte(base >> 24), byte(base >> 16), byte(base >> 8), byte(base)})
	return netip.PrefixFrom(addr, bits)
}

// connect attaches a container to the network op.Target.
func (t *task) connect(ctx context.Context) error {
	s := t.service()
	if s == nil {
		return t.fail("connect to network "+t.op.Target, fmt.Errorf("the stack has no service %q", t.op.Service))
	}
	if err := t.attach(ctx, t.op.Target, s); err != nil {
		return t.fail("connect to network "+t.op.Target, err)
	}
	return nil
}

// attach connects the operation's container to a network, unless it is there.
func (t *task) attach(ctx context.Context, networkName string, s *stack.Service) error {
	err := t.api.NetworkConnect(ctx, networkName, t.ref(), endpoint(t.stack, s, max(t.op.Number, 1), networkName))
	if err != nil && strings.Contains(err.Error(), "already exists in network") {
		return nil
	}
	return err
}

// disconnect detaches a container from the network op.Target.
func (t *task) disconnect(ctx context.Context) error {
	err := t.api.NetworkDisconnect(ctx, t.op.Target, t.ref(), true)
	if err != nil && !cerrdefs.IsNotFound(err) && !strings.Contains(err.Error(), "is not connected to") {
		return t.fail("disconnect from network "+t.op.Target, err)
	}
	return nil
}

// removeNetwork removes the network op.Target if it is the portal's. Somebody
// else's container on it is never detached: it is named in the error.
func (t *task) removeNetwork(ctx context.Context) error {
	what := "remove network " + t.op.Target
	n, err := t.api.NetworkInspect(ctx, t.op.Target, network.InspectOptions{})
	switch {
	case cerrdefs.IsNotFound(err):
		return nil
	case err != nil:
		return t.fail(what, err)
	case n.Labels[pool.LabelPortal] != t.stack.Portal:
		return nil
	}
	for id, endpoint := range n.Containers {
		if err := t.detach(ctx, n.ID, id, endpoint.Name); err != nil {
			return t.failWith(what, fmt.Sprintf("Detach it (\"docker network disconnect -f %s %s\") and apply again.", n.Name, endpoint.Name), err)
		}
	}
	if err := t.removeIdleNetwork(ctx, n.ID); err != nil && !cerrdefs.IsNotFound(err) {
		return t.fail(what, err)
	}
	return nil
}

// removeIdleNetwork removes a network to which no container is attached. An
// engine under load may take a while to see that, and old ones sometimes never
// do, until they are restarted: "has active endpoints", but none to be seen.
// Such a network is left behind. It holds nothing, and is used again when the
// portal is made again.
func (t *task) removeIdleNetwork(ctx context.Context, id string) error {
	const attempts = 6
	for attempt := range attempts {
		err := t.api.NetworkRemove(ctx, id)
		if err == nil || !strings.Contains(err.Error(), "active endpoints") {
			return err
		}
		n, inspectErr := t.api.NetworkInspect(ctx, id, network.InspectOptions{})
		if inspectErr != nil || len(n.Containers) > 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt+1) * 200 * time.Millisecond):
		}
	}
	return nil
}

// detach disconnects a container of the portal, or one that is gone and left
// its endpoint behind.
func (t *task) detach(ctx context.Context, networkID, id, name string) error {
	r, err := inspect(ctx, t.api, id)
	switch {
	case err != nil && !cerrdefs.IsNotFound(err):
		return err
	case err == nil && r.Config.Labels[pool.LabelPortal] != t.stack.Portal:
		return fmt.Errorf("container %s, which is not part of the portal, is attached to it", name)
	}
	ref := id
	if err != nil {
		ref = name
	}
	err = t.api.NetworkDisconnect(ctx, networkID, ref, true)
	if err == nil || cerrdefs.IsNotFound(err) || strings.Contains(err.Error(), "is not connected to") {
		return nil
	}
	return errors.Join(fmt.Errorf("detach container %s", name), err)
}
