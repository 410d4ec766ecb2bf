// SPDX-License-Identifier: MPL-2.0

// Package docker runs portals as plain containers on Docker hosts. A portal
// lives on one host of the pool.
package docker

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/singleflight"

	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Options of an Engine.
type Options struct {
	// StoragePath is where the shared drive is mounted on every host.
	StoragePath string
	// SubnetPool is what the portals' networks get their subnets from. It must
	// be IPv4 and at least a /26.
	SubnetPool netip.Prefix
	// AgentBinary is the path of this program, for the agent; empty means the
	// running executable.
	AgentBinary string
	// AgentImage is the published image of the agent, for hosts of another
	// platform than AgentBinary's. Empty means there is none.
	AgentImage string
	// Version of this program, for labels.
	Version string
}

// Engine implements engine.Engine with plain containers.
type Engine struct {
	pool    *pool.Pool
	options Options
	*shared
}

// shared is what an engine has in common with its views.
type shared struct {
	pulls   singleflight.Group // by host and image
	changes slots
	stops   slots
	probes  slots
	agent   agentBinary
	swept   sync.Map               // by host: whether stale agents were looked for
	drive   atomic.Pointer[string] // the drive's id, once it is known
}

var _ engine.Engine = (*Engine)(nil)

// New makes an engine over a pool, which it closes with itself.
func New(p *pool.Pool, o Options) *Engine {
	return &Engine{pool: p, options: o, shared: &shared{
		changes: slots{size: changeSlots}, stops: slots{size: stopSlots}, probes: slots{size: probeSlots},
		agent: agentBinary{path: o.AgentBinary},
	}}
}

// Portals implements engine.Engine.
func (e *Engine) Portals(ctx context.Context) ([]string, error) {
	var all []pool.Container
	for _, h := range e.pool.Hosts() {
		list, err := h.List(ctx)
		if err != nil {
			return nil, fail(h, "list the containers", engine.Error{}, err)
		}
		all = append(all, list...)
	}
	portals, _ := residents(all)
	return portals, nil
}

// StorageID implements engine.Engine. Containers of another drive, mounted at
// another path, do not count. Hosts are asked until one of them knows it.
func (e *Engine) StorageID(ctx context.Context) (string, error) {
	if id := e.drive.Load(); id != nil {
		return *id, nil
	}
	ids := make(chan string, len(e.pool.Hosts()))
	h, err := e.pool.First(ctx, func(ctx context.Context, h *pool.Host) (bool, error) {
		list, err := h.List(ctx)
		if err != nil {
			return false, fail(h, "list the containers", engine.Error{}, err)
		}
		id := e.storageID(list)
		if id != "" {
			ids <- id
		}
		return id != "", nil
	})
	if h == nil {
		return "", err
	}
	id := <-ids
	e.drive.Store(&id)
	return id, nil
}

// storageID is the drive's id that a list of containers tells, empty when it
// does not.
func (e *Engine) storageID(list []pool.Container) string {
	for _, c := range list {
		id := c.Labels[pool.LabelStorage]
		if id != "" && OnDrive(c.Labels, e.options.StoragePath) {
			return id
		}
	}
	return ""
}

// Reconcile implements engine.Engine.
func (e *Engine) Reconcile(desired *stack.Stack, observed stack.Observed) (stack.Plan, error) {
	return stack.Reconcile(desired, observed)
}

// Accepts implements engine.Engine: plain containers can do all that a stack says.
func (e *Engine) Accepts(*stack.Stack) error { return nil }

// OnDrive tells whether labels are of a portal whose files are on the drive at a path.
func OnDrive(labels map[string]string, storage string) bool {
	return path.Dir(labels[pool.LabelDirectory]) == path.Clean(storage)
}

// Close implements engine.Engine.
func (e *Engine) Close() error {
	e.pool.Close()
	return nil
}

// place finds a portal's host and its client.
func (e *Engine) place(ctx context.Context, portal string) (*pool.Host, *client.Client, error) {
	h, err := e.pool.Place(ctx, portal)
	if err != nil {
		return nil, nil, fail(nil, "find the host", engine.Error{Portal: portal}, err)
	}
	c, err := h.Client(ctx)
	if err != nil {
		return nil, nil, fail(h, "reach the host", engine.Error{Portal: portal}, err)
	}
	return h, c, nil
}

// shortID is how Docker shows an id to people.
func shortID(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return id
}

// held describes what holds a name, for errors.
func held(kind, name, id, owner string) error {
	return fmt.Errorf("the name %q is held by %s %s, %s", name, kind, shortID(id), owner)
}
