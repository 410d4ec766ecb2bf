// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
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
	watched := func() int64 { return 0 }
	if c.counted && c.helper != "" {
		watched = watchMemory(c.helper)
	}
	err := cmd.Wait()
	c.helperPeak = max(c.helperPeak, watched())
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = max(c.peak, usage.Maxrss*1024)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, output.String())
	}
	return nil
}

// watchMemory watches the processes that run the program. stop ends it and
// returns their highest peak (VmHWM) in bytes. The kernel keeps the peak of a
// process, so a look now and then misses little.
func watchMemory(program string) (stop func() int64) {
	done, highest := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			links, _ := filepath.Glob("/proc/[0-9]*/exe")
			for _, link := range links {
				if target, err := os.Readlink(link); err == nil && target == program {
					peak = max(peak, memoryPeak(filepath.Dir(link)))
				}
			}
			select {
			case <-done:
				highest <- peak
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-highest
	}
}

func memoryPeak(process string) int64 {
	status, err := os.ReadFile(filepath.Join(process, "status"))
	if err != nil {
		return 0 // it has ended
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return kib * 1024
		}
	}
	return 0
}
