// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// contract is one thing that an engine must do.
type contract struct {
	name string
	test func(*testing.T, engine.Engine)
}

// ofUnits are the contracts of an engine that runs the replicas of services itself.
// The others are about single containers.
var ofUnits = []contract{
	{"lifecycle", lifecycle},
	{"create adopts what an earlier attempt made", createAdopts},
	{"create refuses another configuration under the name", createConflict},
	{"what is gone counts as stopped and removed", goneUnit},
	{"shared observation follows own operations", sharedObservation},
	{"a task that succeeds", taskSucceeds},
	{"a task that fails", taskFails},
	{"a task that takes too long", taskTimesOut},
	{"restart in place", restart},
	{"waiting ends with its context", cancelledWait},
	{"health that never comes", unhealthy},
	{"a service that crashes", crash},
	{"stop lets a service flush", unitFlushes},
	{"logs", logs},
	{"commands are run", commands},
	{"settings of the kernel", sysctls},
	{"an update rolls out", updateRollsOut},
	{"an update that fails is rolled back", updateRollsBack},
	{"what was changed by hand is seen and put back", unitChangedByHand},
}

// RunUnits is Run for an engine that runs the replicas of services itself. open makes
// the engine under test; it is closed by the suite. byHand changes a service behind
// the engine's back.
//
// Of the contracts some stand for the others, which take minutes on a Swarm and are
// left to `make testlong-lab`.
func RunUnits(t *testing.T, open func(t *testing.T) engine.Engine, hand Hand) {
	byHand = hand
	typical := []string{
		"lifecycle", "a task that succeeds", "stop lets a service flush", "an update that fails is rolled back", "what was changed by hand is seen and put back",
	}
	run(t, open, slices.DeleteFunc(slices.Clone(ofUnits), func(c contract) bool {
		return !long.Thorough && !slices.Contains(typical, c.name)
	}))
}

// ofStates needs no program to run in the containers.
var ofStates = []contract{
	{"lifecycle", lifecycle},
	{"create adopts what an earlier attempt made", createAdopts},
	{"create refuses another configuration under the name", createConflict},
	{"rename", rename},
	{"networks are repaired", networks},
	{"limits are put back", limits},
	{"what is gone counts as stopped and removed", gone},
	{"shared observation follows own operations", sharedObservation},
}

// Run checks that an engine keeps the contract of engine.Engine. open makes
// the engine under test; it is closed by the suite.
func Run(t *testing.T, open func(t *testing.T) engine.Engine) {
	RunWithoutPrograms(t, open)
	run(t, open, ofPrograms)
}

// RunWithoutPrograms is Run but for what an engine can only show whose
// containers have processes.
func RunWithoutPrograms(t *testing.T, open func(t *testing.T) engine.Engine) {
	RunStates(t, open)
	run(t, open, ofRunning)
}

// RunStates checks the part of the contract that an engine can keep without
// running anything.
func RunStates(t *testing.T, open func(t *testing.T) engine.Engine) {
	run(t, open, ofStates)
	run(t, open, ofHosts)
}

func run(t *testing.T, open func(t *testing.T) engine.Engine, contracts []contract) {
	for _, c := range contracts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := open(t)
			t.Cleanup(func() {
				if err := e.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			c.test(t, e)
		})
	}
}

// observeOne observes a portal that must have exactly one container.
func observeOne(t *testing.T, e engine.Engine, portal string) stack.Container {
	t.Helper()
	o, err := e.Observe(Context(t), portal)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Containers) != 1 {
		t.Fatalf("observed %d containers, want 1: %+v", len(o.Containers), o.Containers)
	}
	return o.Containers[0]
}

// wantError runs an operation that must fail, and checks what the error says.
func wantError(t *testing.T, e engine.Engine, st *stack.Stack, kind stack.Kind, service string, parts ...string) *engine.Error {
	t.Helper()
	err := e.Run(Context(t), st, OpOf(e, st, kind, service, ""))
	var ee *engine.Error
	if !errors.As(err, &ee) {
		t.Fatalf("%s %s: got %v (%T), want an *engine.Error", kind, service, err, err)
	}
	if ee.Portal != st.Portal || ee.Host == "" {
		t.Errorf("the error names portal %q and host %q", ee.Portal, ee.Host)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("the error does not say %q: %v", p, err)
		}
	}
	return ee
}

func lifecycle(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	s := Add(t, st, "web", nil)
	netName := stack.NetworkName(st.Portal, "default")
	steps := []struct{ kind, service, target string }{
		{string(stack.EnsureNetwork), "", netName},
		{string(stack.EnsureImage), "web", s.Image},
		{string(stack.Create), "web", ""},
		{string(stack.Start), "web", ""},
		{string(stack.WaitHealthy), "web", ""},
	}
	for range 2 { // done already is success
		for _, step := range steps {
			Do(t, e, st, stack.Kind(step.kind), step.service, step.target)
		}
	}
	o, err := e.Observe(Context(t), st.Portal)
	if err != nil {
		t.Fatal(err)
	}
	if o.Host == "" || !slices.Equal(o.Networks, []string{netName}) || len(o.Foreign) != 0 {
		t.Errorf("observed host %q, networks %v, foreign %v", o.Host, o.Networks, o.Foreign)
	}
	c := observeOne(t, e, st.Portal)
	if c.Name != Name(e, st, "web") || c.Service != "web" || c.Number != 1 || c.Task != "" ||
		c.Digest != stack.Digest(s) || c.Image != s.Image || c.ImageMoved || c.State != stack.Running || c.StartedAt.IsZero() {
		t.Errorf("observed %+v", c)
	}
	if names, err := e.Portals(Context(t)); err != nil || !slices.Contains(names, st.Portal) {
		t.Errorf("portals %v, %v", names, err)
	}
	for range 2 {
		Do(t, e, st, stack.Stop, "web", "")
	}
	if c := observeOne(t, e, st.Portal); c.State != stack.Exited || c.FinishedAt.IsZero() {
		t.Errorf("after stop: %s, finished %s", c.State, c.FinishedAt)
	}
	for range 2 {
		Do(t, e, st, stack.Remove, "web", "")
		Do(t, e, st, stack.RemoveNetwork, "", netName)
	}
	if o, err = e.Observe(Context(t), st.Portal); err != nil || len(o.Containers) != 0 || len(o.Networks) != 0 || o.Host != "" {
		t.Errorf("after remove: %+v, %v", o, err)
	}
}

func createAdopts(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", nil)
	Up(t, e, st, "web")
	before := observeOne(t, e, st.Portal)
	Do(t, e, st, stack.Create, "web", "")
	if after := observeOne(t, e, st.Portal); after.ID != before.ID || !after.StartedAt.Equal(before.StartedAt) {
		t.Errorf("the container was made or started again")
	}
}

func createConflict(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	s := Add(t, st, "web", nil)
	Up(t, e, st, "web")
	s.Environment = map[string]string{"CHANGED": "yes"}
	err := e.Run(Context(t), st, OpOf(e, st, stack.Create, "web", ""))
	if !errors.Is(err, engine.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func rename(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", nil)
	Up(t, e, st, "web")
	before := observeOne(t, e, st.Portal)
	op := Op(st, stack.Rename, "web", st.Portal+"-web-1_previous")
	op.ContainerID = before.ID
	for range 2 {
		if err := e.Run(Context(t), st, op); err != nil {
			t.Fatal(err)
		}
	}
	if after := observeOne(t, e, st.Portal); after.Name != op.Target || after.ID != before.ID {
		t.Errorf("renamed to %s", after.Name)
	}
}

func networks(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	second := stack.NetworkName(st.Portal, "second")
	st.Networks[second] = stack.Network{Name: second, Internal: true}
	Add(t, st, "web", func(s *stack.Service) { s.Networks[second] = []string{"also"} })
	Up(t, e, st, "web")
	c := observeOne(t, e, st.Portal)
	if !slices.Equal(c.Networks, c.IntendedNetworks) || len(c.Networks) != 2 {
		t.Fatalf("attached to %v, intended %v", c.Networks, c.IntendedNetworks)
	}
	for range 2 {
		Do(t, e, st, stack.Disconnect, "web", second)
	}
	if c = observeOne(t, e, st.Portal); len(c.Networks) != 1 || len(c.IntendedNetworks) != 2 {
		t.Errorf("after disconnect: attached to %v, intended %v", c.Networks, c.IntendedNetworks)
	}
	for range 2 {
		Do(t, e, st, stack.Connect, "web", second)
	}
	if c = observeOne(t, e, st.Portal); !slices.Equal(c.Networks, c.IntendedNetworks) {
		t.Errorf("after connect: attached to %v", c.Networks)
	}
	changed := *st
	changed.Networks = map[string]stack.Network{second: {Name: second}}
	err := e.Run(Context(t), &changed, Op(&changed, stack.EnsureNetwork, "", second))
	if err == nil || !strings.Contains(err.Error(), "internal") {
		t.Errorf("a network with another setting was accepted: %v", err)
	}
}

func limits(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	s := Add(t, st, "web", func(s *stack.Service) {
		s.Resources = stack.Resources{Memory: 64 << 20, CPUs: 0.5, PIDs: 50}
	})
	Up(t, e, st, "web")
	if c := observeOne(t, e, st.Portal); c.Settings != c.IntendedSettings || c.Settings.Resources != s.Resources || c.Settings.Restart != "unless-stopped" {
		t.Fatalf("settings %+v, intended %+v", c.Settings, c.IntendedSettings)
	}
	changed := *st
	other := *s
	other.Resources = stack.Resources{Memory: 32 << 20, CPUs: 0.25, PIDs: 20}
	other.Restart = "no"
	changed.Services = map[string]*stack.Service{"web": &other}
	Do(t, e, &changed, stack.UpdateLimits, "web", "")
	if c := observeOne(t, e, st.Portal); c.Settings.Resources != other.Resources || c.Settings.Restart != "no" || c.IntendedSettings.Resources != s.Resources {
		t.Fatalf("changed to %+v, intended %+v", c.Settings, c.IntendedSettings)
	}
	Do(t, e, st, stack.UpdateLimits, "web", "")
	if c := observeOne(t, e, st.Portal); c.Settings != c.IntendedSettings {
		t.Errorf("put back to %+v, intended %+v", c.Settings, c.IntendedSettings)
	}
}

func gone(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", nil)
	for _, kind := range []stack.Kind{stack.Stop, stack.Remove, stack.WaitEnd} {
		Do(t, e, st, kind, "web", "")
	}
	Do(t, e, st, stack.Disconnect, "web", stack.NetworkName(st.Portal, "default"))
	Do(t, e, st, stack.RemoveNetwork, "", stack.NetworkName(st.Portal, "default"))
}

func sharedObservation(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", nil)
	if o, err := e.ObserveShared(Context(t), st.Portal); err != nil || len(o.Containers) != 0 {
		t.Fatalf("observed %+v, %v", o, err)
	}
	Up(t, e, st, "web")
	if o, err := e.ObserveShared(Context(t), st.Portal); err != nil || len(o.Containers) != 1 || o.Containers[0].State != stack.Running {
		t.Errorf("observed %+v, %v", o, err)
	}
}
