// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// dockerCLI does by hand what an engineer might do.
func dockerCLI(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestDrift(t *testing.T) {
	c := enginetest.Client(t)
	ref := "portal-test/moving:" + strings.ToLower(t.Name())
	enginetest.ImportImage(t, c, ref, "ENV VERSION=1")
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "-f", ref).Run() })

	e := open(t, "", docker.Options{})
	defer e.Close()
	st := enginetest.NewStack(t)
	enginetest.Add(t, st, "web", func(s *stack.Service) { s.Image = ref })
	enginetest.Up(t, e, st, "web")
	name := st.Portal + "-web-1"
	observe := func() stack.Container {
		t.Helper()
		o, err := e.Observe(enginetest.Context(t), st.Portal)
		if err != nil || len(o.Containers) != 1 {
			t.Fatalf("observed %+v, %v", o, err)
		}
		return o.Containers[0]
	}

	if got := observe(); got.ImageMoved || got.Image != ref {
		t.Errorf("nothing happened, and the image is %q, moved %t", got.Image, got.ImageMoved)
	}
	dockerCLI(t, "pause", name)
	if got := observe(); got.State != stack.Paused {
		t.Errorf("paused: %s", got.State)
	}
	err := e.Run(enginetest.Context(t), st, enginetest.Op(st, stack.WaitHealthy, "web", ""))
	wantText(t, err, name, "paused")
	for range 2 {
		enginetest.Do(t, e, st, stack.Unpause, "web", "")
	}
	dockerCLI(t, "update", "--cpus", "0.5", "--restart", "no", name)
	if got := observe(); got.Settings == got.IntendedSettings || got.Settings.Resources.CPUs != 0.5 || got.Settings.Restart != "no" {
		t.Errorf("updated by hand: %+v, intended %+v", got.Settings, got.IntendedSettings)
	}
	wantText(t, e.Run(enginetest.Context(t), st, enginetest.Op(st, stack.UpdateLimits, "web", "")), "cannot lift limits", "docker rm -f "+name)

	extra := st.Portal + "_extra"
	dockerCLI(t, "network", "create", "--subnet", "10.211.255.0/28", "--label", "io.privateportals.portal="+st.Portal, extra)
	dockerCLI(t, "network", "connect", extra, name)
	if got := observe(); len(got.Networks) != 2 || len(got.IntendedNetworks) != 1 {
		t.Errorf("connected by hand: %v, intended %v", got.Networks, got.IntendedNetworks)
	}

	enginetest.ImportImage(t, c, ref, "ENV VERSION=2")
	if got := observe(); !got.ImageMoved || got.Image != ref {
		t.Errorf("the tag moved: image %q, moved %t", got.Image, got.ImageMoved)
	}
	dockerCLI(t, "rmi", ref)
	if got := observe(); got.ImageMoved || got.Image != ref {
		t.Errorf("the tag is gone, it names no other image: image %q, moved %t", got.Image, got.ImageMoved)
	}
}

// TestForeign checks that containers of others are told, and left alone.
func TestForeign(t *testing.T) {
	image := enginetest.Image(t)
	e := open(t, "", docker.Options{})
	defer e.Close()
	st := enginetest.NewStack(t)
	enginetest.Add(t, st, "web", nil)
	network := stack.NetworkName(st.Portal, "default")
	enginetest.Do(t, e, st, stack.EnsureNetwork, "", network)
	name := st.Portal + "-web-1"
	id := dockerCLI(t, "run", "-d", "--name", name, "--network", network, image, "sleep", "600")
	t.Cleanup(func() {
		_ = enginetest.Client(t).ContainerRemove(context.Background(), id, container.RemoveOptions{Force: true})
	})

	o, err := e.Observe(enginetest.Context(t), st.Portal)
	if err != nil || len(o.Containers) != 0 || len(o.Foreign) != 1 {
		t.Fatalf("observed %+v, %v", o, err)
	}
	if f := o.Foreign[0]; f.ID != id || f.Name != name || f.Image != image || !f.Running || len(f.Networks) != 1 || f.Networks[0] != network {
		t.Errorf("observed %+v", f)
	}
	err = e.Run(enginetest.Context(t), st, enginetest.Op(st, stack.Create, "web", ""))
	wantText(t, err, name, id[:12], "not part of the portal", "docker rename")
	err = e.Run(enginetest.Context(t), st, enginetest.Op(st, stack.RemoveNetwork, "", network))
	wantText(t, err, name, "not part of the portal", "docker network disconnect")
	if running := dockerCLI(t, "inspect", "-f", "{{.State.Running}} {{json .NetworkSettings.Networks}}", id); !strings.HasPrefix(running, "true") || !strings.Contains(running, network) {
		t.Errorf("the foreign container is %s", running)
	}
	// As the plan does, by id: set aside, and off the portal's network.
	aside := &stack.Operation{ID: "aside", Kind: stack.Rename, Service: "web", Container: name, ContainerID: id, Target: name + ".foreign-" + id[:12]}
	off := &stack.Operation{ID: "off", Kind: stack.Disconnect, Service: "web", Container: name, ContainerID: id, Target: network}
	for _, op := range []*stack.Operation{aside, off} {
		if err := e.Run(enginetest.Context(t), st, op); err != nil {
			t.Fatal(err)
		}
	}
	enginetest.Do(t, e, st, stack.Create, "web", "")
}

func TestForeignNetwork(t *testing.T) {
	e := open(t, "", docker.Options{})
	defer e.Close()
	st := enginetest.NewStack(t)
	network := stack.NetworkName(st.Portal, "default")
	dockerCLI(t, "network", "create", "--subnet", "10.211.255.16/28", network)
	defer dockerCLI(t, "network", "rm", network)
	wantText(t, e.Run(enginetest.Context(t), st, enginetest.Op(st, stack.EnsureNetwork, "", network)), network, "not part of the portal", "docker network rm")
	// Not the portal's: destroying the portal leaves it.
	enginetest.Do(t, e, st, stack.RemoveNetwork, "", network)
	dockerCLI(t, "network", "inspect", network)
}

func TestPortTaken(t *testing.T) {
	e := open(t, "", docker.Options{})
	defer e.Close()
	one, two := enginetest.NewStack(t), enginetest.NewStack(t)
	publish := func(port int) func(*stack.Service) {
		return func(s *stack.Service) { s.Ports = []stack.Port{{Container: 8080, Host: port, Protocol: "tcp"}} }
	}
	enginetest.Add(t, one, "lb", publish(0))
	enginetest.Up(t, e, one, "lb")
	o, err := e.Observe(enginetest.Context(t), one.Portal)
	if err != nil || len(o.Containers) != 1 {
		t.Fatalf("observed %+v, %v", o, err)
	}
	port := o.Containers[0].Ports["8080/tcp"]
	if err := e.Check(enginetest.Context(t), one, o); err != nil {
		t.Errorf("the portal's own port: %v", err)
	}

	enginetest.Add(t, two, "lb", publish(port))
	err = e.Check(enginetest.Context(t), two, stack.Observed{})
	wantText(t, err, two.Portal, one.Portal+"-lb-1", "http_port")
	for n := range two.Networks {
		enginetest.Do(t, e, two, stack.EnsureNetwork, "", n)
	}
	enginetest.Do(t, e, two, stack.Create, "lb", "")
	err = e.Run(enginetest.Context(t), two, enginetest.Op(two, stack.Start, "lb", ""))
	wantText(t, err, "port is already allocated", "http_port", two.Portal+"-lb-1")
}
