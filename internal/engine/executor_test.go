// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// recorder is a Runner that notes what ran and fails what it is told to.
type recorder struct {
	mu    sync.Mutex
	ran   []string
	fail  map[string]error
	block map[string]chan struct{} // an operation waits here, if listed
}

func (r *recorder) Run(ctx context.Context, _ *stack.Stack, op *stack.Operation) error {
	if c, ok := r.block[op.ID]; ok {
		select {
		case <-c:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran = append(r.ran, op.ID)
	return r.fail[op.ID]
}

func op(id string, after ...string) *stack.Operation {
	return &stack.Operation{ID: id, Kind: stack.Start, Service: "lms", After: after}
}

// grouped puts an operation into the only group of a test's plan, "g".
func grouped(op *stack.Operation) *stack.Operation {
	op.Group = "g"
	return op
}

func undo(id, undoes string) *stack.Operation {
	return &stack.Operation{ID: id, Kind: stack.Stop, Service: "lms", Undoes: undoes}
}

func TestExecuteKeepsTheOrder(t *testing.T) {
	r := &recorder{}
	var ops []*stack.Operation
	for i := range 50 {
		ops = append(ops, op(fmt.Sprint("a", i)), op(fmt.Sprint("b", i), fmt.Sprint("a", i)), op(fmt.Sprint("c", i), fmt.Sprint("b", i), "a0"))
	}
	if err := Execute(t.Context(), r, nil, stack.Plan{Operations: ops}, nil); err != nil {
		t.Fatal(err)
	}
	if len(r.ran) != len(ops) {
		t.Fatalf("%d operations ran, want %d", len(r.ran), len(ops))
	}
	for _, o := range ops {
		for _, before := range o.After {
			if slices.Index(r.ran, before) > slices.Index(r.ran, o.ID) {
				t.Errorf("%s ran before %s", o.ID, before)
			}
		}
	}
}

func TestExecuteRunsInParallel(t *testing.T) {
	gate := make(chan struct{})
	r := &recorder{block: map[string]chan struct{}{"a": gate}}
	// b can only run, and open the gate for a, if a does not hold it up.
	opened := runnerFunc(func(ctx context.Context, o *stack.Operation) error {
		if o.ID == "b" {
			close(gate)
		}
		return r.Run(ctx, nil, o)
	})
	if err := Execute(t.Context(), opened, nil, stack.Plan{Operations: []*stack.Operation{op("a"), op("b")}}, nil); err != nil {
		t.Fatal(err)
	}
}

type runnerFunc func(context.Context, *stack.Operation) error

func (f runnerFunc) Run(ctx context.Context, _ *stack.Stack, op *stack.Operation) error {
	return f(ctx, op)
}

func TestExecuteFailureStopsOnlyWhatWaitsForIt(t *testing.T) {
	broken := errors.New("no such image")
	r := &recorder{fail: map[string]error{"a": broken}}
	plan := stack.Plan{Operations: []*stack.Operation{op("a"), op("b", "a"), op("c", "b"), op("other"), op("more", "other")}}
	err := Execute(t.Context(), r, nil, plan, nil)
	if !errors.Is(err, broken) || strings.Contains(err.Error(), errSkipped.Error()) {
		t.Errorf("got %v, want just the failure itself", err)
	}
	slices.Sort(r.ran)
	if got := strings.Join(r.ran, " "); got != "a more other" {
		t.Errorf("ran %q", got)
	}
}

func TestExecuteRollsBackWhatWasAttempted(t *testing.T) {
	for _, tc := range []struct {
		fail, want string
	}{
		{"stop", "stop unstop"},
		{"create", "stop create uncreate unstop"},
		{"healthy", "stop create healthy uncreate unstop"},
		{"remove", "stop create healthy remove"}, // no longer in the group
	} {
		t.Run(tc.fail, func(t *testing.T) {
			r := &recorder{fail: map[string]error{tc.fail: errors.New("broken")}}
			err := Execute(t.Context(), r, nil, stack.Plan{
				Operations: []*stack.Operation{
					grouped(op("stop")), grouped(op("create", "stop")),
					grouped(op("healthy", "create")), op("remove", "healthy"),
				},
				Rollback: map[string][]*stack.Operation{"g": {undo("uncreate", "create"), undo("unstop", "stop")}},
			}, nil)
			if got := strings.Join(r.ran, " "); got != tc.want {
				t.Errorf("ran %q, want %q", got, tc.want)
			}
			var rollback *RollbackError
			if errors.As(err, &rollback) != (tc.fail != "remove") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestExecuteRollsBackWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{block: map[string]chan struct{}{"healthy": make(chan struct{})}}
	err := Execute(ctx, r, nil, stack.Plan{
		Operations: []*stack.Operation{grouped(op("stop")), grouped(op("healthy", "stop"))},
		Rollback:   map[string][]*stack.Operation{"g": {undo("unstop", "stop")}},
	}, func(o *stack.Operation) {
		if o.ID == "healthy" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := strings.Join(r.ran, " "); got != "stop unstop" {
		t.Errorf("ran %q", got)
	}
}

func TestRollbackErrorTellsBothFailures(t *testing.T) {
	cause, rollback := errors.New("unhealthy"), errors.New("daemon gone")
	r := &recorder{fail: map[string]error{"start": cause, "unstart": rollback}}
	err := Execute(t.Context(), r, nil, stack.Plan{
		Operations: []*stack.Operation{grouped(op("start"))},
		Rollback:   map[string][]*stack.Operation{"g": {undo("unstart", "start")}},
	}, nil)
	if !errors.Is(err, cause) || !errors.Is(err, rollback) {
		t.Errorf("got %v, want both failures", err)
	}
}

func TestErrorSaysWhereAndWhatToDo(t *testing.T) {
	err := &Error{
		Op: "start", Host: "dal-1", Portal: "acme", Service: "lms", Container: "acme-lms-1",
		Err: errors.New("port is taken"), Log: "listening", Remedy: "Set http_port.",
	}
	want := "start acme-lms-1 of portal \"acme\" on host \"dal-1\": port is taken\n\nLast lines of its log:\nlistening\n\nSet http_port."
	if err.Error() != want {
		t.Errorf("got %q\nwant %q", err, want)
	}
}
