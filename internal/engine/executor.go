// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// errSkipped marks operations that were not attempted because one they wait
// for failed. Execute does not return it: the failure itself is returned.
var errSkipped = errors.New("not attempted")

// Runner carries out one operation of a plan.
type Runner interface {
	Run(ctx context.Context, desired *stack.Stack, op *stack.Operation) error
}

// rollbackLimit bounds a rollback, which goes on after ctx has ended.
const rollbackLimit = 10 * time.Minute

// Execute walks the plan in parallel: an operation starts the moment all that
// it waits for have succeeded; how much a host bears at a time is the engine's
// business. When one fails, what waits for it is not
// attempted, the rest goes on, and the replacement it belongs to is rolled
// back. The failures are returned joined.
//
// progress, if not nil, is told of each operation as it starts.
func Execute(ctx context.Context, r Runner, desired *stack.Stack, plan stack.Plan, progress func(*stack.Operation)) error {
	x := &executor{
		runner: r, desired: desired, plan: plan, progress: progress,
		nodes: make(map[string]*node, len(plan.Operations)),
	}
	for _, op := range plan.Operations {
		x.nodes[op.ID] = &node{op: op, done: make(chan struct{})}
	}
	var all sync.WaitGroup
	for _, n := range x.nodes {
		all.Go(func() {
			defer close(n.done)
			n.err = x.visit(ctx, n)
		})
	}
	all.Wait()
	return x.failures()
}

type executor struct {
	runner   Runner
	desired  *stack.Stack
	plan     stack.Plan
	progress func(*stack.Operation)
	nodes    map[string]*node
}

// node is one operation and how it ended; read err after done.
type node struct {
	op        *stack.Operation
	attempted bool
	err       error
	done      chan struct{}
}

// visit waits for what the operation needs, runs it, and rolls its group back
// if it fails.
func (x *executor) visit(ctx context.Context, n *node) error {
	for _, id := range n.op.After {
		before, ok := x.nodes[id]
		if !ok {
			return fmt.Errorf("operation %q waits for %q, which is not in the plan", n.op.ID, id)
		}
		<-before.done
		if before.err != nil {
			return errSkipped
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	n.attempted = true
	err := x.run(ctx, n.op)
	if err != nil && n.op.Group != "" {
		return x.rollBack(ctx, n.op, err)
	}
	return err
}

func (x *executor) run(ctx context.Context, op *stack.Operation) error {
	if x.progress != nil {
		x.progress(op)
	}
	return x.runner.Run(ctx, x.desired, op)
}

// rollBack undoes the replacement that op belongs to and that failed with
// cause. The operations of a group come one after the other, so that none of
// them runs any more. It goes on when ctx is cancelled: half a replacement
// serves nobody.
func (x *executor) rollBack(ctx context.Context, failed *stack.Operation, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
	defer cancel()
	for _, op := range x.plan.Rollback[failed.Group] {
		if op.Undoes != "" && !x.nodes[op.Undoes].attempted {
			continue
		}
		if err := x.run(ctx, op); err != nil {
			return &RollbackError{Service: failed.Service, Cause: cause, Err: err}
		}
	}
	return &RollbackError{Service: failed.Service, Cause: cause}
}

func (x *executor) failures() error {
	var errs []error
	seen := map[string]bool{}
	for _, op := range x.plan.Operations {
		err := x.nodes[op.ID].err
		if err == nil || errors.Is(err, errSkipped) || seen[err.Error()] {
			continue
		}
		seen[err.Error()] = true
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// RollbackError tells that a replacement failed and what became of the
// container that was to be replaced.
type RollbackError struct {
	Service string
	// Cause is why the replacement failed.
	Cause error
	// Err is why the rollback failed, nil when the former container is back.
	Err error
}

func (e *RollbackError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Cause}
	}
	return []error{e.Cause, e.Err}
}

func (e *RollbackError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%v\n\nPutting the former container of %s back failed as well: %v", e.Cause, e.Service, e.Err)
	}
	return fmt.Sprintf("%v\n\nThe former container of %s serves as before.", e.Cause, e.Service)
}
