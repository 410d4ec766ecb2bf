// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// NewStack returns an empty stack under a name that nobody else has, with one
// network. What is made of it is removed when the test ends.
func NewStack(t testing.TB) *stack.Stack {
	t.Helper()
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		t.Fatal(err)
	}
	name := "test-" + hex.EncodeToString(random[:])
	net := stack.NetworkName(name, "default")
	t.Cleanup(func() { Sweep(t, name) })
	return &stack.Stack{
		Portal:    name,
		Directory: "/srv/portals/" + name,
		Services:  map[string]*stack.Service{},
		Networks:  map[string]stack.Network{net: {Name: net}},
	}
}

// Add puts a service into a stack: one that sleeps until SIGTERM, unless
// change makes something else of it.
func Add(t testing.TB, st *stack.Stack, name string, change func(*stack.Service)) *stack.Service {
	t.Helper()
	s := &stack.Service{
		Name: name, Image: Image(t), Replicas: 1,
		Command:   []string{"sleep", "infinity"},
		Init:      true,
		StopGrace: 10 * time.Second,
		Restart:   "unless-stopped",
		Networks:  map[string][]string{stack.NetworkName(st.Portal, "default"): nil},
	}
	if change != nil {
		change(s)
	}
	st.Services[name] = s
	return s
}

// Op is an operation on the first replica of a service.
func Op(st *stack.Stack, kind stack.Kind, service, target string) *stack.Operation {
	op := &stack.Operation{ID: string(kind) + " " + service + target, Kind: kind, Service: service, Number: 1, Target: target}
	if s := st.Services[service]; s != nil {
		op.Container = stack.ContainerName(st.Portal, s, 1)
	}
	return op
}

// Name is what an engine calls the first replica of a service or, if it runs replicas
// itself, all of it.
func Name(e engine.Engine, st *stack.Stack, service string) string {
	if _, units := e.(engine.SelfPlacing); units {
		return stack.UnitName(st.Portal, service)
	}
	return stack.ContainerName(st.Portal, st.Services[service], 1)
}

// OpOf is Op with the name that an engine has for what it is about.
func OpOf(e engine.Engine, st *stack.Stack, kind stack.Kind, service, target string) *stack.Operation {
	op := Op(st, kind, service, target)
	if st.Services[service] != nil {
		op.Container = Name(e, st, service)
	}
	return op
}

// Do runs an operation that must succeed.
func Do(t testing.TB, e engine.Engine, st *stack.Stack, kind stack.Kind, service, target string) {
	t.Helper()
	op := OpOf(e, st, kind, service, target)
	if err := e.Run(Context(t), st, op); err != nil {
		t.Fatalf("%s: %v", op.ID, err)
	}
}

// Up makes the network, and makes and starts the first replica of a service.
func Up(t testing.TB, e engine.Engine, st *stack.Stack, service string) {
	t.Helper()
	for n := range st.Networks {
		Do(t, e, st, stack.EnsureNetwork, "", n)
	}
	Do(t, e, st, stack.Create, service, "")
	Do(t, e, st, stack.Start, service, "")
}

// Context ends with the test, or after a minute.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Sweep removes what a portal has on the engine that the environment names.
func Sweep(t testing.TB, portal string) {
	t.Helper()
	c := Client(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ours := filters.NewArgs(filters.Arg("label", pool.LabelPortal+"="+portal))
	list, err := c.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		t.Errorf("sweep: %v", err)
	}
	for _, ct := range list {
		if err := c.ContainerRemove(ctx, ct.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Errorf("sweep: %v", err)
		}
	}
	networks, err := c.NetworkList(ctx, network.ListOptions{Filters: ours})
	if err != nil {
		t.Errorf("sweep: %v", err)
	}
	for _, n := range networks {
		if err := c.NetworkRemove(ctx, n.ID); err != nil {
			// Docker 20.10 under load may believe for ever that somebody is
			// attached. That is no fault of what was tested.
			t.Logf("sweep: %v", err)
		}
	}
}
