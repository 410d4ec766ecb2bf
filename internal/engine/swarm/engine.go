// SPDX-License-Identifier: MPL-2.0

// Package swarm runs portals as services of Docker Swarm, which spreads their
// replicas over its nodes, starts them elsewhere when a node fails, and rolls
// updates out and back. What is described here is a service; an entry of
// stack.Observed is all of a service (a unit), not one container.
package swarm

import (
	"context"
	"slices"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Host is what the Swarm as a whole is called where engine docker names a host:
// a portal is nowhere in particular.
const Host = engine.SwarmHost

// Options of an Engine.
type Options struct {
	// StoragePath is where the shared drive is mounted on every node.
	StoragePath string
	// EndpointMode is how the name of a service is resolved: "dnsrr", to the
	// addresses of its replicas; "vip", to one that the kernel's IPVS distributes.
	// Empty means dnsrr, which every kernel can.
	EndpointMode string
	// Encrypted lets nodes encrypt what services say to each other (IPsec).
	Encrypted bool
	// Version of this program, for labels.
	Version string
}

// Engine implements engine.Engine. The hosts of its pool are managers of one
// Swarm; any of them will do.
type Engine struct {
	pool    *pool.Pool
	plain   *docker.Engine // of the same pool: file agents, and what engine docker left
	options Options
	listing listing
	digests sync.Map // image → its digest in the registry

	mu      sync.Mutex
	manager *pool.Host        // that answered last
	nodes   map[string]string // node → host of the pool
}

var (
	_ engine.Engine      = (*Engine)(nil)
	_ engine.SelfPlacing = (*Engine)(nil)
)

// New makes an engine over the managers of a Swarm. plain is engine docker over the
// same pool, which is closed with the engine.
func New(p *pool.Pool, plain *docker.Engine, o Options) *Engine {
	e := &Engine{pool: p, plain: plain, options: o}
	e.listing.ask = e.list
	return e
}

// Hosts implements engine.Engine: there is one place, the Swarm.
func (e *Engine) Hosts() []string { return []string{Host} }

// Placeable implements engine.Engine.
func (e *Engine) Placeable() []placement.Host { return []placement.Host{{Name: Host}} }

// GivenUp implements engine.Engine.
func (e *Engine) GivenUp(host string) bool { return e.pool.GivenUp(host) }

// Settle implements engine.Engine.
func (e *Engine) Settle(_, host string) error {
	if host == Host {
		return nil
	}
	_, err := e.pool.On(host)
	return err
}

// Addresses implements engine.Engine: load balancers and gateways run on managers,
// and any of them may be where one is.
func (e *Engine) Addresses(string) []string {
	var out []string
	for _, h := range e.pool.Hosts() {
		if h.Address != "" {
			out = append(out, h.Address)
		}
	}
	return out
}

// On implements engine.Engine. On a host of the pool it is engine docker, for what
// was made there before there was a Swarm.
func (e *Engine) On(host string) (engine.Engine, error) {
	if host == Host {
		return e, nil
	}
	return e.plain.On(host)
}

// Reconcile implements engine.Engine.
func (e *Engine) Reconcile(desired *stack.Stack, observed stack.Observed) (stack.Plan, error) {
	return stack.ReconcileUnits(desired, observed)
}

// Agent implements engine.Engine: beside the drive is where a manager answers.
func (e *Engine) Agent(ctx context.Context, portal string) (engine.Agent, error) {
	h, _, err := e.find(ctx)
	if err != nil {
		return engine.Agent{}, fail("reach a manager", engine.Error{Portal: portal}, err)
	}
	on, err := e.plain.On(h.Name)
	if err != nil {
		return engine.Agent{}, err
	}
	return on.Agent(ctx, portal)
}

// StorageID implements engine.Engine.
func (e *Engine) StorageID(ctx context.Context) (string, error) {
	state, err := e.listing.shared(ctx)
	if err != nil {
		return "", fail("list the services", engine.Error{}, err)
	}
	for _, s := range state.services {
		if id := s.Spec.Labels[pool.LabelStorage]; id != "" && e.onDrive(s.Spec.Labels) {
			return id, nil
		}
	}
	return "", nil
}

// Portals implements engine.Engine.
func (e *Engine) Portals(ctx context.Context) ([]string, error) {
	state, err := e.listing.shared(ctx)
	if err != nil {
		return nil, fail("list the services", engine.Error{}, err)
	}
	var out []string
	for _, s := range state.services {
		if s.Spec.Labels[pool.LabelRole] != pool.RoleGateway {
			out = append(out, s.Spec.Labels[pool.LabelPortal])
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Close implements engine.Engine.
func (e *Engine) Close() error { return e.plain.Close() }
