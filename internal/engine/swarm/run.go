// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm/swarmjob"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// task is one operation on its way.
type task struct {
	engine *Engine
	stack  *stack.Stack
	op     *stack.Operation
}

func (t *task) about() engine.Error {
	return engine.Error{Portal: t.stack.Portal, Service: t.op.Service, Container: t.op.Container}
}

func (t *task) fail(what string, cause error) error { return fail(what, t.about(), cause) }

func (t *task) failWith(what, remedy string, cause error) error {
	about := t.about()
	about.Remedy = remedy
	return fail(what, about, cause)
}

// runners has a function for each kind of operation that a plan of units has.
var runners = map[stack.Kind]func(*task, context.Context) error{
	stack.EnsureNetwork: (*task).ensureNetwork,
	stack.EnsureImage:   (*task).ensureImage,
	stack.Create:        (*task).create,
	stack.Update:        (*task).update,
	stack.Start:         (*task).start,
	stack.Stop:          (*task).stop,
	stack.Restart:       (*task).restart,
	stack.Remove:        (*task).remove,
	stack.WaitHealthy:   (*task).waitHealthy,
	stack.WaitDone:      (*task).waitDone,
	stack.WaitEnd:       (*task).waitEnd,
	stack.RemoveNetwork: (*task).removeNetwork,
}

// Run implements engine.Engine.
func (e *Engine) Run(ctx context.Context, desired *stack.Stack, op *stack.Operation) error {
	run, ok := runners[op.Kind]
	if !ok {
		return fmt.Errorf("operation %s: engine swarm does not know the kind %q", op.ID, op.Kind)
	}
	defer e.listing.changed()
	return run(&task{engine: e, stack: desired, op: op}, ctx)
}

// wanted is the operation's service as Swarm is to have it.
func (t *task) wanted(ctx context.Context) (swarm.ServiceSpec, error) {
	s := t.stack.Services[t.op.Service]
	if s == nil {
		return swarm.ServiceSpec{}, fmt.Errorf("the stack has no service %q", t.op.Service)
	}
	in := surroundings{options: t.engine.options, image: s.Image}
	var err error
	if in.networks, err = t.networkIDs(ctx, s); err != nil {
		return swarm.ServiceSpec{}, err
	}
	if pinned, err := t.engine.pinned(ctx, s.Image); err == nil {
		in.image = pinned // otherwise it is on the nodes, as ensureImage found
	}
	if in.wrap, err = t.leaseWrap(ctx, s); err != nil {
		return swarm.ServiceSpec{}, err
	}
	in.sysctls = t.sysctls(ctx, s)
	_, c, err := t.engine.find(ctx)
	if err != nil {
		return swarm.ServiceSpec{}, err
	}
	in.api = c.ClientVersion()
	spec := specOf(t.stack, s, in)
	spec.Labels[labelImage] = s.Image
	return spec, nil
}

// labelImage is the image as it was asked for.
const labelImage = "io.privateportals.image"

// sysctls leaves out settings that the kernels of managers, which run what wants
// newer ones, do not have.
func (t *task) sysctls(ctx context.Context, s *stack.Service) map[string]string {
	if len(s.Sysctls) == 0 {
		return nil
	}
	out := maps.Clone(s.Sysctls)
	for _, h := range t.engine.pool.Hosts() {
		kernel, err := h.Kernel(ctx)
		if err != nil {
			continue // one that does not answer starts nothing now
		}
		out = docker.WithoutNewer(out, kernel)
	}
	return out
}

// auth are the credentials for a service's image, which Swarm passes on to nodes.
func (t *task) auth() (string, error) {
	return t.engine.pool.RegistryAuth(t.stack.Services[t.op.Service].Image)
}

// create makes the service of op, which runs nothing yet. One of the same
// configuration that is there is taken as it is.
func (t *task) create(ctx context.Context) error {
	spec, err := t.wanted(ctx)
	if err != nil {
		return t.fail("create", err)
	}
	auth, err := t.auth()
	if err != nil {
		return t.fail("create", err)
	}
	err = t.engine.do(ctx, func(ctx context.Context, c *client.Client) error {
		_, err := c.ServiceCreate(ctx, spec, swarm.ServiceCreateOptions{EncodedRegistryAuth: auth})
		return err
	})
	if err == nil {
		return nil
	}
	if !cerrdefs.IsConflict(err) && !strings.Contains(err.Error(), "name conflicts") {
		return t.fail("create", err)
	}
	is, findErr := t.find(ctx)
	switch {
	case findErr != nil:
		return t.fail("create", findErr)
	case is == nil || is.Spec.Labels[pool.LabelPortal] != t.stack.Portal:
		return t.failWith("create", fmt.Sprintf("Remove that service (\"docker service rm %s\") if nobody needs it, or give the portal another name.", t.op.Container), fmt.Errorf("the name is held by a service that is not part of the portal"))
	case is.Spec.Labels[pool.LabelDigest] != spec.Labels[pool.LabelDigest]:
		return t.fail("create", fmt.Errorf("%w: a service in another configuration holds the name", engine.ErrConflict))
	}
	return nil
}

// find looks the operation's service up, nil when it is not there.
func (t *task) find(ctx context.Context) (found *swarm.Service, err error) {
	err = t.engine.do(ctx, func(ctx context.Context, c *client.Client) error {
		s, _, err := c.ServiceInspectWithRaw(ctx, t.op.Container, swarm.ServiceInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return nil
		}
		if err == nil {
			found = &s
		}
		return err
	})
	return found, err
}

// sequenceAttempts bounds how often a change is made again that another one came
// before: Swarm changes services itself when it rolls back.
const sequenceAttempts = 8

// change lets alter make the operation's service into what it is to be; it tells
// whether there is anything to do. A service that is gone is an errGone.
func (t *task) change(ctx context.Context, alter func(*swarm.Service) (bool, error)) error {
	for attempt := 1; ; attempt++ {
		is, err := t.find(ctx)
		if err != nil {
			return err
		}
		if is == nil || is.Spec.Labels[pool.LabelPortal] != t.stack.Portal {
			return errGone
		}
		something, err := alter(is)
		if err != nil || !something {
			return err
		}
		auth := ""
		if t.stack.Services[t.op.Service] != nil {
			if auth, err = t.auth(); err != nil {
				return err
			}
		}
		err = t.engine.do(ctx, func(ctx context.Context, c *client.Client) error {
			_, err := c.ServiceUpdate(ctx, is.ID, is.Version, is.Spec, swarm.ServiceUpdateOptions{EncodedRegistryAuth: auth, RegistryAuthFrom: swarm.RegistryAuthFromSpec})
			return err
		})
		if err == nil || attempt == sequenceAttempts || !strings.Contains(err.Error(), "out of sequence") {
			return err
		}
	}
}

// update lets a service become what the stack says. Swarm replaces its replicas,
// and puts the former ones back when the new ones fail. A job stays as it is until
// it is started.
func (t *task) update(ctx context.Context) error {
	spec, err := t.wanted(ctx)
	if err != nil {
		return t.fail("update", err)
	}
	err = t.change(ctx, func(is *swarm.Service) (bool, error) {
		spec.TaskTemplate.ForceUpdate = is.Spec.TaskTemplate.ForceUpdate
		if spec.Mode.Replicated != nil {
			spec.Mode.Replicated.Replicas = count(t.stack.Services[t.op.Service].Replicas)
		}
		is.Spec = spec
		return true, nil
	})
	if errors.Is(err, errGone) {
		err = fmt.Errorf("%w: %w", engine.ErrConflict, err)
	}
	if err != nil {
		return t.fail("update", err)
	}
	return nil
}

// start lets a service run the replicas that it is to have, or runs a job.
func (t *task) start(ctx context.Context) error {
	err := t.change(ctx, func(is *swarm.Service) (bool, error) {
		switch m := &is.Spec.Mode; {
		case m.ReplicatedJob != nil:
			swarmjob.Start(&is.Spec)
			return true, nil
		case m.Replicated != nil:
			want := intendedReplicas(is.Spec)
			if m.Replicated.Replicas != nil && *m.Replicated.Replicas == *want {
				return false, nil
			}
			m.Replicated.Replicas = want
			return true, nil
		}
		return false, nil
	})
	if errors.Is(err, errGone) {
		err = fmt.Errorf("%w: %w", engine.ErrConflict, err)
	}
	if err != nil {
		return t.fail("start", err)
	}
	return nil
}

// stop lets a service run nothing, and waits until that is so. What runs on every
// node does so until it is removed.
func (t *task) stop(ctx context.Context) error {
	everywhere := false
	err := t.change(ctx, func(is *swarm.Service) (bool, error) {
		switch m := &is.Spec.Mode; {
		case m.Replicated != nil:
			if m.Replicated.Replicas != nil && *m.Replicated.Replicas == 0 {
				return false, nil
			}
			m.Replicated.Replicas = count(0)
			return true, nil
		case m.ReplicatedJob != nil:
			return t.stopJob(ctx, is)
		}
		everywhere = is.Spec.Mode.Global != nil
		return false, nil
	})
	if errors.Is(err, errGone) || everywhere {
		return nil
	}
	if err == nil {
		err = t.awaitEnd(ctx)
	}
	if err != nil {
		return t.fail("stop", err)
	}
	return nil
}

// stopJob ends a job's run; one that has ended stays as it is.
func (t *task) stopJob(ctx context.Context, is *swarm.Service) (bool, error) {
	state, err := t.engine.listing.recent(ctx, t.stack.Portal)
	if err != nil || len(state.unfinished(is.ID)) == 0 {
		return false, err
	}
	swarmjob.Stop(is)
	return true, nil
}

// restart lets Swarm replace all replicas of a service, one after the other.
func (t *task) restart(ctx context.Context) error {
	err := t.change(ctx, func(is *swarm.Service) (bool, error) {
		is.Spec.TaskTemplate.ForceUpdate++
		if m := is.Spec.Mode.Replicated; m != nil {
			m.Replicas = intendedReplicas(is.Spec)
		}
		return true, nil
	})
	if err != nil {
		return t.fail("restart", err)
	}
	return nil
}

// remove removes a service, and waits until its containers are gone.
func (t *task) remove(ctx context.Context) error {
	is, err := t.find(ctx)
	if err != nil {
		return t.fail("remove", err)
	}
	if is == nil || is.Spec.Labels[pool.LabelPortal] != t.stack.Portal {
		return nil
	}
	err = t.engine.do(ctx, func(ctx context.Context, c *client.Client) error { return c.ServiceRemove(ctx, is.ID) })
	if err == nil || cerrdefs.IsNotFound(err) {
		err = t.awaitNone(ctx, is.ID)
	}
	if err != nil {
		return t.fail("remove", err)
	}
	return nil
}
