// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"cmp"
	"context"
	"fmt"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// Read tells what runs of a portal. It is false when the portal was destroyed;
// a portal whose containers are all gone, but whose directory says that it is
// complete, is there: an apply brings it back.
func (d *Deployer) Read(ctx context.Context, name string) (Result, bool, error) {
	observed, err := d.Engine.ObserveShared(ctx, name)
	if err == nil && len(observed.Elsewhere) > 0 {
		observed, err = d.observeRecorded(ctx, name, observed)
	}
	if err == nil && len(observed.Containers) > 0 {
		return d.resultOf(observed), true, nil
	}
	m, manifestErr := d.readManifest(ctx, name)
	if manifestErr != nil {
		return Result{}, false, cmp.Or(err, manifestErr)
	}
	if err != nil {
		if observed, err = d.observeHome(ctx, m, err); err != nil {
			return Result{}, false, err
		}
	}
	if !exists(m.Status) {
		return Result{}, false, nil
	}
	return d.resultOf(observed), true, d.checkHosts(m, observed)
}

// observeRecorded looks at a portal that several hosts have as living where its manifest
// says, unless it is on its way: when a host returns that was given up, as much of the
// portal may run there.
func (d *Deployer) observeRecorded(ctx context.Context, name string, observed stack.Observed) (stack.Observed, error) {
	m, err := d.readManifest(ctx, name)
	if err != nil || !exists(m.Status) || len(m.Leaving) > 0 || m.Host == "" || m.Host == observed.Host || !d.has(m.Host) {
		return observed, nil //nolint:nilerr // what was seen is true all the same
	}
	if err := d.Engine.Settle(name, m.Host); err != nil {
		return observed, err
	}
	return d.Engine.ObserveShared(ctx, name)
}

// observeHome looks at the hosts that the manifest names, when others do not
// answer: they do not matter then. silent is the error that tells of them.
func (d *Deployer) observeHome(ctx context.Context, m storage.Manifest, silent error) (stack.Observed, error) {
	hosts := recordedHosts(m)
	if len(hosts) == 0 && exists(m.Status) {
		return stack.Observed{}, silent
	}
	observed := stack.Observed{Portal: m.Portal}
	for _, host := range hosts {
		if !d.has(host) {
			return stack.Observed{}, silent
		}
		on, err := d.Engine.On(host)
		if err != nil {
			return stack.Observed{}, err
		}
		there, err := on.ObserveShared(ctx, m.Portal)
		if err != nil {
			return stack.Observed{}, fmt.Errorf("%w\nPortal %q is on host %q, and may run there. Bring the host back; plan others meanwhile with -target. If the host is dead for good, and only then, set force_move = true for it in the provider's hosts: the next apply starts the portal elsewhere", err, m.Portal, host)
		}
		if host == m.Host {
			observed = there
		}
	}
	return observed, nil
}

// Import reads how a portal was configured, from its manifest, and what runs.
func (d *Deployer) Import(ctx context.Context, name string) (stack.Spec, Result, error) {
	s, err := d.snapshot(ctx, name)
	if err != nil {
		return stack.Spec{}, Result{}, err
	}
	m := s.Manifest
	switch m.Status {
	case storage.None, storage.Foreign:
		return stack.Spec{}, Result{}, fmt.Errorf("there is no portal %q: the shared drive has no portal.json for it. Check the name and the provider's storage path", name)
	case storage.Retained:
		return stack.Spec{}, Result{}, fmt.Errorf("portal %q was destroyed and its files retained: apply a portal resource of that name, without importing, and it comes back with them", name)
	}
	if m.Gateway != nil {
		return stack.Spec{}, Result{}, fmt.Errorf("%q is a gateway and no portal: import it as a portal_gateway", name)
	}
	observed, err := d.Engine.ObserveShared(ctx, name)
	if err != nil {
		return stack.Spec{}, Result{}, err
	}
	result := d.resultOf(observed)
	if m.Spec.Gateway != "" {
		if result.Addresses, err = d.GatewayAddresses(ctx, m.Spec.Gateway); err != nil {
			return stack.Spec{}, Result{}, err
		}
	}
	p, err := partsOf(name, s.Records)
	if own, ok := p[""]; ok {
		result.Hostnames = ingress.Hostnames(own.Stack)
	}
	return m.Spec, result, err
}

// Portals names the portals that have containers on the pool, sorted.
func (d *Deployer) Portals(ctx context.Context) ([]string, error) {
	return d.Engine.Portals(ctx)
}
