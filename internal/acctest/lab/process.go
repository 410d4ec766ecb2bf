// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one of this machine's, told from a later one of the same number by
// when it was started.
type process struct {
	PID     int
	Started uint64 // clock ticks since the machine's start
}

func self() process {
	started, _ := startTime(os.Getpid())
	return process{os.Getpid(), started}
}

// alive tells whether the process runs. One that has ended and was not waited
// for does not.
func (p process) alive() bool {
	started, ok := startTime(p.PID)
	return ok && started == p.Started
}

// signal does nothing to a process that has ended.
func (p process) signal(s syscall.Signal) error {
	if !p.alive() {
		return nil
	}
	if err := syscall.Kill(p.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", p.PID, err)
	}
	return nil
}

// startTime reads /proc/PID/stat, whose second field, a name in parentheses,
// may hold anything.
func startTime(pid int) (ticks uint64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const state, started = 0, 19
	if len(fields) <= started || fields[state] == "Z" || fields[state] == "X" {
		return 0, false
	}
	ticks, err = strconv.ParseUint(fields[started], 10, 64)
	return ticks, err == nil
}

// daemon is a program of the lab that goes on when this one ends.
type daemon struct {
	name string // "dockerd"
	dir  string // has its log, and a file that tells its process
}

func (d daemon) log() string  { return filepath.Join(d.dir, d.name+".log") }
func (d daemon) file() string { return filepath.Join(d.dir, d.name+".json") }

// process is the one that was started last; it may have ended. Without any,
// its number is 0.
func (d daemon) process() process {
	var p process
	text, err := os.ReadFile(d.file())
	if err == nil && json.Unmarshal(text, &p) == nil {
		return p
	}
	return process{}
}

// start starts the program.
func (d daemon) start(command ...string) error {
	log, err := os.OpenFile(d.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // not ended with the terminal
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	started, _ := startTime(cmd.Process.Pid)
	text, err := json.Marshal(process{cmd.Process.Pid, started})
	if err == nil {
		err = os.WriteFile(d.file(), text, 0o600)
	}
	if err != nil {
		_ = cmd.Process.Kill() // or nobody would know of it
	}
	go func() { _ = cmd.Wait() }() // how it ended shows in its log
	return err
}

// await waits until the program does what it was started for. It fails with the
// end of the log when the program ends before.
func (d daemon) await(ctx context.Context, ready func(context.Context) error) error {
	return await(ctx, func() (bool, error) {
		err := ready(ctx)
		if err == nil {
			return true, nil
		}
		if !d.process().alive() {
			return false, fmt.Errorf("%s ended at start; the end of %s:\n%s", d.name, d.log(), d.tail())
		}
		return false, fmt.Errorf("%s is not ready (%w); the end of %s:\n%s", d.name, err, d.log(), d.tail())
	}, d.process().alive)
}

// tail is the end of the log.
func (d daemon) tail() string {
	text, err := os.ReadFile(d.log())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// tick is how often what nobody tells of is looked at.
const tick = 20 * time.Millisecond

// await looks until something is done. It gives up with the last error when the
// context ends, or when there is no hope.
func await(ctx context.Context, done func() (bool, error), hope func() bool) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		hopeful := hope == nil || hope() // asked first: it may be done and gone
		ok, err := done()
		if ok {
			return nil
		}
		if !hopeful {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// run runs a program to its end.
func run(ctx context.Context, input, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
