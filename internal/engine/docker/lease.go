// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// leased lets the container of a service with a lease begin with this program,
// which starts the service's own when it has the lease. Neither the program's
// place on the drive nor what the image begins with is part of the digest: the
// image's name is, and another version of this program replaces no container.
func (t *task) leased(ctx context.Context, s *stack.Service, body *createBody) error {
	if s.Lease == "" {
		return nil
	}
	if t.stack.AgentPath == "" {
		return errors.New("the program that keeps the lease of its data was not put on the shared drive")
	}
	var r image.InspectResponse
	err := pool.Retry(ctx, func() (err error) {
		r, err = t.api.ImageInspect(ctx, s.Image)
		return err
	})
	if err != nil {
		return fmt.Errorf("look what the image %s starts: %w", s.Image, err)
	}
	command := entryOf(body.config)
	if r.Config != nil {
		command = CommandOf(body.config, r.Config.Entrypoint, r.Config.Cmd)
	}
	if len(command) == 0 {
		return fmt.Errorf("neither the service nor its image %s says what to start: give a `command`", s.Image)
	}
	wrapped := agent.LeaseCommand(t.host.Name, command)
	body.config.Entrypoint, body.config.Cmd = wrapped[:1], wrapped[1:]
	body.host.Mounts = append(body.host.Mounts,
		Bind(t.stack.AgentPath, agent.LeaseProgram, true),
		Bind(s.Lease, agent.LeaseDirectory, false))
	return nil
}

// CommandOf joins what a container starts as Docker does: what the service says
// nothing of is the image's, but an entrypoint of its own drops the image's
// command.
func CommandOf(c *container.Config, entrypoint, command []string) []string {
	own := container.Config{Entrypoint: c.Entrypoint, Cmd: c.Cmd}
	if len(own.Entrypoint) == 0 {
		if len(own.Cmd) == 0 {
			own.Cmd = command
		}
		if own.Entrypoint == nil {
			own.Entrypoint = entrypoint
		}
	}
	return entryOf(&own)
}

// entryOf is what a container starts, whatever its image says. An entrypoint of
// one empty word is none.
func entryOf(c *container.Config) []string {
	entrypoint := c.Entrypoint
	if len(entrypoint) == 1 && entrypoint[0] == "" {
		entrypoint = nil
	}
	return append(append([]string(nil), entrypoint...), c.Cmd...)
}
