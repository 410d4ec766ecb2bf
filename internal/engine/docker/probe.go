// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"io"
	"time"

	"github.com/docker/docker/api/types/container"
)

const (
	// Pauses between runs of a health command: short at first, for what starts
	// fast, longer for what takes minutes anyway.
	minProbeGap = 500 * time.Millisecond
	maxProbeGap = 4 * time.Second
	// probeTimeout bounds a health command that names no time-out itself, as
	// Docker does.
	probeTimeout = 30 * time.Second
)

// probe runs a container's own health command until it succeeds, and closes
// healthy then. It never decides that a container is unhealthy: Docker does.
func (t *task) probe(ctx context.Context, r container.InspectResponse, healthy chan<- struct{}) {
	command := healthCommand(r.Config)
	if command == nil {
		return
	}
	timeout := r.Config.Healthcheck.Timeout
	if timeout == 0 {
		timeout = probeTimeout
	}
	for gap := minProbeGap; ; gap = min(gap*5/4, maxProbeGap) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(gap):
		}
		release, err := t.engine.probes.take(ctx, t.host.Name)
		if err != nil {
			return
		}
		ok := t.runHealthCommand(ctx, r.ID, command, timeout)
		release()
		if ok {
			close(healthy)
			return
		}
	}
}

// healthCommand is what a container's health check runs, nil when it has none.
func healthCommand(c *container.Config) []string {
	if c.Healthcheck == nil || len(c.Healthcheck.Test) < 2 {
		return nil
	}
	kind, rest := c.Healthcheck.Test[0], c.Healthcheck.Test[1:]
	switch kind {
	case "CMD":
		return rest
	case "CMD-SHELL":
		shell := []string{"/bin/sh", "-c"}
		if len(c.Shell) > 0 {
			shell = c.Shell
		}
		return append(append([]string(nil), shell...), rest[0])
	}
	return nil
}

// runHealthCommand runs a command in a container and tells whether it ended
// with 0 in time. That it could not be run is no success either.
func (t *task) runHealthCommand(ctx context.Context, id string, command []string, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	code, err := execute(ctx, t.api, id, command, nil, io.Discard)
	return err == nil && code == 0
}
