// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// A portal moves by being stopped where it is, proven to be stopped, and started
// where it is to be, on the files of the shared drive; then what is left on the
// former host is removed. Until that is done its manifest names both hosts, so
// that whoever goes on after a crash knows where to look.

const moveCause = "the portal moves to another host"

// settle says where what follows is done: on the host that was planned or, when a
// plan could not know it, on the one that is chosen now.
//
// It returns why one was chosen now, empty when the plan or the user said where.
func (d *Deployer) settle(ctx context.Context, spec stack.Spec, desired *stack.Stack) (reason string, err error) {
	if desired.Host == "" {
		decision, err := d.Place(ctx, desired, spec, desired.Home)
		if err != nil {
			return "", err
		}
		desired.Host, reason = decision.Host, decision.Reason
	}
	return reason, d.Engine.Settle(spec.Name, desired.Host)
}

// recordedHosts are those that, as the manifest has it, may have containers of the
// portal.
func recordedHosts(m storage.Manifest) []string {
	if !exists(m.Status) || m.Host == "" {
		return m.Leaving
	}
	return append([]string{m.Host}, m.Leaving...)
}

// has tells whether the engine can be asked for a host.
func (d *Deployer) has(host string) bool {
	_, err := d.Engine.On(host)
	return err == nil
}

// checkHosts refuses to start a portal while it may run on a host that nobody can
// ask.
func (d *Deployer) checkHosts(m storage.Manifest, o stack.Observed) error {
	for _, host := range recordedHosts(m) {
		switch {
		case host == o.Host, d.Engine.GivenUp(host):
		case slices.Contains(o.Silent, host):
			return fmt.Errorf("portal %q may still run on host %q, which does not answer: two databases on the same files would destroy them, so it is started nowhere else. Bring the host back. If it is dead for good, and only then, set force_move = true for it in the provider's hosts", m.Portal, host)
		case host == engine.SwarmHost && !d.has(host):
			return fmt.Errorf("portal %q runs in a Swarm, and the provider's engine is docker: set engine = \"swarm\". To bring the portal back to engine docker, destroy it with engine swarm, which keeps its files unless on_destroy says otherwise, and apply it with engine docker", m.Portal)
		case !d.has(host) && len(o.Containers) == 0:
			return fmt.Errorf("portal %q runs on host %q, which is not among the provider's hosts any more (%s): it may still run there. Put the host back, with drain = true if the portal is to leave it. If the host is dead for good, and only then, put it back with force_move = true", m.Portal, host, strings.Join(d.Engine.Hosts(), ", "))
		}
	}
	return nil
}

// moving tells whether the portal comes from another host, or something of it is on
// one.
func (b *begun) moving() bool {
	m := b.manifest
	return len(b.observed.Elsewhere) > 0 || len(m.Leaving) > 0 ||
		exists(m.Status) && m.Host != "" && m.Host != b.observed.Host
}

// leaving are the hosts that the portal may have containers on beside its own.
func (b *begun) leaving() []string {
	var out []string
	for _, host := range recordedHosts(b.manifest) {
		if host != b.observed.Host {
			out = append(out, host)
		}
	}
	for _, other := range b.observed.Elsewhere {
		out = append(out, other.Host)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// vacate stops the portal on all other hosts, and proves that it is stopped: only
// then may anything be started.
func (d *Deployer) vacate(ctx context.Context, b *begun) error {
	for _, other := range b.observed.Elsewhere {
		if other.Running() == 0 {
			continue
		}
		on, err := d.Engine.On(other.Host)
		if err != nil {
			return err
		}
		d.progress(ctx, fmt.Sprintf("portal %s: stopping it on host %s", b.observed.Portal, other.Host))
		if err := d.executeOn(ctx, on, &stack.Stack{Portal: b.observed.Portal}, stack.Halt(other, moveCause)); err != nil {
			return fmt.Errorf("portal %q could not be stopped on host %q, so it was not started on %q: %w", b.observed.Portal, other.Host, b.observed.Host, err)
		}
		now, err := on.Observe(ctx, b.observed.Portal)
		if err != nil {
			return fmt.Errorf("portal %q could not be proven to be stopped on host %q, so it was not started on %q: %w", b.observed.Portal, other.Host, b.observed.Host, err)
		}
		if n := now.Running(); n > 0 {
			return fmt.Errorf("%d containers of portal %q run again on host %q after they were stopped, so it was not started on %q: see who starts them there, and apply again", n, b.observed.Portal, other.Host, b.observed.Host)
		}
	}
	return nil
}

// pullMembers gets the images of the portal's members before anything stops.
func (d *Deployer) pullMembers(ctx context.Context, all parts) error {
	for _, st := range all.without("").stacks() {
		if err := d.execute(ctx, st, stack.Pulls(st, moveCause)); err != nil {
			return err
		}
	}
	return nil
}

// bringMembers starts the members of a portal that moves beside it, as they were
// applied last. Each resource of theirs finds it as it should be.
func (d *Deployer) bringMembers(ctx context.Context, b *begun, all parts) error {
	for _, st := range all.without("").stacks() {
		var err error
		if b.observed, err = d.Engine.Observe(ctx, st.Portal); err != nil {
			return err
		}
		st.StorageID = b.storageID
		if _, err := d.reconcile(ctx, b, st, func(plan stack.Plan) error { return d.execute(ctx, st, plan) }); err != nil {
			return err
		}
	}
	return nil
}

// clearElsewhere removes what other hosts still have of the portal, its members
// first: what is left of the portal itself shows as a difference until all is gone.
func (d *Deployer) clearElsewhere(ctx context.Context, o stack.Observed) error {
	for _, other := range o.Elsewhere {
		on, err := d.Engine.On(other.Host)
		if err != nil {
			return err
		}
		there, err := on.Observe(ctx, o.Portal)
		if err != nil {
			return err
		}
		members := there
		members.Containers = keep(there.Containers, func(c stack.Container) bool { return c.Owner != "" })
		members.Networks = nil
		there.Containers = there.Of("").Containers
		for _, part := range []stack.Observed{members, there} {
			if err := d.executeOn(ctx, on, &stack.Stack{Portal: o.Portal}, stack.Teardown(part)); err != nil {
				return err
			}
		}
	}
	return nil
}
