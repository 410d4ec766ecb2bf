// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// agentRepository is where a host keeps the agents' images that were made from
// the provider's own binary, tagged with its hash.
const agentRepository = "privateportals/agent"

// agentBinary is the program that becomes the agent's image, looked at once.
type agentBinary struct {
	path string // empty: the running executable

	once sync.Once
	info agent.Binary
	err  error
}

func (b *agentBinary) inspect() (agent.Binary, error) {
	b.once.Do(func() {
		if b.path == "" {
			if b.path, b.err = os.Executable(); b.err != nil {
				return
			}
		}
		b.info, b.err = agent.BinaryInfo(b.path)
	})
	return b.info, b.err
}

// fits says why the program cannot run on a host of the given architecture,
// nil if it can.
func (b *agentBinary) fits(arch string) error {
	info, err := b.inspect()
	switch {
	case err != nil:
		return err
	case info.Arch != arch:
		return fmt.Errorf("the provider is made for %s, and the host is %s", info.Arch, arch)
	case !info.Static:
		return fmt.Errorf("the provider's binary %s needs libraries", b.path)
	}
	return nil
}

// AgentImage makes sure that a host of the pool has the agent's image, and names it.
func (e *Engine) AgentImage(ctx context.Context, host string) (string, error) {
	p, err := e.pool.On(host)
	if err != nil {
		return "", err
	}
	h := p.Hosts()[0]
	c, err := h.Client(ctx)
	if err != nil {
		return "", err
	}
	return e.agentImage(ctx, h, c)
}

// agentImage makes sure that the host has the agent's image, and names it. It
// is made from the provider's own binary, which needs no registry; the
// published one serves hosts of another platform.
func (e *Engine) agentImage(ctx context.Context, h *pool.Host, c *client.Client) (string, error) {
	server, err := c.ServerVersion(ctx)
	if err != nil {
		return "", err
	}
	unfit := e.agent.fits(server.Arch)
	if unfit == nil {
		info, _ := e.agent.inspect()
		ref := agentRepository + ":" + shortID(info.SHA256)
		_, err, _ := e.pulls.Do(h.Name+" "+ref, func() (any, error) {
			return nil, e.importAgent(ctx, c, ref)
		})
		return ref, err
	}
	if e.options.AgentImage == "" {
		return "", fmt.Errorf("%w; and there is no published image to use instead", unfit)
	}
	if err := e.pullIfAbsent(ctx, h, c, e.options.AgentImage); err != nil {
		return "", &engine.Error{
			Op: "get the file agent's image " + e.options.AgentImage, Host: h.Name,
			Err:    fmt.Errorf("%w (it is needed because %w)", err, unfit),
			Remedy: pullRemedy(h, e.options.AgentImage, err),
		}
	}
	return e.options.AgentImage, nil
}

// importAgent makes the image unless it is there. It looks again before it
// repeats an import whose answer was lost.
func (e *Engine) importAgent(ctx context.Context, c *client.Client, ref string) error {
	return pool.Retry(ctx, func() error {
		id, err := imageID(ctx, c, ref)
		if err != nil || id != "" {
			return err
		}
		tar, err := agent.ImageTar(e.agent.path)
		if err != nil {
			return err
		}
		defer tar.Close()
		body, err := c.ImageImport(ctx, image.ImportSource{Source: tar, SourceName: "-"}, ref, image.ImportOptions{
			Message: "file agent of terraform-provider-portal",
			Changes: []string{"LABEL " + agent.LabelRole + "=" + agent.RoleAgent},
		})
		if err != nil {
			return err
		}
		defer body.Close()
		if err := readProgress(body); err != nil {
			return errors.Join(errors.New("import the image"), err)
		}
		pruneAgents(ctx, c)
		return nil
	})
}

// agentImageAge is how long a host keeps the image of an agent that nobody
// uses. Another provider of another version may need it now and then.
const agentImageAge = "24h"

// pruneAgents removes images that former versions of the provider left. It is
// housekeeping: whether it succeeds matters to nobody.
func pruneAgents(ctx context.Context, c *client.Client) {
	_, _ = c.ImagesPrune(ctx, filters.NewArgs(
		filters.Arg("label", agent.LabelRole+"="+agent.RoleAgent),
		filters.Arg("until", agentImageAge),
		filters.Arg("dangling", "false"),
	))
}
