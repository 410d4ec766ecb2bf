// SPDX-License-Identifier: MPL-2.0

//go:build lab

package lab_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// TestLab is one lab of three hosts, as starting takes longest.
func TestLab(t *testing.T) {
	t.Parallel()
	l := start(t, lab.Options{})
	by := reach(t, l)
	t.Run("Hosts", func(t *testing.T) { hosts(t, l, by) })
	t.Run("CutOff", func(t *testing.T) { cutOff(t, l, by) })
	t.Run("Pause", func(t *testing.T) { pause(t, l, by) })
	t.Run("Freeze", func(t *testing.T) { freeze(t, l, by) })
	t.Run("Kill", func(t *testing.T) { kill(t, l) })
	t.Run("KillHost", func(t *testing.T) { killHost(t, l) })
	t.Run("Restart", func(t *testing.T) { restart(t, l) })
	t.Run("Slow", func(t *testing.T) { slow(t, l) })
	t.Run("Fill", func(t *testing.T) { fill(t, l) })
	t.Run("Registry", func(t *testing.T) { ask(t, l) })
}

// hosts are told apart by all that tells real ones apart, and share the drive.
func hosts(t *testing.T, l *lab.Lab, by by) {
	ca, err := os.ReadFile(filepath.Join(l.ClientDir(), "ca.pem"))
	must(t, err)
	var ids []string
	for _, h := range l.Hosts {
		for way, p := range map[string]*pool.Pool{"TLS": by.tls, "ssh": by.ssh} {
			info, err := remote(t, p, h.Name).Info(t.Context())
			must(t, err)
			if info.Name != h.Name || !slices.Equal(info.Labels, []string{"zone=" + h.Zone}) || info.Driver != "overlay2" {
				t.Errorf("over %s %s is %s, its labels are %v, its driver is %s", way, h.Name, info.Name, info.Labels, info.Driver)
			}
			if way == "TLS" {
				ids = append(ids, info.ID)
			}
		}
		if n, err := h.Accepted(); err != nil || n != 1 {
			t.Errorf("sshd of %s let %d connections in instead of 1: %v", h.Name, n, err)
		}
		stranger := open(t, map[string]pool.HostConfig{h.Name: {Endpoint: "tcp://" + h.Address + ":2376", TLS: &pool.TLS{CA: string(ca)}}})
		one := find(t, stranger, h.Name)
		if _, err := one.Client(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("without the client's certificate %s says: %v", h.Name, err)
		}
		name, err := h.Run(t.Context(), "hostname")
		if err != nil || strings.TrimSpace(name) != h.Name {
			t.Errorf("the hostname of %s is %q: %v", h.Name, name, err)
		}
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != len(l.Hosts) {
		t.Errorf("engines are told apart by their ids: %v", ids)
	}
	x := beat(t, l, l.Hosts[0])
	for _, h := range l.Hosts[1:] {
		if _, err := h.Docker().ContainerInspect(t.Context(), x.id); !cerrdefs.IsNotFound(err) {
			t.Errorf("the container of %s on %s: %v", x.host.Name, h.Name, err)
		}
	}
}

func cutOff(t *testing.T, l *lab.Lab, by by) {
	h := l.Hosts[1]
	x := beat(t, l, h)
	started := x.started(t)
	overTLS, overSSH := remote(t, by.tls, h.Name), remote(t, by.ssh, h.Name)
	ping := func() error {
		_, err := l.Hosts[0].Run(t.Context(), "busybox", "ping", "-c1", "-W1", h.Address)
		return err
	}
	must(t, ping())
	must(t, h.CutOff(t.Context()))
	if !silent(t, overTLS) || !silent(t, overSSH) {
		t.Error("it answers though it is cut off")
	}
	fresh := reach(t, l) // no connection is open yet
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	one := find(t, fresh.tls, h.Name)
	if _, err := one.Client(ctx); ctx.Err() == nil {
		t.Errorf("a new connection does not wait in vain: %v", err)
	}
	if ping() == nil {
		t.Error("another host still reaches it")
	}
	if _, err := remote(t, by.tls, l.Hosts[0].Name).Info(t.Context()); err != nil {
		t.Errorf("another host does not answer: %v", err)
	}
	x.beats(t)
	must(t, h.Reconnect(t.Context()))
	for way, p := range map[string]*pool.Pool{"TLS": fresh.tls, "ssh": fresh.ssh} {
		c, err := remote(t, p, h.Name).ContainerInspect(t.Context(), x.id)
		must(t, err)
		if !c.State.Running || c.State.StartedAt != started {
			t.Errorf("over %s the container is %+v, and was started at %s", way, c.State, started)
		}
	}
}

func pause(t *testing.T, l *lab.Lab, by by) {
	h := l.Hosts[1]
	x := beat(t, l, h)
	c := remote(t, by.tls, h.Name)
	must(t, h.Pause())
	if !silent(t, c) {
		t.Error("it answers though it is paused")
	}
	x.beats(t)
	must(t, h.Resume())
	if _, err := c.Info(t.Context()); err != nil {
		t.Error(err)
	}
}

func freeze(t *testing.T, l *lab.Lab, by by) {
	h := l.Hosts[1]
	x := beat(t, l, h)
	c := remote(t, by.tls, h.Name)
	must(t, h.Freeze())
	if !silent(t, c) || !x.still(t) {
		t.Error("it goes on though it is frozen")
	}
	must(t, h.Resume())
	x.beats(t)
	if _, err := c.Info(t.Context()); err != nil {
		t.Error(err)
	}
}

func kill(t *testing.T, l *lab.Lab) {
	h := l.Hosts[2]
	x := beat(t, l, h)
	for range 2 { // also one that was started again
		must(t, h.Kill(t.Context()))
		if _, err := h.Docker().Ping(t.Context()); err == nil {
			t.Error("the engine answers though it was killed")
		}
		x.beats(t)
		must(t, h.Start(t.Context()))
		eventually(t, "the container runs", func() bool { return x.started(t) != "" })
		x.beats(t)
	}
}

func restart(t *testing.T, l *lab.Lab) {
	h := l.Hosts[2]
	x := beat(t, l, h)
	started := x.started(t)
	must(t, h.Restart(t.Context()))
	eventually(t, "the container runs again", func() bool { return x.started(t) != "" })
	if x.started(t) == started {
		t.Error("the container was not started again")
	}
	x.beats(t)
}

func killHost(t *testing.T, l *lab.Lab) {
	h := l.Hosts[2]
	x := beat(t, l, h)
	started := x.started(t)
	must(t, h.KillHost(t.Context()))
	if !x.still(t) {
		t.Error("the container outlives its host")
	}
	must(t, h.Start(t.Context()))
	eventually(t, "the container runs again", func() bool { return x.started(t) != "" })
	if x.started(t) == started {
		t.Error("the container was not started again")
	}
	x.beats(t)
	fresh := reach(t, l)
	if _, err := remote(t, fresh.ssh, h.Name).Info(t.Context()); err != nil {
		t.Error(err)
	}
	// Off and frozen, it can be switched off as well.
	must(t, h.Freeze())
	must(t, h.KillHost(t.Context()))
	must(t, h.Start(t.Context()))
	x.beats(t)
}

func slow(t *testing.T, l *lab.Lab) {
	h := l.Hosts[1]
	took := func() time.Duration {
		began := time.Now()
		image, err := remote(t, reach(t, l).tls, h.Name).ImageSave(t.Context(), []string{enginetest.ImageName})
		must(t, err)
		defer image.Close()
		size, err := io.Copy(io.Discard, image)
		must(t, err)
		if size < 1_000_000 {
			t.Fatalf("the test image has %d bytes only", size)
		}
		return time.Since(began)
	}
	must(t, h.Slow(t.Context(), 4_000_000))
	slow := took()
	must(t, h.FullSpeed(t.Context()))
	fast := took()
	t.Logf("an image took %s on a slow line, %s on one at full speed", slow, fast)
	if slow < 2*time.Second || fast > slow {
		t.Errorf("an image of more than 8 Mbit took %s at 4 Mbit/s, %s at full speed", slow, fast)
	}
}

func fill(t *testing.T, l *lab.Lab) {
	h := l.Hosts[1]
	_, err := h.Docker().ImageRemove(t.Context(), enginetest.ImageName, image.RemoveOptions{Force: true, PruneChildren: true})
	must(t, err)
	must(t, h.Fill())
	if err := h.Load(t.Context(), enginetest.Client(t), enginetest.ImageName); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("an image on a full disk: %v", err)
	}
	if err := os.WriteFile(filepath.Join(l.Drive, "room"), make([]byte, 1<<20), 0o600); err != nil {
		t.Errorf("the shared drive is full as well: %v", err)
	}
	must(t, h.Empty())
	must(t, h.Load(t.Context(), enginetest.Client(t), enginetest.ImageName))
}

// ask pulls an image from the registry with and without the password.
func ask(t *testing.T, l *lab.Lab) {
	ref, err := l.Push(t.Context(), enginetest.Client(t), enginetest.ImageName)
	must(t, err)
	pull := func(ctx context.Context, user, password string) error {
		auth, err := registry.EncodeAuthConfig(registry.AuthConfig{Username: user, Password: password})
		must(t, err)
		report, err := l.Hosts[2].Docker().ImagePull(ctx, ref, image.PullOptions{RegistryAuth: auth})
		if err != nil {
			return err
		}
		defer report.Close()
		_, err = io.Copy(io.Discard, report)
		return err
	}
	for _, password := range []string{"", "wrong"} {
		if err := pull(t.Context(), l.Registry.Username, password); err == nil || !strings.Contains(err.Error(), "no basic auth credentials") && !strings.Contains(err.Error(), "unauthorized") {
			t.Errorf("with the password %q the registry says: %v", password, err)
		}
	}
	must(t, pull(t.Context(), l.Registry.Username, l.Registry.Password))
	if _, err := l.Hosts[2].Docker().ImageInspect(t.Context(), ref); err != nil {
		t.Error(err)
	}
	if _, err := l.Hosts[0].Docker().ImageInspect(t.Context(), ref); !cerrdefs.IsNotFound(err) {
		t.Errorf("the host that pushed the image still has it: %v", err)
	}
	_, err = l.Hosts[2].Docker().ImageRemove(t.Context(), ref, image.RemoveOptions{})
	must(t, err)
	must(t, l.Registry.Stop(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := pull(ctx, l.Registry.Username, l.Registry.Password); err == nil {
		t.Error("the registry was stopped, and an image was pulled")
	}
	must(t, l.Registry.Start(t.Context()))
	must(t, pull(t.Context(), l.Registry.Username, l.Registry.Password))
}
