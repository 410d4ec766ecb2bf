// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// agentPrefix begins the names of agents' containers.
	agentPrefix = "portal-agent-"
	// staleAgent is the age of an agent's container that does not run and never
	// will: whoever made it was killed, or the daemon before it removed it.
	staleAgent = time.Minute
	// agentPIDs bounds the threads of an agent.
	agentPIDs = 256
)

// Agent implements engine.Engine. ctx bounds the start alone.
func (e *Engine) Agent(ctx context.Context, portal string) (engine.Agent, error) {
	h, c, err := e.placeAgent(ctx, portal)
	if err != nil {
		return engine.Agent{}, err
	}
	about := engine.Error{Portal: portal}
	e.removeStaleAgents(ctx, h, c)
	image, err := e.agentImage(ctx, h, c)
	if err != nil {
		return engine.Agent{}, fail(h, "get the file agent's image", about, err)
	}
	var pipe *agentPipe
	err = pool.Retry(ctx, func() (err error) {
		pipe, err = startAgent(ctx, c, e.agentBody(image, portal))
		return err
	})
	if err != nil {
		return engine.Agent{}, fail(h, "start the file agent", e.agentRemedy(about, h, err), err)
	}
	return engine.Agent{ReadWriteCloser: pipe, Host: h.Name}, nil
}

// placeAgent finds the host for an agent: that of the portal, or, for one that
// reads the whole drive, the first that answers.
func (e *Engine) placeAgent(ctx context.Context, portal string) (*pool.Host, *client.Client, error) {
	if portal != "" {
		return e.place(ctx, portal)
	}
	type answer struct {
		host   *pool.Host
		client *client.Client
		err    error
	}
	hosts := e.pool.Hosts()
	answers := make(chan answer, len(hosts))
	for _, h := range hosts {
		go func() {
			c, err := h.Client(ctx)
			answers <- answer{h, c, err}
		}()
	}
	var failures []error
	for range hosts {
		a := <-answers
		if a.err == nil {
			return a.host, a.client, nil
		}
		failures = append(failures, a.err)
	}
	return nil, nil, fail(nil, "find a host for the file agent", engine.Error{}, errors.Join(failures...))
}

// agentRemedy says what to do when the drive is not where it should be.
func (e *Engine) agentRemedy(about engine.Error, h *pool.Host, err error) engine.Error {
	if strings.Contains(err.Error(), "bind source path does not exist") {
		about.Remedy = fmt.Sprintf("The storage path %s is not there on host %q. Mount the shared drive there, or make the folder (\"mkdir -p %s\"), or set the provider's storage.path.",
			e.options.StoragePath, h.Name, e.options.StoragePath)
	}
	return about
}

// agentBody is the create call of an agent's container. It has no network, no
// rights but those over files, and nothing to write to but the drive; without a
// portal, not that either. What it says goes to the provider alone: no log of it
// stays on the host.
func (e *Engine) agentBody(image, portal string) createBody {
	pids := int64(agentPIDs)
	return createBody{
		config: &container.Config{
			Image:      image,
			User:       "0:0",
			Entrypoint: []string{agent.Entrypoint},
			Cmd:        agent.FilesCommand(portal, e.options.StoragePath),
			Labels:     map[string]string{agent.LabelRole: agent.RoleAgent},
			OpenStdin:  true, StdinOnce: true,
			AttachStdin: true, AttachStdout: true, AttachStderr: true,
		},
		host: &container.HostConfig{
			NetworkMode:    "none",
			AutoRemove:     true,
			ReadonlyRootfs: true,
			CapDrop:        []string{"ALL"},
			CapAdd:         agent.Capabilities(portal),
			SecurityOpt:    []string{"no-new-privileges"},
			LogConfig:      container.LogConfig{Type: "none"},
			Resources:      container.Resources{PidsLimit: &pids},
			Mounts: []mount.Mount{{
				Type: mount.TypeBind, Source: e.options.StoragePath, Target: agent.MountPoint, ReadOnly: portal == "",
				BindOptions: &mount.BindOptions{Propagation: mount.PropagationRPrivate},
			}},
		},
	}
}

// startAgent makes, attaches to, and starts a container. After a failure the
// whole is to be done anew: a lost attachment would have closed its input.
func startAgent(ctx context.Context, c *client.Client, body createBody) (_ *agentPipe, err error) {
	name, err := agentName()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			removeAgent(ctx, c, name)
		}
	}()
	if _, err := c.ContainerCreate(ctx, body.config, body.host, nil, nil, name); err != nil {
		return nil, err
	}
	conn, err := c.ContainerAttach(ctx, name, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, err
	}
	if err := c.ContainerStart(ctx, name, container.StartOptions{}); err != nil {
		conn.Close()
		return nil, err
	}
	return newAgentPipe(conn, func() { removeAgent(context.Background(), c, name) }), nil
}

func agentName() (string, error) {
	var random [6]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make a name for the agent: %w", err)
	}
	return agentPrefix + hex.EncodeToString(random[:]), nil
}

// removeAgent makes an end of an agent's container, if it is there. Nothing
// depends on its success: the agent ends by itself, and what is left of it is
// removed later.
func removeAgent(ctx context.Context, c *client.Client, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterthought)
	defer cancel()
	_ = c.ContainerRemove(ctx, name, container.RemoveOptions{Force: true})
}

// removeStaleAgents removes agents' containers that were never started, and those
// that a daemon did not remove when they ended, because it was killed. A host is
// looked at once in a run.
func (e *Engine) removeStaleAgents(ctx context.Context, h *pool.Host, c *client.Client) {
	if _, looked := e.swept.LoadOrStore(h.Name, true); looked {
		return
	}
	list, err := h.List(ctx)
	if err != nil {
		return // the start of the agent will tell
	}
	for _, l := range list {
		if isStaleAgent(l) {
			removeAgent(ctx, c, l.ID)
			h.Changed()
		}
	}
}

func isStaleAgent(c pool.Container) bool {
	return c.Labels[pool.LabelRole] == agent.RoleAgent && c.State != string(stack.Running) && c.State != string(stack.Paused) &&
		time.Since(c.Created) > staleAgent
}
