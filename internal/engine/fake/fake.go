// SPDX-License-Identifier: MPL-2.0

// Package fake is an engine in memory, with a real file agent on a directory
// of this machine. It passes the contract tests that the real engines pass,
// and lets tests fail any call of theirs.
package fake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Host is the name of the only host of a fake engine that is given none.
const Host = "fake"

// Engine keeps containers in memory. The zero value is not ready: use New.
type Engine struct {
	*state
	hosts   []string // sorted
	settled *settled
}

// state is what an engine has in common with its views.
type state struct {
	// Drive is the directory that stands for the shared drive.
	Drive string
	// Fail, if set, is asked before each operation; an error fails it.
	Fail func(op *stack.Operation) error
	// ExitCode, if set, gives the exit code of a task's run by its name.
	ExitCode func(task string) int
	// Drained, Dead and Silent hosts, for tests: Dead ones are given up, and are
	// not to be among the engine's; Silent ones do not answer.
	Drained, Dead, Silent []string
	// Labels of hosts.
	Labels map[string]map[string]string

	mu         sync.Mutex
	serial     int
	containers []container
	networks   map[spot]network
	ran        []string
}

type container struct {
	stack.Container
	host, portal string
	reserves     int64 // bytes of memory
}

// spot is a name on a host.
type spot struct{ host, name string }

type network struct {
	portal   string
	internal bool
}

// New returns an engine without containers on the drive at the given path, with
// hosts of the given names, or else with Host.
func New(drive string, hosts ...string) *Engine {
	if len(hosts) == 0 {
		hosts = []string{Host}
	}
	return &Engine{
		state: &state{Drive: drive, networks: map[spot]network{}},
		hosts: slices.Sorted(slices.Values(hosts)), settled: newSettled(),
	}
}

// Ran lists the IDs of the operations so far, and forgets them.
func (e *Engine) Ran() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.ran
	e.ran = nil
	return out
}

// Change lets a test change a container by hand; false when there is none.
func (e *Engine) Change(name string, change func(*stack.Container)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.byName(name)
	if i < 0 {
		return false
	}
	change(&e.containers[i].Container)
	return true
}

// Add puts a container that nobody of us made on the first host.
func (e *Engine) Add(portal string, c stack.Container) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.ID = e.nextID()
	e.containers = append(e.containers, container{Container: c, host: e.hosts[0], portal: portal})
}

func (e *Engine) nextID() string {
	e.serial++
	return fmt.Sprintf("%012d", e.serial)
}

func (e *Engine) byName(name string) int {
	return slices.IndexFunc(e.containers, func(c container) bool { return c.Name == name && e.has(c.host) })
}

// named finds a container on a host. The caller holds the lock.
func (e *Engine) named(host, name string) int {
	return slices.IndexFunc(e.containers, func(c container) bool { return c.Name == name && c.host == host })
}

// Reconcile implements engine.Engine.
func (e *Engine) Reconcile(desired *stack.Stack, observed stack.Observed) (stack.Plan, error) {
	return stack.Reconcile(desired, observed)
}

// Accepts implements engine.Engine.
func (e *Engine) Accepts(*stack.Stack) error { return nil }

// Observe implements engine.Engine.
func (e *Engine) Observe(ctx context.Context, portal string) (stack.Observed, error) {
	o, err := e.ObserveShared(ctx, portal)
	if err != nil {
		return o, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for at, n := range e.networks {
		if n.portal == portal && e.has(at.host) && (o.Host == "" || at.host == o.Host) {
			o.Networks = append(o.Networks, at.name)
		}
	}
	slices.Sort(o.Networks)
	o.Networks = slices.Compact(o.Networks)
	return o, nil
}

// ObserveShared implements engine.Engine.
func (e *Engine) ObserveShared(ctx context.Context, portal string) (stack.Observed, error) {
	if err := ctx.Err(); err != nil {
		return stack.Observed{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	settled := e.settledOn(portal)
	var found []stack.Observed
	var silent []string
	nobody := settled == ""
	for _, host := range e.hosts {
		if slices.Contains(e.Silent, host) {
			silent = append(silent, host)
			continue
		}
		o := e.observeOn(host, portal)
		nobody = nobody && len(o.Containers) == 0
		found = append(found, o)
	}
	switch {
	case slices.Contains(silent, settled), nobody && len(silent) > 0:
		return stack.Observed{}, &engine.Error{Op: "list the containers", Portal: portal, Host: silent[0], Err: errSilent}
	case nobody:
		return stack.Nowhere(portal, found), nil
	}
	o := stack.Residence(settled, found)
	o.Silent = silent
	return o, nil
}

// observeOn tells what of a portal is on a host. The caller holds the lock.
func (e *Engine) observeOn(host, portal string) stack.Observed {
	o := stack.Observed{Portal: portal, Host: host}
	for _, c := range e.containers {
		switch {
		case c.host != host:
		case c.portal == portal:
			o.Containers = append(o.Containers, c.Container)
		case len(c.Name) > len(portal) && c.Name[:len(portal)+1] == portal+"-":
			o.Foreign = append(o.Foreign, stack.Foreign{
				ID: c.ID, Name: c.Name, Image: c.Image, Running: c.State == stack.Running, Networks: c.Networks,
			})
		}
	}
	return o
}

// Check implements engine.Engine: a fake host has room for everything.
func (e *Engine) Check(context.Context, *stack.Stack, stack.Observed) error { return nil }

// StorageID implements engine.Engine.
func (e *Engine) StorageID(context.Context) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.containers {
		if c.StorageID != "" && e.has(c.host) {
			return c.StorageID, nil
		}
	}
	return "", nil
}

// Logs implements engine.Engine.
func (e *Engine) Logs(_ context.Context, name string, _ int) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byName(name) < 0 {
		return "", fmt.Errorf("no container %s", name)
	}
	return "", nil
}

// Exec implements engine.Engine: the command does nothing, and succeeds.
func (e *Engine) Exec(_ context.Context, portal, name string, command []string, _ []byte) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.named(e.place(portal), name)
	if i < 0 || e.containers[i].State != stack.Running {
		return "", fmt.Errorf("no container %s runs", name)
	}
	e.ran = append(e.ran, fmt.Sprintf("exec %s %v", name, command))
	return "", nil
}

// SyncSchedulers implements engine.Engine: a fake host has no clock.
func (e *Engine) SyncSchedulers(context.Context) error { return nil }

// Close implements engine.Engine.
func (e *Engine) Close() error { return nil }

var (
	errSilent      = errors.New("no answer")
	errNoContainer = errors.New("there is no such container")
)

// Run implements engine.Engine.
func (e *Engine) Run(ctx context.Context, desired *stack.Stack, op *stack.Operation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.Fail != nil {
		if err := e.Fail(op); err != nil {
			return e.failed(desired, op, err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ran = append(e.ran, op.ID)
	host := e.place(desired.Portal)
	switch op.Kind {
	case stack.EnsureImage:
		return nil
	case stack.EnsureNetwork:
		return e.network(host, desired, op)
	case stack.RemoveNetwork:
		delete(e.networks, spot{host, op.Target})
		return nil
	case stack.Create:
		return e.create(host, desired, op)
	}
	i := slices.IndexFunc(e.containers, func(c container) bool {
		return c.host == host && (c.ID == op.ContainerID || op.ContainerID == "" && c.Name == op.Container)
	})
	if i < 0 {
		switch op.Kind {
		case stack.Stop, stack.Remove, stack.Disconnect, stack.WaitEnd:
			return nil
		}
		return e.failed(desired, op, errNoContainer)
	}
	return e.change(desired, op, i)
}

func (e *Engine) failed(desired *stack.Stack, op *stack.Operation, err error) error {
	return &engine.Error{Op: string(op.Kind), Host: e.hosts[0], Portal: desired.Portal, Service: op.Service, Container: op.Container, Err: err}
}

func (e *Engine) network(host string, desired *stack.Stack, op *stack.Operation) error {
	at := spot{host, op.Target}
	internal := desired.Networks[op.Target].Internal
	if gateway := desired.Networks[op.Target].Gateway; gateway != "" {
		if e.networks[at].portal != gateway {
			return e.failed(desired, op, fmt.Errorf("the gateway %q does not run on the host", gateway))
		}
		return nil
	}
	if n, ok := e.networks[at]; ok && n.internal != internal {
		return e.failed(desired, op, fmt.Errorf("the network is internal=%t", n.internal))
	}
	e.networks[at] = network{portal: desired.Portal, internal: internal}
	return nil
}

func (e *Engine) create(host string, desired *stack.Stack, op *stack.Operation) error {
	s := desired.Services[op.Service]
	digest := stack.Digest(s)
	if i := e.named(host, op.Container); i >= 0 {
		holder := e.containers[i]
		switch {
		case holder.portal != desired.Portal:
			return e.failed(desired, op, errors.New("the name is taken"))
		case holder.Digest != digest || holder.Number != op.Number:
			return e.failed(desired, op, engine.ErrConflict)
		}
		return nil
	}
	c := container{host: host, portal: desired.Portal, reserves: s.Reserves()}
	c.Container = stack.Container{
		StorageID: desired.StorageID,
		ID:        e.nextID(), Name: op.Container, Service: s.Name, Number: op.Number, Digest: digest,
		Image: s.Image, State: stack.Created, RestartOn: s.RestartOn, Owner: desired.Owner,
		Settings:         stack.Settings{Resources: s.Resources, Restart: s.Restart},
		IntendedSettings: stack.Settings{Resources: s.Resources, Restart: s.Restart},
	}
	for name := range s.Networks {
		c.Networks = append(c.Networks, name)
	}
	slices.Sort(c.Networks)
	c.IntendedNetworks = slices.Clone(c.Networks)
	for name := range s.DependsOn {
		c.DependsOn = append(c.DependsOn, name)
	}
	slices.Sort(c.DependsOn)
	for _, m := range s.Mounts {
		c.Mounts = append(c.Mounts, m.Source)
	}
	if s.Task != nil {
		c.Task = s.Task.When
	}
	e.containers = append(e.containers, c)
	return nil
}

func (e *Engine) change(desired *stack.Stack, op *stack.Operation, i int) error {
	c := &e.containers[i]
	switch op.Kind {
	case stack.Start, stack.Restart, stack.Unpause:
		c.State, c.StartedAt = stack.Running, time.Now()
		for _, p := range servicePorts(desired, c.Service) {
			c.Ports = map[string]int{fmt.Sprintf("%d/%s", p.Container, p.Protocol): cmp.Or(p.Host, 32768+i)}
		}
	case stack.Stop:
		if c.State != stack.Created {
			c.State, c.FinishedAt, c.Ports = stack.Exited, time.Now(), nil
		}
	case stack.Remove:
		e.containers = slices.Delete(e.containers, i, i+1)
	case stack.Rename:
		if j := e.named(e.containers[i].host, op.Target); j >= 0 && j != i {
			return e.failed(desired, op, errors.New("the name is taken"))
		}
		c.Name = op.Target
	case stack.Connect:
		c.Networks = append(c.Networks, op.Target)
		slices.Sort(c.Networks)
		c.Networks = slices.Compact(c.Networks)
	case stack.Disconnect:
		c.Networks = slices.DeleteFunc(c.Networks, func(n string) bool { return n == op.Target })
	case stack.UpdateLimits:
		s := desired.Services[c.Service]
		c.Settings = stack.Settings{Resources: s.Resources, Restart: s.Restart}
		c.reserves = s.Reserves()
	case stack.WaitHealthy:
		if c.State != stack.Running {
			return e.failed(desired, op, fmt.Errorf("the container is %s", c.State))
		}
	case stack.WaitDone, stack.WaitEnd:
		c.State, c.ExitCode = stack.Exited, 0
		if e.ExitCode != nil {
			c.ExitCode = e.ExitCode(c.Service)
		}
		if op.Kind == stack.WaitDone && c.ExitCode != 0 {
			return e.failed(desired, op, fmt.Errorf("exit code %d", c.ExitCode))
		}
	}
	return nil
}

func servicePorts(desired *stack.Stack, service string) []stack.Port {
	if s, ok := desired.Services[service]; ok {
		return s.Ports
	}
	return nil
}

var _ engine.Engine = (*Engine)(nil)

var _ io.ReadWriteCloser = (*pipe)(nil)
