// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"fmt"

	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// task is one operation on its way: what it is about, and where.
type task struct {
	engine *Engine
	host   *pool.Host
	api    *client.Client
	stack  *stack.Stack
	op     *stack.Operation
}

// ref finds the operation's container: by id when it was there before the
// plan, by name when the plan made it.
func (t *task) ref() string {
	if t.op.ContainerID != "" {
		return t.op.ContainerID
	}
	return t.op.Container
}

// service is the operation's service in the desired stack, nil when the stack
// has it no more.
func (t *task) service() *stack.Service {
	if t.stack == nil {
		return nil
	}
	return t.stack.Services[t.op.Service]
}

// about says what an error of the operation is about.
func (t *task) about() engine.Error {
	return engine.Error{Portal: t.stack.Portal, Service: t.op.Service, Container: t.op.Container}
}

// fail makes the operation's error.
func (t *task) fail(what string, cause error) error {
	return fail(t.host, what, t.about(), cause)
}

// failWith is fail with a remedy.
func (t *task) failWith(what, remedy string, cause error) error {
	e := t.about()
	e.Remedy = remedy
	return fail(t.host, what, e, cause)
}

// runners has a function for each kind of operation. Those that change what
// the host lists of the portal say so.
var runners = map[stack.Kind]struct {
	run     func(*task, context.Context) error
	changes bool
}{
	stack.EnsureNetwork: {(*task).ensureNetwork, false},
	stack.EnsureImage:   {(*task).ensureImage, false}, // a pull says so itself
	stack.Create:        {(*task).create, true},
	stack.Start:         {(*task).start, true},
	stack.Stop:          {(*task).stop, true},
	stack.Remove:        {(*task).remove, true},
	stack.Rename:        {(*task).rename, true},
	stack.Unpause:       {(*task).unpause, true},
	stack.Restart:       {(*task).restart, true},
	stack.Connect:       {(*task).connect, true},
	stack.Disconnect:    {(*task).disconnect, true},
	stack.UpdateLimits:  {(*task).updateLimits, true},
	stack.WaitHealthy:   {(*task).waitHealthy, true},
	stack.WaitDone:      {(*task).waitDone, true},
	stack.WaitEnd:       {(*task).waitEnd, true},
	stack.RemoveNetwork: {(*task).removeNetwork, false},
}

// Run implements engine.Engine.
func (e *Engine) Run(ctx context.Context, desired *stack.Stack, op *stack.Operation) error {
	r, ok := runners[op.Kind]
	if !ok {
		return fmt.Errorf("operation %s: engine docker does not know the kind %q", op.ID, op.Kind)
	}
	h, c, err := e.place(ctx, desired.Portal)
	if err != nil {
		return err
	}
	if r.changes {
		// After a failure, too: it may have happened all the same.
		defer h.ChangedPortal(desired.Portal)
	}
	t := &task{engine: e, host: h, api: c, stack: desired, op: op}
	if slots := e.slotsFor(op.Kind); slots != nil {
		release, err := slots.take(ctx, h.Name)
		if err != nil {
			return t.fail("wait for a turn to work on", err)
		}
		defer release()
	}
	return r.run(t, ctx)
}

func (t *task) ensureImage(ctx context.Context) error {
	return t.engine.ensureImage(ctx, t.host, t.api, t.op, t.stack.Portal)
}
