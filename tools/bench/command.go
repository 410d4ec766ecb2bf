// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/privateportals/terraform-provider-portal/tools/usage"
)

// commander runs a tool's commands and remembers the most memory they took.
type commander struct {
	environment []string
	socket      string // the engine's, or a counter's before it
	peak        int64  // bytes, of the command
	// helper is the path of a program that the command starts and whose
	// memory counts apart; empty when there is none. It is watched in counted
	// runs alone: watching costs time.
	helper     string
	counted    bool
	helperPeak int64 // bytes
}

// through sends what follows to the engine at this socket.
func (c *commander) through(socket string, counted bool) { c.socket, c.counted = socket, counted }

func (c *commander) exec(ctx context.Context, command []string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], arguments...)...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix://"+c.socket)
	cmd.Env = append(cmd.Env, c.environment...)
	// On an interrupt the tool gets time to end in order.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err
	}
	watched := func() usage.Usage { return usage.Usage{} }
	if c.counted && c.helper != "" {
		watched = usage.Watch(c.helper, 25*time.Millisecond)
	}
	err := cmd.Wait()
	c.helperPeak = max(c.helperPeak, watched().Memory)
	if own, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = max(c.peak, own.Maxrss*1024)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, output.String())
	}
	return nil
}
