// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

const (
	// defaultSocket is where a host has its engine's socket, unless the provider
	// itself reaches it by another.
	defaultSocket = "/var/run/docker.sock"
)

// SyncSchedulers implements engine.Engine. A host that cannot be reached has
// none of what was changed, unless it is the only one.
func (e *Engine) SyncSchedulers(ctx context.Context) error {
	hosts := e.pool.Hosts()
	var all errgroup.Group
	for _, h := range hosts {
		all.Go(func() error {
			err := e.syncScheduler(ctx, h)
			if err == nil || len(hosts) > 1 && pool.IsUnreachable(err) {
				return nil
			}
			return fail(h, "run the scheduler", engine.Error{Container: e.schedulerName()}, err)
		})
	}
	return all.Wait()
}

func (e *Engine) schedulerName() string {
	return agent.SchedulerName(path.Clean(e.options.StoragePath))
}

// hasSchedule tells whether a container is a task with a schedule, of a portal
// on this engine's drive.
func (e *Engine) hasSchedule(l pool.Container) bool {
	return l.Labels[pool.LabelSchedule] != "" && OnDrive(l.Labels, e.options.StoragePath)
}

func (e *Engine) syncScheduler(ctx context.Context, h *pool.Host) error {
	list, err := h.Find(ctx, filters.NewArgs(filters.Arg("label", pool.LabelSchedule)))
	if err != nil {
		return err
	}
	named, err := h.Find(ctx, filters.NewArgs(filters.Arg("name", "^/"+e.schedulerName()+"$")))
	if err != nil {
		return err
	}
	list = append(list, named...)
	c, err := h.Client(ctx)
	if err != nil {
		return err
	}
	name := e.schedulerName()
	there := slices.IndexFunc(list, func(l pool.Container) bool { return l.Name == name })
	if !slices.ContainsFunc(list, e.hasSchedule) {
		if there < 0 || list[there].Labels[pool.LabelRole] != agent.RoleScheduler {
			return nil
		}
		defer h.Changed()
		return removeScheduler(ctx, c, name)
	}
	image, err := e.agentImage(ctx, h, c)
	if err != nil {
		return err
	}
	body := e.schedulerBody(h, image)
	if there >= 0 {
		r, err := inspect(ctx, c, list[there].ID)
		if err != nil && !cerrdefs.IsNotFound(err) {
			return err
		}
		if err == nil && r.State.Running && r.Config.Labels[pool.LabelDigest] == body.config.Labels[pool.LabelDigest] {
			return nil
		}
	}
	defer h.Changed()
	if there >= 0 && list[there].Labels[pool.LabelRole] == agent.RoleScheduler {
		// Runs go on without it; the next one waits for their end.
		if err := removeScheduler(ctx, c, name); err != nil {
			return err
		}
	}
	return startScheduler(ctx, c, name, body)
}

// startScheduler makes and starts the container. Another process may do the
// same at this moment: one of them gets the name, and both mean the same.
func startScheduler(ctx context.Context, c *client.Client, name string, body createBody) error {
	return pool.Retry(ctx, func() error {
		_, err := c.ContainerCreate(ctx, body.config, body.host, nil, nil, name)
		if err != nil && !cerrdefs.IsConflict(err) {
			return err
		}
		if err != nil {
			r, inspectErr := inspect(ctx, c, name)
			if inspectErr != nil {
				return inspectErr
			}
			if r.Config.Labels[pool.LabelRole] != agent.RoleScheduler {
				return held("container", name, r.ID, "made from image "+r.Config.Image)
			}
		}
		return c.ContainerStart(ctx, name, container.StartOptions{})
	})
}

// removeScheduler lets the scheduler end in order, and removes it.
func removeScheduler(ctx context.Context, c *client.Client, name string) error {
	if err := c.ContainerStop(ctx, name, container.StopOptions{}); err != nil && !cerrdefs.IsNotFound(err) {
		return err
	}
	if err := c.ContainerRemove(ctx, name, container.RemoveOptions{Force: true}); err != nil && !cerrdefs.IsNotFound(err) {
		return err
	}
	return nil
}

// schedulerBody is the create call of a scheduler's container. It has the
// engine's socket, which is as much as the host; so it has nothing else: no
// port, no network of a portal, no capability but that over the records on the
// drive.
func (e *Engine) schedulerBody(h *pool.Host, image string) createBody {
	pids := int64(agent.SchedulerPIDs)
	b := createBody{
		config: &container.Config{
			Image:      image,
			User:       "0:0",
			Entrypoint: []string{agent.Entrypoint},
			Cmd:        agent.SchedulerCommand(e.options.StoragePath, h.Name, agent.DefaultRuns),
			Labels:     map[string]string{agent.LabelRole: agent.RoleScheduler},
			Healthcheck: &container.HealthConfig{
				Test: append([]string{"CMD"}, agent.SchedulerHealth()...),
			},
		},
		host: &container.HostConfig{
			NetworkMode:    "bridge", // for webhooks
			RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
			ReadonlyRootfs: true,
			Tmpfs:          map[string]string{"/tmp": "mode=1777,size=1m"},
			CapDrop:        []string{"ALL"},
			CapAdd:         agent.SchedulerCapabilities,
			SecurityOpt:    []string{"no-new-privileges"},
			LogConfig:      container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}},
			Resources:      container.Resources{PidsLimit: &pids, Memory: agent.SchedulerMemory},
			Mounts: []mount.Mount{
				{
					Type: mount.TypeBind, Source: e.options.StoragePath, Target: agent.MountPoint,
					BindOptions: &mount.BindOptions{Propagation: mount.PropagationRPrivate},
				},
				{Type: mount.TypeBind, Source: engineSocket(h), Target: agent.DockerSocket},
			},
		},
	}
	text, _ := json.Marshal([]any{b.config, b.host}) // plain data: it never fails
	sum := sha256.Sum256(text)
	b.config.Labels[pool.LabelDigest] = hex.EncodeToString(sum[:8])
	return b
}

// engineSocket is the path of the engine's socket on its own host.
func engineSocket(h *pool.Host) string {
	return cmp.Or(h.Socket, defaultSocket)
}
