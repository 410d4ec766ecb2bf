// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// RunAgents checks that an engine starts file agents: those of a portal, and the
// one that reads the whole drive. open makes the engine on an empty drive.
func RunAgents(t *testing.T, open func(t *testing.T) engine.Engine) {
	e := open(t)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	acme := openSession(t, e, "acme")
	id := prepare(t, acme)

	// The start alone is bounded by the context.
	ctx, cancel := context.WithCancel(Context(t))
	agent, err := e.Agent(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	reader, err := storage.OpenReader(ctx, agent, agent.Host)
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := reader.Expect(Context(t), id); err != nil || got != id {
		t.Errorf("the reader sees the drive %q, %v; want %q", got, err, id)
	}
	check := func(portal string, status storage.Status, record string) {
		t.Helper()
		got, err := reader.Portal(Context(t), portal)
		if err != nil || got.Manifest.Status != status || string(got.Records["note"]) != record || got.OverridesFound != (status == storage.Incomplete) {
			t.Errorf("%s: %+v, %v; want status %s and the record %q", portal, got, err, status, record)
		}
	}
	check("acme", storage.Incomplete, "first")

	// It sees what happens after it was started, and answers many at once.
	prepare(t, openSession(t, e, "beta"))
	if err := acme.WriteRecord(Context(t), "note", []byte("second")); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 30 {
		all.Go(func() {
			check("acme", storage.Incomplete, "second")
			check("beta", storage.Incomplete, "first")
			check(fmt.Sprintf("none-%d", n), storage.None, "")
		})
	}
	all.Wait()
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}

// openSession starts the file agent of a portal.
func openSession(t *testing.T, e engine.Engine, portal string) *storage.Session {
	t.Helper()
	ctx := Context(t)
	agent, err := e.Agent(ctx, portal)
	if err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open(ctx, agent, portal, agent.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// prepare makes a portal's directory with a record, and a file that its owner
// alone may read, and returns the drive's id.
func prepare(t *testing.T, s *storage.Session) string {
	t.Helper()
	ctx := Context(t)
	id, err := s.Drive(ctx, storage.DriveCheck{})
	for _, step := range []func() error{
		func() error { return err },
		func() error { return s.Lock(ctx, storage.Holder{Owner: "test"}) },
		func() error { return s.SaveManifest(ctx, storage.Manifest{Status: storage.Incomplete}) },
		func() error { return s.Prepare(ctx, &stack.Stack{}) },
		func() error { return s.WriteRecord(ctx, "note", []byte("first")) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return id
}
