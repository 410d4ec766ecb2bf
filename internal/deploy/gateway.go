// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// ErrNoGateway tells that there is no gateway of that name.
var ErrNoGateway = errors.New("there is no such gateway")

// Gateway is what runs of a gateway.
type Gateway struct {
	Spec stack.GatewaySpec
	// Instances by host of the pool; a host without one is not among them.
	Instances map[string]stack.Summary
	// Addresses of the hosts that visitors come to, as far as they are known.
	Addresses []string
	// Certificates by hostname; nil where TLS ends elsewhere.
	Certificates map[string]Certificate
	// Warnings for the user.
	Warnings []string
}

// GatewaySummary is what an instance of a gateway on a host will be.
func (d *Deployer) GatewaySummary(spec stack.GatewaySpec) (map[string]stack.Summary, error) {
	out := map[string]stack.Summary{}
	for _, host := range d.Engine.Hosts() {
		st, err := d.gatewayStack(spec, host)
		if err != nil {
			return nil, err
		}
		out[host] = stack.Summarize(st)[blueprint.GatewayService]
	}
	return out, nil
}

func (d *Deployer) gatewayStack(spec stack.GatewaySpec, host string) (*stack.Stack, error) {
	hosts := d.Engine.Hosts()
	addresses := map[string]string{}
	for _, h := range hosts {
		addresses[h] = d.address(h)
	}
	return blueprint.BuildGateway(spec, blueprint.GatewayOptions{
		Options: blueprint.Options{StoragePath: d.StoragePath}, Host: host, Hosts: hosts, Addresses: addresses,
	})
}

// CreateGateway brings a gateway up on every host of the pool. It finishes what
// an earlier call began; a gateway that is there is refused. given holds private
// keys by the names of their files.
func (d *Deployer) CreateGateway(ctx context.Context, spec stack.GatewaySpec, given map[string]string) (Gateway, error) {
	return d.applyGateway(ctx, spec, given, func(b *begun) error {
		switch {
		case b.manifest.Status == storage.Foreign:
			return foreignError(path.Join(d.StoragePath, spec.Name))
		case b.manifest.Status != storage.None && b.manifest.Gateway == nil:
			return fmt.Errorf("%q is the name of a portal, and portals and gateways share their names: choose another name for the gateway", spec.Name)
		case b.manifest.Status == storage.Complete:
			return existsError("gateway", "portal_gateway", spec.Name, b.manifest)
		}
		return nil
	})
}

// UpdateGateway leads a gateway to what is wanted.
func (d *Deployer) UpdateGateway(ctx context.Context, spec stack.GatewaySpec, given map[string]string) (Gateway, error) {
	return d.applyGateway(ctx, spec, given, func(b *begun) error {
		if b.manifest.Status == storage.None || b.manifest.Gateway == nil {
			return lostGatewayError(spec.Name)
		}
		return nil
	})
}

func lostGatewayError(name string) error {
	return fmt.Errorf("the directory of gateway %q is gone from the shared drive, with its certificates and the routes of its portals: put it back from a backup and apply again. To begin anew, `terraform state rm` the gateway and apply, and then change something of each portal behind it (such as maintenance), so that the gateway leads to it again", name)
}

func (d *Deployer) applyGateway(ctx context.Context, spec stack.GatewaySpec, given map[string]string, may func(*begun) error) (Gateway, error) {
	b, err := d.beginGateway(ctx, d.Engine.Hosts()[0], spec.Name, "apply", true)
	if err != nil {
		return Gateway{}, err
	}
	defer b.end()
	if err := may(b); err != nil {
		return Gateway{}, err
	}
	a := &gatewayApply{Deployer: d, begun: b, spec: spec, given: given}
	return a.run(ctx)
}

// gatewayApply is an apply of a gateway under way.
type gatewayApply struct {
	*Deployer
	*begun
	spec     stack.GatewaySpec
	given    map[string]string
	routes   gatewayRoutes
	warnings []string
	// retry lets the gateway ask again for certificates that it could not get.
	retry bool
}

// run brings one host after the other up: the first makes what all share.
func (a *gatewayApply) run(ctx context.Context) (Gateway, error) {
	var err error
	if a.routes, err = a.readRoutes(ctx); err != nil {
		return Gateway{}, err
	}
	if a.retry, err = a.lacks(ctx, a.routes.hostnames()); err != nil {
		return Gateway{}, err
	}
	out := Gateway{Spec: a.spec, Instances: map[string]stack.Summary{}}
	var awaiting awaited
	for _, host := range a.Engine.Hosts() {
		on, err := a.instance(host)
		if err != nil {
			return Gateway{}, err
		}
		observed, before, err := a.converge(ctx, on)
		if err != nil {
			return Gateway{}, err
		}
		out.Instances[host] = stack.SummarizeObserved(observed)[blueprint.GatewayService]
		awaiting = awaited{
			portal: a.spec.Name, ingress: *on.desired.Ingress, hosts: a.routes.hostnames(),
			containers: names(observed.Containers), before: before,
		}
	}
	if err := a.conclude(ctx, awaiting.ingress); err != nil {
		return Gateway{}, err
	}
	out.Addresses = a.gatewayAddresses(a.spec)
	if a.spec.TLS.On() {
		var missing []string
		if out.Certificates, missing, err = a.awaitCertificates(ctx, awaiting); err != nil {
			return Gateway{}, err
		}
		a.warnings = append(a.warnings, missing...)
	}
	out.Warnings = a.warnings
	return out, nil
}

// gatewayInstance is a gateway on one host.
type gatewayInstance struct {
	host    string
	engine  engine.Engine
	desired *stack.Stack
	config  []byte
}

func (a *gatewayApply) instance(host string) (gatewayInstance, error) {
	on, err := a.Engine.On(host)
	if err != nil {
		return gatewayInstance{}, err
	}
	desired, err := a.gatewayStack(a.spec, host)
	if err != nil {
		return gatewayInstance{}, err
	}
	desired.StorageID = a.storageID
	return gatewayInstance{host, on, desired, a.gatewayConfig(a.spec, host, desired.Ingress.Folder, a.routes)}, nil
}

// converge leads the gateway on one host to where it should be, and lets it load
// its configuration. It returns what runs then.
func (a *gatewayApply) converge(ctx context.Context, on gatewayInstance) (stack.Observed, map[string]certificateFailure, error) {
	observed, err := on.engine.Observe(ctx, a.spec.Name)
	if err != nil {
		return observed, nil, err
	}
	plan, err := on.engine.Reconcile(on.desired, observed)
	if err != nil {
		return observed, nil, err
	}
	a.warnings = append(a.warnings, plan.Warnings...)
	if err := on.engine.Check(ctx, on.desired, observed); err != nil {
		return observed, nil, err
	}
	if err := a.executeOn(ctx, on.engine, on.desired, plan.Images()); err != nil {
		return observed, nil, err
	}
	if err := a.prepareGateway(ctx, on); err != nil {
		return observed, nil, err
	}
	var before map[string]certificateFailure
	if running := runningOf(observed, blueprint.GatewayService); len(running) == 0 {
		if err := a.files.WriteIngress(ctx, on.configFile()); err != nil {
			return observed, nil, err
		}
	} else if a.spec.TLS.On() {
		before = a.certificateFailures(ctx, names(running))
	}
	if err := a.executeOn(ctx, on.engine, on.desired, plan.WithoutImages()); err != nil {
		return observed, nil, err
	}
	if observed, err = on.engine.Observe(ctx, a.spec.Name); err != nil {
		return observed, nil, err
	}
	return observed, before, a.load(ctx, on, observed)
}

func (on gatewayInstance) configFile() map[string][]byte {
	return map[string][]byte{blueprint.GatewayConfig(on.host): on.config}
}

// prepareGateway writes what the container mounts, and first that there is a
// gateway in the making.
func (a *gatewayApply) prepareGateway(ctx context.Context, on gatewayInstance) error {
	if a.manifest.Status != storage.Complete {
		if err := a.files.SaveManifest(ctx, a.gatewayManifest(storage.Incomplete)); err != nil {
			return err
		}
	}
	if err := a.files.Prepare(ctx, on.desired); err != nil {
		return err
	}
	return a.files.WriteIngressFiles(ctx, ingressFiles(*on.desired.Ingress, a.spec.TLS, a.given))
}

func (a *gatewayApply) gatewayManifest(status storage.Status) storage.Manifest {
	return storage.Manifest{
		Status: status, Spec: stack.Spec{Name: a.spec.Name, OnDestroy: a.spec.OnDestroy}, Gateway: &a.spec,
		Provider: a.Version, StorageID: a.storageID, Created: a.manifest.Created,
	}
}

// conclude writes down what was done, and clears away what is in use no more.
func (a *gatewayApply) conclude(ctx context.Context, in stack.Ingress) error {
	var configs []string
	for _, host := range a.Engine.Hosts() {
		configs = append(configs, blueprint.GatewayConfig(host))
	}
	if err := a.files.PruneIngress(ctx, ingressFiles(in, a.spec.TLS, nil), configs...); err != nil {
		return err
	}
	if err := a.setStale(ctx, nil); err != nil {
		return err
	}
	return a.files.SaveManifest(ctx, a.gatewayManifest(storage.Complete))
}

// GatewayAddresses are those of the hosts where visitors come to a gateway, as far
// as they are known; none when there is no such gateway.
func (d *Deployer) GatewayAddresses(ctx context.Context, name string) ([]string, error) {
	spec, err := d.GatewaySpec(ctx, name)
	if errors.Is(err, ErrNoGateway) {
		return nil, nil
	}
	return d.gatewayAddresses(spec), err
}

// gatewayAddresses are those of the hosts where visitors come to a gateway.
func (d *Deployer) gatewayAddresses(spec stack.GatewaySpec) []string {
	hosts := spec.Hosts
	if len(hosts) == 0 {
		hosts = d.Engine.Hosts()
	}
	seen := map[string]bool{}
	for _, host := range hosts {
		for _, address := range d.addresses(host) {
			seen[address] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// beginGateway is begin for a gateway, whose files are reached on one host: what
// becomes of the others is seen one by one.
func (d *Deployer) beginGateway(ctx context.Context, host, name, operation string, mayInitialise bool) (*begun, error) {
	on, err := d.Engine.On(host)
	if err != nil {
		return nil, err
	}
	return d.beginOn(ctx, on, name, operation, mayInitialise)
}
