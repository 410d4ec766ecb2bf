// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Pause stops the engine where it is: it accepts connections and answers
// nothing. Containers go on. Resume undoes it.
func (h *Host) Pause() error { return h.engine.process().signal(syscall.SIGSTOP) }

// Freeze stops all of the host where it is, its containers too. Resume undoes
// it.
func (h *Host) Freeze() error {
	return errors.Join(h.cgroup.freeze(true), h.signalPrograms(syscall.SIGSTOP))
}

// Resume undoes Pause and Freeze.
func (h *Host) Resume() error {
	return errors.Join(h.signalPrograms(syscall.SIGCONT), h.cgroup.freeze(false))
}

func (h *Host) signalPrograms(s syscall.Signal) error {
	for _, p := range h.port.processes() {
		if err := p.signal(s); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	return nil
}

// Kill ends the engine at once (kill -9). Containers go on; Start, which starts
// it again, finds them.
func (h *Host) Kill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := killAll(ctx, func() []process {
		var left []process
		for _, p := range []process{h.engine.process(), h.containerd()} {
			if p.alive() {
				left = append(left, p)
			}
		}
		return left
	})
	if err != nil {
		return fmt.Errorf("kill the engine of host %s: %w", h.Name, err)
	}
	// The next engine would take another process of the same number for these.
	for _, file := range []string{h.file("run", "docker.pid"), h.containerdFile()} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Restart ends the engine and its containers in order, and starts it again, as
// `systemctl restart docker` does.
func (h *Host) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p := h.engine.process()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := await(ctx, func() (bool, error) {
		return !p.alive(), fmt.Errorf("the engine of host %s does not end", h.Name)
	}, nil)
	if err != nil {
		return err
	}
	return h.startEngine(ctx)
}

// containerd is what dockerd started, and what the kernel ends with it, though
// not at once.
func (h *Host) containerd() process {
	text, err := os.ReadFile(h.containerdFile())
	if err != nil {
		return process{}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return process{}
	}
	for _, p := range h.port.processes() {
		if p.PID == pid {
			return p
		}
	}
	return process{}
}

func (h *Host) containerdFile() string {
	return h.file("run", "docker", "containerd", "containerd.pid")
}

// KillHost switches the host off, as when the power goes: engine and containers
// are gone at once, and so is what was in its memory. Start switches it on.
func (h *Host) KillHost(ctx context.Context) error { return h.powerOff(ctx) }

// CutOff lets no packet to or from the host. Its containers go on, and see the
// shared drive. Reconnect undoes it.
func (h *Host) CutOff(ctx context.Context) error { return h.port.forward(ctx, false) }

// Reconnect undoes CutOff.
func (h *Host) Reconnect(ctx context.Context) error { return h.port.forward(ctx, true) }

// Slow gives the host a line of so many bits per second in each direction: a
// full packet takes 12,000 bits. FullSpeed undoes it.
func (h *Host) Slow(ctx context.Context, bitsPerSecond int) error {
	return h.port.limit(ctx, bitsPerSecond)
}

// FullSpeed undoes Slow.
func (h *Host) FullSpeed(ctx context.Context) error { return h.port.unlimit(ctx) }

// Fill leaves nothing free on the disk of the host's engine. The shared drive
// is not on it. Empty undoes it.
func (h *Host) Fill() error { return fillFile(h.filler()) }

// Empty undoes Fill.
func (h *Host) Empty() error {
	if err := os.Remove(h.filler()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// filler is a file on the host's disk, which the host alone has mounted.
func (h *Host) filler() string {
	return filepath.Join("/proc", strconv.Itoa(h.namespaces.process().PID), "root", h.file("data", "filler"))
}
