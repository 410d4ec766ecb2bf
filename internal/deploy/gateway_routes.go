// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// routePrefix begins the names of a gateway's records of its portals.
	routePrefix = "route-"
	// staleRecord names the hosts whose gateway could not be told of the routes.
	staleRecord = "stale"
	// routeVersion is raised when an older provider would misread a record.
	routeVersion = 1
)

// gatewayRoute is the record of a portal behind a gateway.
type gatewayRoute struct {
	Version int    `json:"version"`
	Portal  string `json:"portal"`
	// Host of the pool that runs the portal.
	Host      string   `json:"host"`
	Hostnames []string `json:"hostnames"`
}

// gatewayRoutes are the portals behind a gateway, by name.
type gatewayRoutes map[string]gatewayRoute

func (r gatewayRoutes) hostnames() []string {
	var out []string
	for _, route := range r {
		out = append(out, route.Hostnames...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r gatewayRoutes) sites() []ingress.Site {
	var out []ingress.Site
	for _, name := range slices.Sorted(maps.Keys(r)) {
		out = append(out, ingress.Site{Portal: name, Hostnames: r[name].Hostnames, Host: r[name].Host})
	}
	return out
}

// claim fails when another portal has one of the hostnames.
func (r gatewayRoutes) claim(gateway string, wanted gatewayRoute) error {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if name == wanted.Portal {
			continue
		}
		for _, host := range r[name].Hostnames {
			if slices.Contains(wanted.Hostnames, host) {
				return fmt.Errorf("the hostname %s is claimed by two portals behind gateway %q: by %s already, and now by %s. Give one of them another hostname", host, gateway, name, wanted.Portal)
			}
		}
	}
	return nil
}

// readRoutes reads the routes of the gateway that is locked.
func (b *begun) readRoutes(ctx context.Context) (gatewayRoutes, error) {
	records, err := b.files.Records(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return gatewayRoutes{}, nil
	}
	if err != nil {
		return nil, err
	}
	return routesOf(records)
}

func routesOf(records map[string][]byte) (gatewayRoutes, error) {
	out := gatewayRoutes{}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		if !strings.HasPrefix(name, routePrefix) {
			continue
		}
		var r gatewayRoute
		if err := json.Unmarshal(records[name], &r); err != nil {
			return nil, fmt.Errorf("the record records/%s.json of the gateway cannot be read (%w): remove it and apply the portal that it is named after", name, err)
		}
		if r.Version > routeVersion {
			return nil, fmt.Errorf("the record records/%s.json of the gateway has version %d, and this provider knows versions up to %d: use the newer provider that wrote it", name, r.Version, routeVersion)
		}
		out[r.Portal] = r
	}
	return out, nil
}

// gatewayConfig is the configuration of the gateway on a host.
func (d *Deployer) gatewayConfig(spec stack.GatewaySpec, host, folder string, routes gatewayRoutes) []byte {
	peers := map[string]string{}
	if hosts := d.Engine.Hosts(); len(hosts) > 1 {
		for _, other := range hosts {
			if other != host {
				peers[other] = d.address(other)
			}
		}
	}
	return ingress.RenderGateway(ingress.Gateway{Spec: spec, Host: host, Peers: peers, Folder: folder, Sites: routes.sites()})
}

// load lets the running gateway of a host load its configuration, and then keeps
// that.
func (a *gatewayApply) load(ctx context.Context, on gatewayInstance, observed stack.Observed) error {
	command := on.desired.Ingress.Reload
	if a.retry {
		command = on.desired.Ingress.Retry
	}
	for _, c := range runningOf(observed, blueprint.GatewayService) {
		if _, err := on.engine.Exec(ctx, a.spec.Name, c.Name, command, on.config); err != nil {
			var e *engine.Error
			if errors.As(err, &e) && e.Remedy == "" {
				e.Remedy = fmt.Sprintf("The gateway goes on with its former routes. Apply again; if that does not help, `docker restart %s`.", c.Name)
			}
			return fmt.Errorf("loading the routes of gateway %q: %w", a.spec.Name, err)
		}
	}
	return a.files.WriteIngress(ctx, on.configFile())
}

// publish lets a gateway lead to a portal, and returns what is known of the
// certificates of its hostnames, with warnings.
func (d *Deployer) publish(ctx context.Context, gateway string, route gatewayRoute) ([]string, error) {
	a, err := d.openGateway(ctx, route.Host, gateway, "route "+route.Portal)
	if err != nil {
		return nil, err
	}
	var wait awaited
	err = func() error {
		defer a.end()
		if err := a.routes.claim(gateway, route); err != nil {
			return err
		}
		route.Version = routeVersion
		if a.retry, err = a.lacks(ctx, route.Hostnames); err != nil {
			return err
		}
		if known, ok := a.routes[route.Portal]; ok && sameRoute(known, route) && !a.retry {
			return nil
		}
		a.routes[route.Portal] = route
		if wait, err = a.loadAll(ctx); err != nil {
			return err
		}
		data, err := json.MarshalIndent(route, "", "  ")
		if err != nil {
			return err
		}
		return a.files.WriteRecord(ctx, routePrefix+route.Portal, data)
	}()
	if err != nil || !a.spec.TLS.On() || len(wait.containers) == 0 {
		return a.warnings, err
	}
	// Only of this portal, and without the lock: others may go on.
	wait.hosts = route.Hostnames
	_, missing, err := d.awaitCertificates(ctx, wait)
	return append(a.warnings, missing...), err
}

// lacks tells whether some of the hostnames have no certificate that the gateway is
// to have.
func (a *gatewayApply) lacks(ctx context.Context, hosts []string) (bool, error) {
	if !a.spec.TLS.On() || a.spec.TLS.Mode == stack.TLSFiles {
		return false, nil // it asks nobody
	}
	found, err := a.gatewayCertificates(ctx, a.spec, hosts)
	return len(missingCertificates(found)) > 0, err
}

func sameRoute(a, b gatewayRoute) bool {
	return a.Version == b.Version && a.Portal == b.Portal && a.Host == b.Host && slices.Equal(a.Hostnames, b.Hostnames)
}

// unpublish takes a portal off a gateway. A gateway that is gone leads nowhere.
func (d *Deployer) unpublish(ctx context.Context, host, gateway, portal string) error {
	a, err := d.openGateway(ctx, host, gateway, "unroute "+portal)
	if errors.Is(err, ErrNoGateway) {
		return nil
	}
	if err != nil {
		return err
	}
	defer a.end()
	if _, ok := a.routes[portal]; !ok {
		return nil
	}
	delete(a.routes, portal)
	if _, err := a.loadAll(ctx); err != nil {
		return err
	}
	return a.files.RemoveRecord(ctx, routePrefix+portal)
}

// openGateway locks a gateway that is there and reads its routes, on a host that
// is known to answer; without one, on the first. End it.
func (d *Deployer) openGateway(ctx context.Context, host, gateway, operation string) (*gatewayApply, error) {
	if host == "" {
		host = d.Engine.Hosts()[0]
	}
	b, err := d.beginGateway(ctx, host, gateway, operation, false)
	if err != nil {
		return nil, err
	}
	if !exists(b.manifest.Status) || b.manifest.Gateway == nil {
		b.end()
		return nil, noGatewayError(gateway)
	}
	a := &gatewayApply{Deployer: d, begun: b, spec: *b.manifest.Gateway}
	if a.routes, err = b.readRoutes(ctx); err != nil {
		b.end()
		return nil, err
	}
	return a, nil
}

func noGatewayError(gateway string) error {
	return fmt.Errorf("%w as %q on the shared drive. Add a portal_gateway of that name, and let the portal name it by reference, so that it comes first: gateway = portal_gateway.%s.name", ErrNoGateway, gateway, strings.ReplaceAll(gateway, "-", "_"))
}

// loadAll tells the gateways of all hosts of the routes. Those of hosts that do not
// answer find them on the drive when they start, and are noted until then.
func (a *gatewayApply) loadAll(ctx context.Context) (awaited, error) {
	var wait awaited
	var stale []string
	var failures []error
	unseen := map[string][]byte{}
	for _, host := range a.Engine.Hosts() {
		on, err := a.instance(host)
		if err != nil {
			return wait, err
		}
		observed, err := on.engine.ObserveShared(ctx, a.spec.Name)
		if err != nil {
			maps.Copy(unseen, on.configFile())
		} else {
			running := names(runningOf(observed, blueprint.GatewayService))
			before := a.certificateFailures(ctx, running)
			if err = a.load(ctx, on, observed); err == nil && len(running) > 0 {
				wait = awaited{portal: a.spec.Name, ingress: *on.desired.Ingress, containers: running, before: before}
			}
		}
		if err != nil {
			stale = append(stale, host)
			failures = append(failures, err)
		}
	}
	if len(failures) == len(a.Engine.Hosts()) {
		return wait, errors.Join(failures...)
	}
	for i, host := range stale {
		a.warnings = append(a.warnings, fmt.Sprintf("The gateway %q on host %q could not be told of the routes: %s. It goes on with the former ones; apply the portal_gateway when the host is back.", a.spec.Name, host, failures[i]))
	}
	if len(unseen) > 0 {
		if err := a.files.WriteIngress(ctx, unseen); err != nil {
			return wait, err
		}
	}
	return wait, a.setStale(ctx, stale)
}

// setStale notes the hosts whose gateway has other routes than it should.
func (b *begun) setStale(ctx context.Context, hosts []string) error {
	if len(hosts) == 0 {
		return b.files.RemoveRecord(ctx, staleRecord)
	}
	data, err := json.Marshal(hosts)
	if err != nil {
		return err
	}
	return b.files.WriteRecord(ctx, staleRecord, data)
}
