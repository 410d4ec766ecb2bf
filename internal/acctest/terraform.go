// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// commandTime bounds how long one terraform command may take.
const commandTime = 10 * time.Minute

// required names the provider's source, so that a configuration need not.
const required = `terraform {
  required_providers {
    portal = { source = "privateportals/portal" }
  }
}
`

// Terraform is a working directory in which the terraform command is run with
// the provider's own binary, as a user runs it: the provider is a process of
// its own, which a test can kill.
type Terraform struct {
	// Dir is the working directory; it holds the configuration and the state.
	Dir string
	// env is what commands get beside the test's own environment.
	env []string
}

// NewTerraform makes a working directory with a configuration. It is removed
// when the test ends.
func NewTerraform(t *testing.T, config string) *Terraform {
	t.Helper()
	home := t.TempDir()
	cli := filepath.Join(home, "cli.tfrc")
	// Without a `direct` block no registry is ever asked.
	write(t, cli, fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"privateportals/portal\" = %q\n  }\n}\n", filepath.Dir(Binary(t))))
	tf := &Terraform{Dir: filepath.Join(home, "work"), env: []string{
		"TF_CLI_CONFIG_FILE=" + cli,
		"TF_IN_AUTOMATION=1",
		"CHECKPOINT_DISABLE=1",
	}}
	if err := os.Mkdir(tf.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(tf.Dir, "versions.tf"), required)
	tf.Write(t, config)
	return tf
}

// Write replaces the configuration.
func (tf *Terraform) Write(t *testing.T, config string) {
	t.Helper()
	write(t, filepath.Join(tf.Dir, "main.tf"), config)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// With is the same directory, with more environment for the commands that are
// run through it: tf.With("TF_LOG=trace").Run(t, "plan").
func (tf *Terraform) With(env ...string) *Terraform {
	return &Terraform{Dir: tf.Dir, env: slices.Concat(tf.env, env)}
}

// Result is what came of a command.
type Result struct {
	// ExitCode is -1 if the command was killed.
	ExitCode int
	// Output is what a user sees: standard output and standard error.
	Output string
	// Stdout is standard output alone.
	Stdout string
	// Took is from start to end.
	Took time.Duration
}

// Run runs a command and waits for its end.
func (tf *Terraform) Run(t *testing.T, args ...string) Result {
	t.Helper()
	return tf.Start(t, args...).Wait(t)
}

// Must runs a command that has to succeed.
func (tf *Terraform) Must(t *testing.T, args ...string) Result {
	t.Helper()
	r := tf.Run(t, args...)
	if r.ExitCode != 0 {
		t.Fatalf("terraform %s: exit code %d\n%s", strings.Join(args, " "), r.ExitCode, r.Output)
	}
	return r
}

// Apply makes the configuration so.
func (tf *Terraform) Apply(t *testing.T, args ...string) Result {
	t.Helper()
	return tf.Must(t, slices.Concat([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, args)...)
}

// Fail applies a configuration that must not succeed.
func (tf *Terraform) Fail(t *testing.T, args ...string) Result {
	t.Helper()
	r := tf.Run(t, slices.Concat([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, args)...)
	if r.ExitCode != 1 {
		t.Fatalf("terraform apply: exit code %d instead of 1\n%s", r.ExitCode, r.Output)
	}
	return r
}

// Destroy takes everything down.
func (tf *Terraform) Destroy(t *testing.T) Result {
	t.Helper()
	return tf.Must(t, "destroy", "-auto-approve", "-input=false", "-no-color")
}

// Process is a command that runs.
type Process struct {
	args    []string
	cmd     *exec.Cmd
	started time.Time
	stdout  bytes.Buffer
	output  lockedBuffer
	ended   chan struct{} // closed when the process has ended
	took    time.Duration
}

// Start starts a command. If it still runs when the test ends, it is killed.
func (tf *Terraform) Start(t *testing.T, args ...string) *Process {
	t.Helper()
	p := &Process{args: args, ended: make(chan struct{}), started: time.Now()}
	p.cmd = exec.Command("terraform", args...)
	p.cmd.Dir = tf.Dir
	p.cmd.Env = append(environment(), tf.env...)
	p.cmd.Stdout = both{&p.stdout, &p.output}
	p.cmd.Stderr = &p.output
	// A group of its own, which holds the provider's process as well. A pipe
	// that a survivor keeps open must not keep Wait from ending.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // Wait reports the exit code
		p.took = time.Since(p.started)
	}()
	t.Cleanup(func() { p.Kill(t) })
	return p
}

// environment is the test's own, without what would point the provider or
// Terraform at something else than a user's would.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(name, "TF_") || name == "PORTAL_AGENT_BINARY"
	})
}

// Wait waits for the end of the command.
func (p *Process) Wait(t *testing.T) Result {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(commandTime):
		p.Kill(t)
		t.Fatalf("terraform %s has not ended after %s:\n%s", strings.Join(p.args, " "), commandTime, p.output.String())
	}
	return Result{
		ExitCode: p.cmd.ProcessState.ExitCode(),
		Output:   p.output.String(),
		Stdout:   p.stdout.String(),
		Took:     p.took,
	}
}

// Ended is closed when the command has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Await waits until the command has written a text: "Creating...".
func (p *Process) Await(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.output.String(), text) {
		select {
		case <-tick.C:
		case <-p.ended:
			if !strings.Contains(p.output.String(), text) {
				t.Fatalf("terraform %s ended without writing %q:\n%s", strings.Join(p.args, " "), text, p.output.String())
			}
		}
	}
}

// Output is what the command has written so far.
func (p *Process) Output() string { return p.output.String() }

// Kill kills Terraform and its providers at once, as kill -9 does, and waits
// for their end. It tells whether Terraform still ran; an ended command is left
// alone.
func (p *Process) Kill(t *testing.T) bool {
	t.Helper()
	select {
	case <-p.ended:
		return false
	default:
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Errorf("kill terraform: %v", err)
	}
	<-p.ended
	return true
}

// KillProvider kills the provider's process alone and tells whether there was
// one. Terraform lives on and reports it.
func (p *Process) KillProvider(t *testing.T) bool {
	t.Helper()
	killed := false
	for _, pid := range children(p.cmd.Process.Pid) {
		program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err != nil || !strings.HasPrefix(filepath.Base(program), "terraform-provider-portal") {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
			killed = true
		} else if !errors.Is(err, syscall.ESRCH) {
			t.Errorf("kill the provider: %v", err)
		}
	}
	return killed
}

// KillTerraform kills Terraform alone and tells whether it still ran. Its
// provider lives on with nobody to answer to; it is killed when the test ends.
func (p *Process) KillTerraform(t *testing.T) bool {
	t.Helper()
	select {
	case <-p.ended:
		return false
	default:
	}
	group := p.cmd.Process.Pid
	t.Cleanup(func() {
		if err := syscall.Kill(-group, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("kill the provider: %v", err)
		}
	})
	if err := p.cmd.Process.Kill(); err != nil {
		return false // it has just ended
	}
	<-p.ended
	return true
}

// children are the processes that a process has started, from any thread.
func children(pid int) []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var found []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

// State is the state as Terraform shows it, in JSON.
func (tf *Terraform) State(t *testing.T) string {
	t.Helper()
	return tf.Must(t, "show", "-json").Stdout
}

// Output is the value of an output of the configuration.
func (tf *Terraform) Output(t *testing.T, name string) string {
	t.Helper()
	var value string
	text := tf.Must(t, "output", "-json", name).Stdout
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("output %s is %s: %v", name, text, err)
	}
	return value
}
