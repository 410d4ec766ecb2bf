// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/fake"
)

// countingAgents counts the agents that read the whole drive, and can break
// their connections.
type countingAgents struct {
	*fake.Engine
	readers atomic.Int32
	last    atomic.Pointer[engine.Agent]
}

func (e *countingAgents) Agent(ctx context.Context, portal string) (engine.Agent, error) {
	a, err := e.Engine.Agent(ctx, portal)
	if portal == "" {
		e.readers.Add(1)
		e.last.Store(&a)
	}
	return a, err
}

func TestReadsShareOneAgent(t *testing.T) {
	b := overrideBed(t)
	agents := &countingAgents{Engine: b.fake}
	b.Engine = agents
	s := b.mustOverride(name("Acme"))
	read := func() {
		if _, found, err := b.ReadOverride(t.Context(), "acme", s.ID); !found || err != nil {
			t.Errorf("%v, %v", found, err)
		}
	}
	var all sync.WaitGroup
	for range 30 {
		all.Go(read)
	}
	all.Wait()
	if n := agents.readers.Load(); n != 1 {
		t.Errorf("30 reads started %d agents", n)
	}
	agents.last.Load().Close() // somebody removed its container
	read()
	if n := agents.readers.Load(); n != 2 {
		t.Errorf("after the connection broke: %d agents", n)
	}
	b.reader.closeIdle()
	read()
	if n := agents.readers.Load(); n != 3 {
		t.Errorf("after a while without reads: %d agents", n)
	}
}
