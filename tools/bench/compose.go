// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// compose does the work by docker compose.
type compose struct {
	workload
	command []string // "docker compose", or the path of a docker-compose
	commander
}

// findCompose returns how to call docker compose here, nil when it is not
// installed.
func findCompose(ctx context.Context, call string) (command []string, version string) {
	command = strings.Fields(call)
	out, err := exec.CommandContext(ctx, command[0], append(command[1:], "version", "--short")...).Output()
	if err != nil {
		return nil, ""
	}
	return command, strings.TrimSpace(string(out))
}

func (c *compose) name() string { return "docker compose" }

func (c *compose) project(id string) string { return c.run + "-compose-" + id }

func (c *compose) file(id string) string {
	return filepath.Join(c.dir, c.project(id)+".yaml")
}

func (c *compose) prepare(_ context.Context, id string) error {
	project := c.project(id)
	if err := makeBinds(c.workload, project); err != nil {
		return err
	}
	text := c.composeFile(project, false) +
		"networks:\n  default:\n    ipam:\n      config:\n        - subnet: " + c.subnets.next() + "\n"
	return os.WriteFile(c.file(id), []byte(text), 0o644)
}

func (c *compose) up(ctx context.Context, id string) error {
	return c.exec(ctx, c.command, "-p", c.project(id), "-f", c.file(id), "--progress", "quiet", "up", "-d")
}

func (c *compose) create(ctx context.Context, id string) error { return c.up(ctx, id) }

func (c *compose) read(ctx context.Context, id string) error { return c.up(ctx, id) }

func (c *compose) destroy(ctx context.Context, id string) error {
	return c.exec(ctx, c.command, "-p", c.project(id), "-f", c.file(id), "--progress", "quiet", "down")
}
