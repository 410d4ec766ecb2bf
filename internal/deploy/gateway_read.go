// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// GatewaySpec is how a gateway was applied last. It fails with ErrNoGateway when
// there is none.
func (d *Deployer) GatewaySpec(ctx context.Context, name string) (stack.GatewaySpec, error) {
	// Not the records: each of its portals asks, and it has one of each.
	m, err := d.readManifest(ctx, name)
	if err = isGateway(name, m, err); err != nil {
		return stack.GatewaySpec{}, err
	}
	return *m.Gateway, nil
}

// gatewaySnapshot reads the directory of a gateway that is there.
func (d *Deployer) gatewaySnapshot(ctx context.Context, name string) (storage.Snapshot, error) {
	s, err := d.snapshot(ctx, name)
	return s, isGateway(name, s.Manifest, err)
}

// isGateway fails when what was read is not a gateway that is there, or could not
// be read.
func isGateway(name string, m storage.Manifest, err error) error {
	switch {
	case errors.Is(err, storage.ErrNotDrive):
		// As likely as not nothing was ever applied there.
		return fmt.Errorf("%w. If it was applied before, look at the drive: %w", noGatewayError(name), err)
	case err != nil:
		return err
	case !exists(m.Status) || m.Gateway == nil:
		return noGatewayError(name)
	}
	return nil
}

// gatewayCertificates looks which of the hosts a gateway has certificates for.
func (d *Deployer) gatewayCertificates(ctx context.Context, spec stack.GatewaySpec, hosts []string) (map[string]Certificate, error) {
	// What it says of certificates is the same on all hosts.
	st, err := d.gatewayStack(spec, d.Engine.Hosts()[0])
	if err != nil {
		return nil, err
	}
	return d.certificates(ctx, spec.Name, *st.Ingress, hosts)
}

// ReadGateway tells what runs of a gateway. It is false when there is none. One
// that runs without its directory is an error: made again, it would lead nowhere.
func (d *Deployer) ReadGateway(ctx context.Context, name string) (Gateway, bool, error) {
	s, err := d.snapshot(ctx, name)
	if err != nil {
		return Gateway{}, false, err
	}
	if s.Manifest.Status == storage.None {
		return Gateway{}, false, d.notRunning(ctx, name)
	}
	if !exists(s.Manifest.Status) || s.Manifest.Gateway == nil {
		return Gateway{}, false, nil
	}
	out := Gateway{Spec: *s.Manifest.Gateway, Instances: map[string]stack.Summary{}, Addresses: d.gatewayAddresses(*s.Manifest.Gateway)}
	var stale []string
	if data, ok := s.Records[staleRecord]; ok {
		if err := json.Unmarshal(data, &stale); err != nil {
			return Gateway{}, false, fmt.Errorf("the record records/%s.json of gateway %q cannot be read (%w): remove it and apply the gateway", staleRecord, name, err)
		}
	}
	for _, host := range d.Engine.Hosts() {
		on, err := d.Engine.On(host)
		if err != nil {
			return Gateway{}, false, err
		}
		observed, err := on.ObserveShared(ctx, name)
		if err != nil {
			return Gateway{}, false, err
		}
		sum, ok := stack.SummarizeObserved(observed)[blueprint.GatewayService]
		if !ok {
			continue
		}
		if slices.Contains(stale, host) {
			sum.Status = "has former routes"
		}
		out.Instances[host] = sum
	}
	if out.Spec.TLS.On() {
		routes, err := routesOf(s.Records)
		if err != nil {
			return Gateway{}, false, err
		}
		if out.Certificates, err = d.gatewayCertificates(ctx, out.Spec, routes.hostnames()); err != nil {
			return Gateway{}, false, err
		}
	}
	return out, true, nil
}

// notRunning fails when a gateway whose directory is not there has containers.
func (d *Deployer) notRunning(ctx context.Context, name string) error {
	observed, err := d.Engine.ObserveShared(ctx, name)
	if err == nil && len(observed.Containers) > 0 {
		err = lostGatewayError(name)
	}
	return err
}

// DeleteGateway takes a gateway down on all hosts. One that portals are behind is
// refused.
func (d *Deployer) DeleteGateway(ctx context.Context, name string, onDestroy stack.OnDestroy) error {
	b, err := d.beginGateway(ctx, d.Engine.Hosts()[0], name, "destroy", false)
	if err != nil {
		return err
	}
	defer b.end()
	if b.manifest.Status != storage.None && b.manifest.Gateway == nil {
		return nil // somebody else's by now
	}
	if err := d.unused(ctx, b, name); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, host := range d.Engine.Hosts() {
		g.Go(func() error {
			on, err := d.Engine.On(host)
			if err != nil {
				return err
			}
			observed, err := on.Observe(gctx, name)
			if err != nil {
				return err
			}
			return d.executeOn(gctx, on, &stack.Stack{Portal: name}, stack.Teardown(observed))
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return d.leave(ctx, b, onDestroy)
}

// unused fails when portals are behind the gateway.
func (d *Deployer) unused(ctx context.Context, b *begun, gateway string) error {
	routes, err := b.readRoutes(ctx)
	if err != nil {
		return err
	}
	var users []string
	for portal := range routes {
		s, err := d.snapshot(ctx, portal)
		if err != nil {
			return err
		}
		if exists(s.Manifest.Status) && s.Manifest.Spec.Gateway == gateway {
			users = append(users, portal)
		}
	}
	if len(users) == 0 {
		return nil
	}
	slices.Sort(users)
	return fmt.Errorf("gateway %q is the way to the portals %s: visitors would not reach them any more. Destroy them first, or take `gateway` out of them and apply", gateway, strings.Join(users, ", "))
}
