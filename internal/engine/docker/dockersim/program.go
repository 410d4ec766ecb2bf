// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// Program stands for what runs in a container. It returns the exit code, and
// ends when ctx does. Its streams are those of who attached; without anybody,
// input is empty and output goes nowhere.
type Program func(ctx context.Context, s Streams) int

// Streams are a program's standard input, output and error output.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Process is what a program is chosen by.
type Process struct {
	Config *container.Config
	// Binds are the host's directories by where they are in the container.
	Binds map[string]string
}

func processOf(c *simContainer) Process {
	p := Process{Config: c.config, Binds: map[string]string{}}
	for _, m := range c.mounts {
		if m.Type == mount.TypeBind {
			p.Binds[m.Destination] = m.Source
		}
	}
	return p
}

// Programs are those that this program's own containers run: the file agent is
// the real one, on the real directory that its container mounts; a task ends
// well at once; anything else runs until it is stopped, which nil stands for.
func Programs(p Process) Program {
	switch {
	case p.Config.Labels[pool.LabelTask] != "":
		return func(context.Context, Streams) int { return 0 }
	case p.Config.Labels[agent.LabelRole] == agent.RoleAgent:
		return func(ctx context.Context, s Streams) int { return fileAgent(ctx, p, s) }
	}
	return nil
}

// fileAgent is the file agent, outside of a container.
func fileAgent(ctx context.Context, p Process, s Streams) int {
	args := slices.Clone(p.Config.Cmd)
	if len(args) > 2 && args[0] == "agent" && args[1] == "files" {
		args = args[2:]
	}
	for i, a := range args {
		if source, ok := p.Binds[a]; ok && i > 0 && args[i-1] == "--root" {
			args[i] = source
		}
	}
	if err := agent.Files(ctx, args, s.In, s.Out); err != nil {
		fmt.Fprintln(s.Err, "agent:", err)
		return 1
	}
	return 0
}

// exitCode is what a health check or a command in a container ends with: the
// command "false" fails, any other succeeds.
func exitCode(command []string) int {
	if len(command) == 1 && command[0] == "false" {
		return 1
	}
	return 0
}
