// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// startTime bounds how long an engine may take until it answers.
const startTime = time.Minute

// Engine is a Docker Engine of one test's own, in a network namespace of its
// own, which the test may stop, kill and start again. It needs root, dockerd
// and iproute2.
type Engine struct {
	// Endpoint is its address.
	Endpoint string
	// Docker is a client of it.
	Docker *client.Client

	dir, netns string
	options    []string
	process    *exec.Cmd
	ended      chan struct{} // closed when the process has ended
}

// StartEngine starts an engine, with the test image on it. Options are more
// arguments for dockerd.
func StartEngine(t *testing.T, options ...string) *Engine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a Docker Engine of the test's own needs root")
	}
	dir, err := os.MkdirTemp("", "acc-engine-") //nolint:usetesting // a unix socket's path may have 108 characters only
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{
		Endpoint: "unix://" + filepath.Join(dir, "docker.sock"),
		dir:      dir, netns: filepath.Base(dir), options: options,
	}
	t.Cleanup(func() { e.cleanUp(t) })
	for _, args := range [][]string{
		{"netns", "add", e.netns},
		{"-n", e.netns, "link", "set", "lo", "up"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s (apt-get install iproute2)", args, err, out)
		}
	}
	e.Docker, err = client.NewClientWithOpts(client.WithHost(e.Endpoint), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	e.Start(t)
	enginetest.ImportImage(t, e.Docker, enginetest.ImageName)
	return e
}

// NewPortal prepares a portal on this engine.
func (e *Engine) NewPortal(t *testing.T) *Portal {
	t.Helper()
	return newPortal(t, e.Docker, e.Endpoint)
}

// Start starts dockerd and waits until it answers.
func (e *Engine) Start(t *testing.T) {
	t.Helper()
	// In a mount namespace of its own /var/run/docker is another directory, as
	// on another machine. `ip netns exec` would hide the cgroups.
	script := fmt.Sprintf(`
		mount --make-rprivate /
		mkdir -p /var/run/docker %[1]s/run && mount --bind %[1]s/run /var/run/docker
		exec dockerd --data-root %[1]s/data --exec-root %[1]s/exec --pidfile %[1]s/pid -H unix://%[1]s/docker.sock %[2]s`, e.dir, strings.Join(e.options, " "))
	log, err := os.OpenFile(e.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	e.process = exec.Command("nsenter", "--net=/run/netns/"+e.netns, "unshare", "-m", "-u", "sh", "-ec", script)
	e.process.Stdout, e.process.Stderr = log, log
	if err := e.process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	e.ended = ended
	go func(cmd *exec.Cmd) {
		defer close(ended)
		_ = cmd.Wait() // how it ended shows in its log
	}(e.process)
	e.waitUntilItAnswers(t)
}

func (e *Engine) waitUntilItAnswers(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := e.Docker.Ping(ctx); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-e.ended:
			t.Fatalf("dockerd ended at start:\n%s", e.log())
		case <-ctx.Done():
			t.Fatalf("dockerd does not answer:\n%s", e.log())
		}
	}
}

// Stop ends dockerd in order: it stops the containers.
func (e *Engine) Stop(t *testing.T) {
	t.Helper()
	e.signal(t, syscall.SIGTERM)
}

// Kill ends dockerd at once. The containers' own processes live on.
func (e *Engine) Kill(t *testing.T) {
	t.Helper()
	e.signal(t, syscall.SIGKILL)
	e.awaitContainerd(t)
}

// awaitContainerd waits for the end of the containerd that dockerd had started,
// which the kernel kills with it. The next dockerd would take one that is about
// to end, or was not waited for by its new parent, for one that it can use.
func (e *Engine) awaitContainerd(t *testing.T) {
	t.Helper()
	file := filepath.Join(e.dir, "exec", "containerd", "containerd.pid")
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	status := filepath.Join("/proc", strings.TrimSpace(string(pid)), "status")
	for deadline := time.Now().Add(startTime); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(status)
		if err != nil || bytes.Contains(text, []byte("State:\tZ")) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("containerd outlives its dockerd")
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// signal ends dockerd, which took the place of the process that was started.
func (e *Engine) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := e.process.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	select {
	case <-e.ended:
	case <-time.After(startTime):
		t.Fatalf("dockerd does not end:\n%s", e.log())
	}
}

func (e *Engine) logFile() string { return filepath.Join(e.dir, "dockerd.log") }

// log is the end of dockerd's log.
func (e *Engine) log() string {
	text, err := os.ReadFile(e.logFile())
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(text, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-30):], []byte("\n")))
}

func (e *Engine) cleanUp(t *testing.T) {
	if e.process != nil && e.process.Process != nil {
		e.Stop(t)
	}
	if e.Docker != nil {
		e.Docker.Close()
	}
	if err := exec.Command("ip", "netns", "delete", e.netns).Run(); err != nil {
		t.Errorf("ip netns delete %s: %v", e.netns, err)
	}
	if err := os.RemoveAll(e.dir); err != nil {
		t.Errorf("remove the engine's files: %v", err)
	}
}
