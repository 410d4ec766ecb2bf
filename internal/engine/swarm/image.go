// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ensureImage finds out which image op.Target is, so that all nodes run the same
// one. An image that no registry has must be on the nodes; it is looked for on the
// manager alone.
func (t *task) ensureImage(ctx context.Context) error {
	if _, err := t.engine.pinned(ctx, t.op.Target); err == nil {
		return nil
	}
	return t.onManager(ctx, t.op)
}

// pinned is an image with the digest that its registry has for it.
func (e *Engine) pinned(ctx context.Context, image string) (string, error) {
	if known, ok := e.digests.Load(image); ok {
		text, _ := known.(string)
		return text, nil
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", err
	}
	auth, err := e.pool.RegistryAuth(image)
	if err != nil {
		return "", err
	}
	out := image
	if _, ok := named.(reference.Digested); !ok {
		err = e.do(ctx, func(ctx context.Context, c *client.Client) error {
			r, err := c.DistributionInspect(ctx, image, auth)
			if err == nil {
				out = image + "@" + r.Descriptor.Digest.String()
			}
			return err
		})
	}
	if err == nil {
		e.digests.Store(image, out)
	}
	return out, err
}

// onManager lets engine docker carry an operation out on the manager: to get an
// image there, and to say what is wrong if it cannot be had.
func (t *task) onManager(ctx context.Context, op *stack.Operation) error {
	h, _, err := t.engine.find(ctx)
	if err != nil {
		return t.fail("reach a manager", err)
	}
	on, err := t.engine.plain.On(h.Name)
	if err != nil {
		return err
	}
	return on.Run(ctx, t.stack, op)
}

// leaseWrap lets the containers of a service with a lease begin with this program;
// nil for a service without one. It has to know what the image starts, so that the
// manager gets the image too.
func (t *task) leaseWrap(ctx context.Context, s *stack.Service) (func(*swarm.ContainerSpec), error) {
	if s.Lease == "" {
		return nil, nil
	}
	if t.stack.AgentPath == "" {
		return nil, errors.New("the program that keeps the lease of its data was not put on the shared drive")
	}
	get := *t.op
	get.Kind, get.Target = stack.EnsureImage, s.Image
	if err := t.onManager(ctx, &get); err != nil {
		return nil, err
	}
	var entrypoint, command []string
	err := t.engine.do(ctx, func(ctx context.Context, c *client.Client) error {
		r, err := c.ImageInspect(ctx, s.Image)
		if err == nil && r.Config != nil {
			entrypoint, command = r.Config.Entrypoint, r.Config.Cmd
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look what the image %s starts: %w", s.Image, err)
	}
	starts := docker.CommandOf(&container.Config{Entrypoint: s.Entrypoint, Cmd: s.Command}, entrypoint, command)
	if len(starts) == 0 {
		return nil, fmt.Errorf("neither the service nor its image %s says what to start: give a `command`", s.Image)
	}
	return func(c *swarm.ContainerSpec) {
		wrapped := agent.LeaseCommand("", starts)
		c.Command, c.Args = wrapped[:1], wrapped[1:]
		c.Env = append(c.Env, agent.LeaseHostVariable+"={{.Node.Hostname}}")
		c.Mounts = append(c.Mounts, docker.Bind(t.stack.AgentPath, agent.LeaseProgram, true), docker.Bind(s.Lease, agent.LeaseDirectory, false))
	}, nil
}
