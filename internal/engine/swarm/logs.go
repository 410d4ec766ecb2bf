// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
)

const (
	// logLines of the output go into an error.
	logLines = 30
	// logPatience bounds the wait for nodes to send their part of a log: one that is
	// down never does.
	logPatience = 5 * time.Second
	// afterthought bounds what is still done after the caller gave up.
	afterthought = 20 * time.Second
)

// Logs implements engine.Engine: what the newest replica of a service wrote, and
// others that run.
func (e *Engine) Logs(ctx context.Context, service string, lines int) (log string, err error) {
	err = e.do(ctx, func(ctx context.Context, c *client.Client) error {
		log, err = readLog(ctx, c, service, "", lines)
		return err
	})
	if err != nil {
		return "", fail("read the log of", engine.Error{Container: service}, err)
	}
	return log, nil
}

// readLog reads the last lines of a task or, when it is empty, of a whole service.
func readLog(ctx context.Context, c *client.Client, service, task string, lines int) (string, error) {
	s, _, err := c.ServiceInspectWithRaw(ctx, service, swarm.ServiceInspectOptions{})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	o := container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)}
	var body io.ReadCloser
	if task != "" {
		body, err = c.TaskLogs(ctx, task, o)
	} else {
		body, err = c.ServiceLogs(ctx, service, o)
	}
	if err != nil {
		return "", err
	}
	defer body.Close()
	spec := s.Spec.TaskTemplate.ContainerSpec
	log, err := docker.LogText(body, spec != nil && spec.TTY)
	if log != "" || ctx.Err() != nil {
		err = nil // what came is what there is
	}
	return log, err
}
