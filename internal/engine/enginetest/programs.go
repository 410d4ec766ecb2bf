// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ofRunning needs containers that run, and not what runs in them: a task ends
// well, a health check "false" fails.
var ofRunning = []contract{
	{"a task that succeeds", taskSucceeds},
	{"published ports are observed", ports},
	{"restart in place", restart},
	{"waiting ends with its context", cancelledWait},
}

// ofPrograms is about what runs in the containers.
var ofPrograms = []contract{
	{"health is awaited", health},
	{"health that never comes", unhealthy},
	{"a service that crashes", crash},
	{"a task that fails", taskFails},
	{"a task that takes too long", taskTimesOut},
	{"stop lets a service flush", stopFlushes},
	{"logs", logs},
	{"commands are run", commands},
	{"settings of the kernel", sysctls},
	{"a replica has a name of its own", replicaNames},
}

func health(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", func(s *stack.Service) {
		s.Command = []string{"sh", "-c", "sleep 2; touch /tmp/ready; sleep infinity"}
		s.Healthcheck = &stack.Healthcheck{
			Test: []string{"CMD-SHELL", "test -e /tmp/ready"}, Interval: 20 * time.Second,
			Timeout: 5 * time.Second, StartPeriod: time.Minute, StartInterval: 500 * time.Millisecond, Retries: 3,
		}
	})
	Up(t, e, st, "web")
	begin := time.Now()
	Do(t, e, st, stack.WaitHealthy, "web", "")
	if d := time.Since(begin); d < 500*time.Millisecond || d > 10*time.Second {
		t.Errorf("healthy after %s: the service needs 2 s, and its interval is 20 s", d)
	}
}

func unhealthy(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", func(s *stack.Service) {
		s.Command = []string{"sh", "-c", "echo cannot find the flux capacitor; sleep infinity"}
		s.Healthcheck = &stack.Healthcheck{
			Test:     []string{"CMD-SHELL", "echo no flux; exit 1"},
			Interval: time.Second, Timeout: 2 * time.Second, Retries: 2,
		}
	})
	Up(t, e, st, "web")
	ee := wantError(t, e, st, stack.WaitHealthy, "web", "unhealthy", Name(e, st, "web"))
	if !strings.Contains(ee.Log, "flux capacitor") {
		t.Errorf("the log's tail is %q", ee.Log)
	}
}

func crash(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", func(s *stack.Service) {
		s.Command = []string{"sh", "-c", "echo bad configuration >&2; exit 7"}
		s.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "true"}, Interval: 30 * time.Second}
	})
	Up(t, e, st, "web")
	ee := wantError(t, e, st, stack.WaitHealthy, "web", "exit code 7")
	if !strings.Contains(ee.Log, "bad configuration") {
		t.Errorf("the log's tail is %q", ee.Log)
	}
}

func asTask(timeout time.Duration, script string) func(*stack.Service) {
	return func(s *stack.Service) {
		s.Task = &stack.Task{When: stack.Deploy, Timeout: timeout}
		s.Restart = "no"
		s.Command = []string{"sh", "-c", script}
	}
}

func taskSucceeds(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "migrate", asTask(time.Minute, "sleep 1; echo migrated"))
	Up(t, e, st, "migrate")
	Do(t, e, st, stack.WaitDone, "migrate", "")
	c := observeOne(t, e, st.Portal)
	if c.Name != st.Portal+"-migrate" || c.Task != stack.Deploy || c.State != stack.Exited || c.ExitCode != 0 {
		t.Errorf("observed %+v", c)
	}
	Do(t, e, st, stack.WaitEnd, "migrate", "")
}

func taskFails(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "migrate", asTask(time.Minute, "echo table is missing; exit 3"))
	Up(t, e, st, "migrate")
	ee := wantError(t, e, st, stack.WaitDone, "migrate", "exit code 3", "migrate")
	if !strings.Contains(ee.Log, "table is missing") {
		t.Errorf("the log's tail is %q", ee.Log)
	}
	Do(t, e, st, stack.WaitEnd, "migrate", "") // whatever its code
}

func taskTimesOut(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "migrate", asTask(time.Second, "echo working; sleep infinity"))
	Up(t, e, st, "migrate")
	if ee := wantError(t, e, st, stack.WaitDone, "migrate", "1s", "stopped"); !strings.Contains(ee.Log, "working") {
		t.Errorf("the log's tail is %q", ee.Log)
	}
	if c := observeOne(t, e, st.Portal); c.State != stack.Exited {
		t.Errorf("after the time-out it is %s", c.State)
	}
}

func stopFlushes(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "db", func(s *stack.Service) {
		s.Command = []string{"sh", "-c", `trap 'sleep 12; echo flushed; exit 0' TERM; echo ready; while :; do sleep 0.1; done`}
		s.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "true"}, Interval: time.Second}
		s.StopGrace = 30 * time.Second
	})
	Up(t, e, st, "db")
	Do(t, e, st, stack.WaitHealthy, "db", "")
	Do(t, e, st, stack.Stop, "db", "")
	log, err := e.Logs(Context(t), Name(e, st, "db"), 5)
	if c := observeOne(t, e, st.Portal); c.ExitCode != 0 || err != nil || !strings.Contains(log, "flushed") {
		t.Errorf("exit code %d, log %q, %v: it was killed before it flushed", c.ExitCode, log, err)
	}
}

func ports(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "lb", func(s *stack.Service) {
		s.Ports = []stack.Port{{Container: 8080, Protocol: "tcp", HostIP: "127.0.0.1"}}
	})
	Up(t, e, st, "lb")
	if c := observeOne(t, e, st.Portal); c.Ports["8080/tcp"] == 0 {
		t.Errorf("ports %v", c.Ports)
	}
}

func logs(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "say", asTask(time.Minute, "echo one; echo two; echo three"))
	Up(t, e, st, "say")
	Do(t, e, st, stack.WaitDone, "say", "")
	log, err := e.Logs(Context(t), st.Portal+"-say", 2)
	if err != nil || log != "two\nthree" {
		t.Errorf("log %q, %v", log, err)
	}
	if _, err := e.Logs(Context(t), st.Portal+"-nobody", 2); err == nil {
		t.Error("a container that is not there has a log")
	}
}

func commands(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", nil)
	Up(t, e, st, "web")
	Do(t, e, st, stack.WaitHealthy, "web", "")
	name := Name(e, st, "web")
	out, err := e.Exec(Context(t), st.Portal, name, []string{"sh", "-c", "cat >&2"}, []byte("routes\n"))
	if err != nil || out != "routes" {
		t.Errorf("output %q, %v", out, err)
	}
	_, err = e.Exec(Context(t), st.Portal, name, []string{"sh", "-c", "echo no such route; exit 7"}, nil)
	var ee *engine.Error
	if !errors.As(err, &ee) || !strings.Contains(err.Error(), "exit code 7") || ee.Log != "no such route" || ee.Container != name {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(Context(t), time.Second)
	defer cancel()
	if _, err := e.Exec(ctx, st.Portal, name, []string{"sleep", "60"}, nil); err == nil || ctx.Err() == nil {
		t.Errorf("the command was waited for: %v", err)
	}
	if _, err := e.Exec(Context(t), st.Portal, st.Portal+"-nobody-1", []string{"true"}, nil); err == nil {
		t.Error("a command ran in a container that is not there")
	}
}

// restart keeps the container, and what it marks is seen.
func restart(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	st.Owner = "service/web"
	Add(t, st, "web", func(s *stack.Service) {
		s.RestartOn = []string{stack.RestartOnOverrides}
		s.Mounts = []stack.Mount{{Source: t.TempDir(), Target: "/data"}, {Target: "/tmp"}}
		s.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "true"}, Interval: time.Second}
	})
	Up(t, e, st, "web")
	Do(t, e, st, stack.WaitHealthy, "web", "")
	before := observeOne(t, e, st.Portal)
	if !stack.RestartsOn(stack.RestartOnOverrides)(before) || before.Owner != st.Owner ||
		len(before.Mounts) != 1 || before.Mounts[0] != st.Services["web"].Mounts[0].Source {
		t.Errorf("observed %+v", before)
	}
	Do(t, e, st, stack.Restart, "web", "")
	Do(t, e, st, stack.WaitHealthy, "web", "")
	after := observeOne(t, e, st.Portal)
	if after.ID != before.ID || !after.StartedAt.After(before.StartedAt) || after.State != stack.Running {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func cancelledWait(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "web", func(s *stack.Service) {
		s.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "false"}, Interval: time.Minute}
	})
	Up(t, e, st, "web")
	ctx, cancel := context.WithTimeout(Context(t), time.Second)
	defer cancel()
	begin := time.Now()
	err := e.Run(ctx, st, OpOf(e, st, stack.WaitHealthy, "web", ""))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}

// sysctls wants a setting of the kernel in the container, and a service that
// starts whether the kernel has a newer one or not.
func sysctls(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	s := Add(t, st, "web", func(s *stack.Service) {
		s.Sysctls = map[string]string{"net.core.somaxconn": "321", "net.ipv4.tcp_migrate_req": "1"}
	})
	Up(t, e, st, "web")
	Do(t, e, st, stack.WaitHealthy, "web", "")
	read := "cat /proc/sys/net/core/somaxconn; cat /proc/sys/net/ipv4/tcp_migrate_req 2>/dev/null || echo 1"
	out, err := e.Exec(Context(t), st.Portal, Name(e, st, "web"), []string{"sh", "-c", read}, nil)
	if err != nil || strings.Join(strings.Fields(out), " ") != "321 1" {
		t.Errorf("the container has %q, %v", out, err)
	}
	if c := observeOne(t, e, st.Portal); c.Digest != stack.Digest(s) {
		t.Errorf("the digest is %s, want %s", c.Digest, stack.Digest(s))
	}
}
