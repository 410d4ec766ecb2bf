// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

const (
	managerSocket = "/var/run/docker.sock"
)

// SyncSchedulers implements engine.Engine: one scheduler for the whole Swarm, a
// service on its managers, which Swarm starts elsewhere when a manager fails.
func (e *Engine) SyncSchedulers(ctx context.Context) error {
	name := agent.SchedulerName(path.Clean(e.options.StoragePath))
	if err := e.syncScheduler(ctx, name); err != nil {
		return fail("run the scheduler", engine.Error{Container: name}, err)
	}
	return nil
}

func (e *Engine) syncScheduler(ctx context.Context, name string) error {
	var scheduled []swarm.Service
	var is *swarm.Service
	err := e.do(ctx, func(ctx context.Context, c *client.Client) (err error) {
		scheduled, err = c.ServiceList(ctx, swarm.ServiceListOptions{Filters: filters.NewArgs(filters.Arg("label", pool.LabelSchedule))})
		if err != nil {
			return err
		}
		s, _, err := c.ServiceInspectWithRaw(ctx, name, swarm.ServiceInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return nil
		}
		is = &s
		return err
	})
	if err != nil {
		return err
	}
	wanted := slices.ContainsFunc(scheduled, func(s swarm.Service) bool { return e.onDrive(s.Spec.Labels) })
	switch {
	case is != nil && is.Spec.Labels[pool.LabelRole] != agent.RoleScheduler:
		if !wanted {
			return nil
		}
		return errors.New("the name is held by a service that is not the scheduler")
	case !wanted && is == nil:
		return nil
	case !wanted:
		return e.do(ctx, func(ctx context.Context, c *client.Client) error { return c.ServiceRemove(ctx, is.ID) })
	}
	image, err := e.agentImage(ctx)
	if err != nil {
		return err
	}
	return e.applyScheduler(ctx, is, e.schedulerSpec(name, image))
}

// agentImage lets all managers that answer have the agent's image: the scheduler may
// come to run on any of them.
func (e *Engine) agentImage(ctx context.Context) (string, error) {
	hosts := e.pool.Hosts()
	images, errs := make([]string, len(hosts)), make([]error, len(hosts))
	var all errgroup.Group
	for i, h := range hosts {
		all.Go(func() error {
			images[i], errs[i] = e.plain.AgentImage(ctx, h.Name)
			return nil
		})
	}
	_ = all.Wait()
	for _, image := range images {
		if image != "" {
			return image, nil
		}
	}
	return "", errors.Join(errs...)
}

func (e *Engine) applyScheduler(ctx context.Context, is *swarm.Service, spec swarm.ServiceSpec) error {
	if is != nil && is.Spec.Labels[pool.LabelDigest] == spec.Labels[pool.LabelDigest] {
		return nil
	}
	err := e.do(ctx, func(ctx context.Context, c *client.Client) error {
		if is == nil {
			_, err := c.ServiceCreate(ctx, spec, swarm.ServiceCreateOptions{})
			return err
		}
		_, err := c.ServiceUpdate(ctx, is.ID, is.Version, spec, swarm.ServiceUpdateOptions{})
		return err
	})
	if cerrdefs.IsConflict(err) {
		return nil // another process did the same at this moment
	}
	return err
}

// schedulerSpec is the scheduler as a service. It has the engine's socket, which is
// as much as the Swarm; so it has nothing else.
func (e *Engine) schedulerSpec(name, image string) swarm.ServiceSpec {
	grace, delay := time.Minute, retryDelay
	spec := swarm.ServiceSpec{
		Annotations: swarm.Annotations{Name: name, Labels: map[string]string{pool.LabelRole: agent.RoleScheduler}},
		Mode:        swarm.ServiceMode{Replicated: &swarm.ReplicatedService{Replicas: count(1)}},
		TaskTemplate: swarm.TaskSpec{
			ContainerSpec: &swarm.ContainerSpec{
				Image: image, User: "0:0",
				Command: []string{agent.Entrypoint}, Args: agent.SwarmSchedulerCommand(e.options.StoragePath, Host, agent.DefaultRuns),
				Labels:   map[string]string{pool.LabelRole: agent.RoleScheduler},
				ReadOnly: true, CapabilityDrop: []string{"ALL"}, CapabilityAdd: agent.SchedulerCapabilities,
				StopGracePeriod: &grace,
				Healthcheck:     &container.HealthConfig{Test: append([]string{"CMD"}, agent.SchedulerHealth()...)},
				Mounts: []mount.Mount{
					docker.Bind(e.options.StoragePath, agent.MountPoint, false), docker.Bind(managerSocket, agent.DockerSocket, false),
					{Type: mount.TypeTmpfs, Target: "/tmp", TmpfsOptions: &mount.TmpfsOptions{SizeBytes: 1 << 20, Mode: 0o1777}},
				},
			},
			Resources:     &swarm.ResourceRequirements{Limits: &swarm.Limit{MemoryBytes: agent.SchedulerMemory, Pids: agent.SchedulerPIDs}},
			RestartPolicy: &swarm.RestartPolicy{Condition: swarm.RestartPolicyConditionAny, Delay: &delay},
			Placement:     &swarm.Placement{Constraints: []string{onManagers}},
			LogDriver:     &swarm.Driver{Name: "json-file", Options: map[string]string{"max-size": "10m", "max-file": "3"}},
		},
		UpdateConfig: &swarm.UpdateConfig{Parallelism: 1, Order: swarm.UpdateOrderStopFirst, FailureAction: swarm.UpdateFailureActionPause},
	}
	text, _ := json.Marshal(spec) // plain data
	sum := sha256.Sum256(text)
	spec.Labels[pool.LabelDigest] = hex.EncodeToString(sum[:8])
	return spec
}
