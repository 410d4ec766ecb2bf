// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// start starts a container. A start whose answer is lost is not simply made
// again, for a short task would run twice: the container tells whether it has
// started since.
func (t *task) start(ctx context.Context) error {
	before := ""
	if t.op.ContainerID != "" {
		r, err := inspect(ctx, t.api, t.ref())
		if err != nil {
			return t.fail("start", err)
		}
		before = r.State.StartedAt
	}
	tried := false
	err := pool.Retry(ctx, func() error {
		if tried {
			r, err := inspect(ctx, t.api, t.ref())
			if err != nil {
				return err
			}
			if r.State.Running || startedSince(r.State, before) {
				return nil
			}
		}
		tried = true
		return t.api.ContainerStart(ctx, t.ref(), container.StartOptions{})
	})
	switch {
	case err == nil:
		return nil
	case leftInTheWay(err):
		err = t.discard(ctx, err)
	}
	return t.fail("start", err)
}

// leftInTheWay tells whether a container cannot be started because dockerd was
// killed while it started it: the runtime has its process, dockerd does not
// know of it, and every further attempt ends like this.
func leftInTheWay(err error) bool {
	return strings.Contains(err.Error(), "task ") && strings.Contains(err.Error(), ": already exists")
}

// discard removes a container that cannot be started any more, so that another
// is made when the portal was observed again.
func (t *task) discard(ctx context.Context, cause error) error {
	err := t.api.ContainerRemove(ctx, t.ref(), container.RemoveOptions{Force: true})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return errors.Join(cause, err)
	}
	return fmt.Errorf("%w: it was left in the way by a start that dockerd did not survive, and was removed: %w", engine.ErrConflict, cause)
}

// startedSince tells whether a container started after its start time was
// before; empty means that it had never started. An attempt that the runtime
// refused leaves no start time.
func startedSince(s *container.State, before string) bool {
	if parseTime(s.StartedAt).IsZero() || s.Error != "" {
		return false
	}
	return s.StartedAt != before
}

// stop stops a container with the signal and within the grace period that it
// was made with. One that is gone is stopped.
func (t *task) stop(ctx context.Context) error {
	err := t.api.ContainerStop(ctx, t.ref(), container.StopOptions{})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return t.fail("stop", err)
	}
	return nil
}

// restart stops and starts a container.
func (t *task) restart(ctx context.Context) error {
	if err := t.api.ContainerRestart(ctx, t.ref(), container.StopOptions{}); err != nil {
		return t.fail("restart", err)
	}
	return nil
}

// unpause lets a paused container go on.
func (t *task) unpause(ctx context.Context) error {
	err := t.api.ContainerUnpause(ctx, t.ref())
	if err != nil && !strings.Contains(err.Error(), "is not paused") {
		return t.fail("unpause", err)
	}
	return nil
}

// remove removes a stopped container, and never its volumes.
func (t *task) remove(ctx context.Context) error {
	err := t.api.ContainerRemove(ctx, t.ref(), container.RemoveOptions{})
	if cerrdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress") {
		err = t.waitGone(ctx)
	}
	if err != nil && !cerrdefs.IsNotFound(err) {
		return t.fail("remove", err)
	}
	return nil
}

// rename gives a container the name op.Target. When an answer is lost, the
// repeated call fails although the first one did it; so who has the new name
// decides.
func (t *task) rename(ctx context.Context) error {
	err := t.api.ContainerRename(ctx, t.ref(), t.op.Target)
	if err == nil {
		return nil
	}
	holder, inspectErr := inspect(ctx, t.api, t.op.Target)
	if inspectErr != nil {
		return t.fail("rename to "+t.op.Target, err)
	}
	l := holder.Config.Labels
	switch {
	case holder.ID == t.op.ContainerID:
		return nil
	case t.op.ContainerID == "" && cerrdefs.IsNotFound(err) && l[pool.LabelPortal] == t.stack.Portal && l[pool.LabelService] == t.op.Service:
		return nil
	}
	return t.failWith("rename", fmt.Sprintf("Rename or remove container %s, and apply again.", shortID(holder.ID)), held("container", t.op.Target, holder.ID, "made from image "+holder.Config.Image))
}

// updateLimits puts limits and the restart policy back to the desired ones.
// Docker cannot lift a limit of memory or CPUs from a container: zero means
// "leave it" there.
func (t *task) updateLimits(ctx context.Context) error {
	s := t.service()
	if s == nil {
		return t.fail("update the limits of", fmt.Errorf("the stack has no service %q", t.op.Service))
	}
	r, err := inspect(ctx, t.api, t.ref())
	if err != nil {
		return t.fail("inspect", err)
	}
	update, err := updateOf(s, r.HostConfig)
	if err != nil {
		return t.failWith("update the limits of", fmt.Sprintf("Remove the container (\"docker rm -f %s\") and apply again: it is made anew.", t.op.Container), err)
	}
	if _, err := t.api.ContainerUpdate(ctx, t.ref(), update); err != nil {
		return t.fail("update the limits of", err)
	}
	return nil
}

// updateOf says how to put the settings of s back on a container.
func updateOf(s *stack.Service, is *container.HostConfig) (container.UpdateConfig, error) {
	u := container.UpdateConfig{Resources: resources(s.Resources), RestartPolicy: restartPolicy(s.Restart)}
	if u.PidsLimit == nil {
		unlimited := int64(-1)
		u.PidsLimit = &unlimited
	}
	if is.NanoCPUs == 0 && is.CPUQuota > 0 && u.NanoCPUs > 0 {
		// Docker refuses NanoCPUs beside a quota that was set by hand.
		u.CPUPeriod, u.CPUQuota, u.NanoCPUs = 100_000, u.NanoCPUs/10_000, 0
	}
	now := settingsOf(is).Resources
	want := s.Resources
	if now.Memory > 0 && want.Memory == 0 || now.MemoryReservation > 0 && want.MemoryReservation == 0 || now.CPUs > 0 && want.CPUs == 0 {
		return u, errors.New("a limit was set by hand that the service does not have, and Docker cannot lift limits")
	}
	return u, nil
}
