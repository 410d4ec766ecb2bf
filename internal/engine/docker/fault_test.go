// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/faultproxy"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const socket = "/var/run/docker.sock"

// sequence makes a service and a task, replaces the service, repairs it, and
// removes everything: every kind of operation, and observations in between.
func sequence(t *testing.T, e engine.Engine) {
	t.Helper()
	st := enginetest.NewStack(t)
	second := stack.NetworkName(st.Portal, "second")
	st.Networks[second] = stack.Network{Name: second}
	web := enginetest.Add(t, st, "web", func(s *stack.Service) {
		s.Networks[second] = nil
		s.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "true"}, Interval: 2 * time.Second, StartInterval: 100 * time.Millisecond}
		s.Resources.Memory = 64 << 20
	})
	enginetest.Add(t, st, "migrate", func(s *stack.Service) {
		s.Task = &stack.Task{When: stack.Deploy, Timeout: time.Minute}
		s.Restart = "no"
		s.Command = []string{"sh", "-c", "echo run"}
	})
	step := func(kind stack.Kind, service, target string) {
		t.Helper()
		enginetest.Do(t, e, st, kind, service, target)
	}
	observe := func(want int) stack.Observed {
		t.Helper()
		o, err := e.Observe(enginetest.Context(t), st.Portal)
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Containers) != want {
			t.Fatalf("observed %d containers, want %d", len(o.Containers), want)
		}
		return o
	}

	observe(0)
	step(stack.EnsureImage, "web", web.Image)
	enginetest.Up(t, e, st, "migrate")
	step(stack.WaitDone, "migrate", "")
	if log, err := e.Logs(enginetest.Context(t), st.Portal+"-migrate", 10); err != nil || log != "run" {
		t.Errorf("the task's log is %q, %v: it must have run once", log, err)
	}
	enginetest.Up(t, e, st, "web")
	step(stack.WaitHealthy, "web", "")

	first := observe(2).Containers[1]
	previous := st.Portal + "-web-1_previous"
	aside := enginetest.Op(st, stack.Rename, "web", previous)
	aside.ContainerID = first.ID
	step(stack.Stop, "web", "")
	if err := e.Run(enginetest.Context(t), st, aside); err != nil {
		t.Fatal(err)
	}
	web.Environment = map[string]string{"VERSION": "2"}
	step(stack.Create, "web", "")
	step(stack.Start, "web", "")
	step(stack.WaitHealthy, "web", "")
	old := enginetest.Op(st, stack.Remove, "web", "")
	old.Container, old.ContainerID = previous, first.ID
	if err := e.Run(enginetest.Context(t), st, old); err != nil {
		t.Fatal(err)
	}
	step(stack.Disconnect, "web", second)
	step(stack.Connect, "web", second)
	step(stack.UpdateLimits, "web", "")
	step(stack.Restart, "web", "")
	if _, err := e.ObserveShared(enginetest.Context(t), st.Portal); err != nil {
		t.Fatal(err)
	}

	now := observe(2).Containers[1]
	if now.Name != st.Portal+"-web-1" || now.Digest != stack.Digest(web) || now.State != stack.Running || !slices.Equal(now.Networks, now.IntendedNetworks) {
		t.Errorf("ended up with %+v", now)
	}
	step(stack.Stop, "web", "")
	step(stack.Remove, "web", "")
	step(stack.Remove, "migrate", "")
	for n := range st.Networks {
		step(stack.RemoveNetwork, "", n)
	}
	if o := observe(0); len(o.Networks) != 0 {
		t.Errorf("networks %v are left", o.Networks)
	}
}

var variable = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`/v1\.\d+/`), `/v1\.\d+/`},
	{regexp.MustCompile(`/(containers|networks|exec)/(?:[0-9a-f]{64}|test-[^/]+)`), `/$1/[^/]+`},
}

// shape is a request as a pattern that matches others like it.
func shape(request string) string {
	for _, v := range variable {
		request = v.re.ReplaceAllString(request, v.with)
	}
	return request
}

// callsPerRun is how many calls are spoilt in one run of the sequence, each
// once: a run for each call would take many minutes.
const callsPerRun = 6

// TestEveryCallSurvivesAFault runs a sequence of operations, and then again
// until each call that it makes was spoilt once in each way.
func TestEveryCallSurvivesAFault(t *testing.T) {
	enginetest.Image(t)
	run := func(t *testing.T, rules ...faultproxy.Rule) *faultproxy.Proxy {
		proxy := faultproxy.New(t, socket)
		proxy.Spoil(rules...)
		e := open(t, proxy.ListenUnix(t), docker.Options{})
		defer e.Close()
		sequence(t, e)
		return proxy
	}
	var calls []string
	for _, r := range run(t).Requests() {
		calls = append(calls, shape(r))
	}
	slices.Sort(calls)
	calls = slices.Compact(calls)
	if len(calls) < 20 {
		t.Fatalf("the sequence makes %d different calls only: %v", len(calls), calls)
	}
	for n, fault := range []faultproxy.Fault{faultproxy.Answer500, faultproxy.DropBefore, faultproxy.DropAfter} {
		// Calls that are neighbours by name are spread over the runs, as one
		// operation makes them.
		runs := (len(calls) + callsPerRun - 1) / callsPerRun
		for first := range runs {
			if !acctest.Thorough && first != n%runs {
				continue // a part of the calls, another one for each fault
			}
			var rules []faultproxy.Rule
			for i := first; i < len(calls); i += runs {
				method, path, _ := strings.Cut(calls[i], " ")
				rules = append(rules, faultproxy.Rule{Method: method, Path: regexp.MustCompile("^" + path + "$"), Fault: fault})
			}
			t.Run(fmt.Sprintf("%s %d", fault, first+1), func(t *testing.T) {
				t.Parallel()
				if n := run(t, rules...).Spoilt(); n != len(rules) {
					t.Errorf("spoilt %d calls, want %d: %v", n, len(rules), rules)
				}
			})
		}
	}
}

// A container whose start dockerd did not survive can never be started again:
// it goes, and the portal is to be observed anew.
func TestStartThatDockerdDidNotSurvive(t *testing.T) {
	t.Parallel()
	enginetest.Image(t)
	proxy := faultproxy.New(t, socket)
	e := open(t, proxy.ListenUnix(t), docker.Options{})
	defer e.Close()
	st := enginetest.NewStack(t)
	enginetest.Add(t, st, "web", nil)
	for n := range st.Networks {
		enginetest.Do(t, e, st, stack.EnsureNetwork, "", n)
	}
	enginetest.Do(t, e, st, stack.Create, "web", "")
	rule := faultproxy.Rule{
		Method: "POST", Path: regexp.MustCompile("/start$"), Fault: faultproxy.Answer500,
		Message: "task 0123456789abcdef: already exists",
	}
	proxy.Spoil(rule, rule, rule, rule) // and its repeats

	err := e.Run(enginetest.Context(t), st, enginetest.Op(st, stack.Start, "web", ""))
	wantText(t, err, st.Portal+"-web-1", "left in the way")
	if !errors.Is(err, engine.ErrConflict) {
		t.Errorf("got %v instead of a conflict", err)
	}
	if o, err := e.Observe(enginetest.Context(t), st.Portal); err != nil || len(o.Containers) != 0 {
		t.Errorf("observed %v, %v: the container must be gone", o.Containers, err)
	}
}
