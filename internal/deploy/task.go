// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// runLogLines of a run's output are passed on.
	runLogLines = 200
	// runOwner begins the owner of containers that exist for one run.
	runOwner = "run/"
)

// RunTask starts a task's container, as its play button does, and waits for its
// end. A run that is under way is waited for first. Next to the error of a run
// that failed the TaskRun tells of it. It needs no lock: tasks run beside all
// else.
func (d *Deployer) RunTask(ctx context.Context, portal, task string, progress func(string)) (TaskRun, error) {
	observed, err := d.Engine.Observe(ctx, portal)
	if err != nil {
		return TaskRun{}, err
	}
	c, err := taskContainer(observed, task)
	if err != nil {
		return TaskRun{}, err
	}
	st := &stack.Stack{Portal: portal, Owner: c.Owner}
	if c.State == stack.Running {
		progress(fmt.Sprintf("A run of %s is under way: waiting for its end", c.Name))
		if err := d.Engine.Run(ctx, st, taskOperation(stack.WaitEnd, c.Name, c.ID, task)); err != nil {
			return TaskRun{}, err
		}
	}
	progress(fmt.Sprintf("Starting %s", c.Name))
	return d.run(ctx, st, task, c.Name, c.ID, func(ctx context.Context) (map[string]string, error) {
		return d.Credentials(ctx, portal)
	})
}

// secretsReader reads the secrets that a log must not show.
type secretsReader func(ctx context.Context) (map[string]string, error)

// taskContainer finds the container of a task.
func taskContainer(o stack.Observed, task string) (stack.Container, error) {
	var tasks []string
	for _, c := range o.Containers {
		if c.Task == "" {
			continue
		}
		if c.Service == task {
			return c, nil
		}
		tasks = append(tasks, c.Service)
	}
	if len(o.Containers) == 0 {
		return stack.Container{}, noPortalError(o.Portal)
	}
	slices.Sort(tasks)
	return stack.Container{}, fmt.Errorf("portal %q has no task %q; it has %s", o.Portal, task, strings.Join(tasks, ", "))
}

// run starts a container that is there, waits for its end and tells of it. The
// portal's secrets are struck out of its log.
func (d *Deployer) run(ctx context.Context, st *stack.Stack, task, name, id string, secrets secretsReader) (TaskRun, error) {
	err := d.Engine.Run(ctx, st, taskOperation(stack.Start, name, id, task))
	if err == nil {
		err = d.Engine.Run(ctx, st, taskOperation(stack.WaitDone, name, id, task))
	}
	run, lookErr := d.lookAtRun(ctx, st.Portal, name, secrets)
	if err != nil {
		return run, err
	}
	return run, lookErr
}

// lookAtRun also works when the time of the run itself is up.
func (d *Deployer) lookAtRun(ctx context.Context, portal, name string, secrets secretsReader) (TaskRun, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	observed, err := d.Engine.Observe(ctx, portal)
	if err != nil {
		return TaskRun{}, err
	}
	for _, c := range observed.Containers {
		if c.Name != name {
			continue
		}
		log, err := d.concealedLog(ctx, name, secrets)
		return TaskRun{ExitCode: c.ExitCode, Started: c.StartedAt, Finished: c.FinishedAt, Log: log}, err
	}
	return TaskRun{}, fmt.Errorf("the container %s of portal %q is gone", name, portal)
}

// concealedLog is the end of a container's log without the portal's secrets.
func (d *Deployer) concealedLog(ctx context.Context, name string, secrets secretsReader) (string, error) {
	log, err := d.Engine.Logs(ctx, name, runLogLines)
	if err != nil || log == "" {
		return log, err
	}
	values, err := secrets(ctx)
	if err != nil {
		return "", err
	}
	return conceal(log, slices.Collect(maps.Values(values))), nil
}

func taskOperation(kind stack.Kind, name, id, task string) *stack.Operation {
	return &stack.Operation{
		ID: string(kind) + " " + name, Kind: kind, Service: task, Number: 1,
		Container: name, ContainerID: id, Cause: "it was asked for",
	}
}

// runOnce runs a service of a portal in a container of its own, which is removed
// afterwards. The portal's turn is the caller's.
func (d *Deployer) runOnce(ctx context.Context, b *begun, base *stack.Stack, s stack.Service) (TaskRun, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return TaskRun{}, fmt.Errorf("making a name for the run: %w", err)
	}
	s.Name += "-run-" + hex.EncodeToString(random[:])
	s.Task = &stack.Task{When: stack.Manual, Timeout: taskTimeout(s.Task)}
	s.Replicas = 1
	st := &stack.Stack{
		Portal: base.Portal, Directory: base.Directory, StorageID: b.storageID, Owner: runOwner + s.Name, Constraints: base.Constraints,
		Networks: base.Networks, Services: map[string]*stack.Service{s.Name: &s},
	}
	name := stack.ContainerName(st.Portal, &s, 1)
	defer d.discard(ctx, st, s.Name, name)
	if err := d.Engine.Run(ctx, st, &stack.Operation{ID: "image " + s.Image, Kind: stack.EnsureImage, Service: s.Name, Target: s.Image}); err != nil {
		return TaskRun{}, err
	}
	if err := d.Engine.Run(ctx, st, taskOperation(stack.Create, name, "", s.Name)); err != nil {
		return TaskRun{}, err
	}
	return d.run(ctx, st, s.Name, name, "", b.files.GeneratedSecrets)
}

func taskTimeout(t *stack.Task) time.Duration {
	if t == nil {
		return 0
	}
	return t.Timeout
}

// discard removes the container of a run. What this process leaves when it is
// killed goes with the portal, or with the next run.
func (d *Deployer) discard(ctx context.Context, st *stack.Stack, task, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	if d.Engine.Run(ctx, st, taskOperation(stack.Stop, name, "", task)) == nil {
		_ = d.Engine.Run(ctx, st, taskOperation(stack.Remove, name, "", task))
	}
}

// sweepRuns removes containers of runs that ended with their provider.
func (d *Deployer) sweepRuns(ctx context.Context, o stack.Observed) error {
	plan := stack.Teardown(stack.Observed{Portal: o.Portal, Containers: keep(o.Containers, func(c stack.Container) bool {
		return strings.HasPrefix(c.Owner, runOwner) && c.State != stack.Running
	})})
	return engine.Execute(ctx, d.Engine, &stack.Stack{Portal: o.Portal}, plan, nil)
}

// RestartServices restarts services in place, one replica of each at a time,
// and waits until they are healthy. Without names it restarts those that
// restart on a change of the overrides.
func (d *Deployer) RestartServices(ctx context.Context, portal string, services []string, progress func(string)) error {
	b, err := d.begin(ctx, portal, "restart", false)
	if err != nil {
		return err
	}
	defer b.end()
	if len(b.observed.Containers) == 0 {
		return noPortalError(portal)
	}
	selected := stack.RestartsOn(stack.RestartOnOverrides)
	if len(services) > 0 {
		if err := allRun(b.observed, services); err != nil {
			return err
		}
		selected = func(c stack.Container) bool { return slices.Contains(services, c.Service) }
	}
	plan := stack.Restarts(b.observed, "it was asked for", selected)
	return engine.Execute(ctx, d.Engine, &stack.Stack{Portal: portal}, plan, func(op *stack.Operation) {
		if op.Kind == stack.Restart {
			progress("Restarting " + op.Container)
		}
	})
}

// allRun makes sure that each of the names is a service of the portal.
func allRun(o stack.Observed, names []string) error {
	there := map[string]bool{}
	for _, c := range o.Containers {
		if c.Task == "" {
			there[c.Service] = true
		}
	}
	for _, name := range names {
		if !there[name] {
			return fmt.Errorf("portal %q has no service %q that could be restarted; it has %s", o.Portal, name, strings.Join(slices.Sorted(maps.Keys(there)), ", "))
		}
	}
	return nil
}
