// SPDX-License-Identifier: MPL-2.0

//go:build lab

package lab_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// patience with what happens in a second on a machine that is not busy.
const patience = time.Minute

// start makes a lab whose hosts have the test image.
func start(t *testing.T, o lab.Options) *lab.Lab {
	t.Helper()
	began := time.Now()
	l := lab.Start(t, o)
	t.Logf("the lab is up after %s", time.Since(began).Round(time.Millisecond))
	if err := l.Load(t.Context(), enginetest.Client(t), enginetest.Image(t)); err != nil {
		t.Fatal(err)
	}
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come true: %s", what)
		}
	}
}

// by are the ways in which the provider reaches hosts.
type by struct{ tls, ssh *pool.Pool }

func reach(t *testing.T, l *lab.Lab) by {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(l.ClientDir(), name))
		must(t, err)
		return string(text)
	}
	tls := pool.TLS{CA: read("ca.pem"), Cert: read("cert.pem"), Key: read("key.pem")}
	ssh := pool.SSH{PrivateKey: read("id_ed25519"), KnownHosts: read("known_hosts")}
	overTLS, overSSH := map[string]pool.HostConfig{}, map[string]pool.HostConfig{}
	for _, h := range l.Hosts {
		overTLS[h.Name] = pool.HostConfig{Endpoint: "tcp://" + h.Address + ":2376", TLS: &tls}
		overSSH[h.Name] = pool.HostConfig{Endpoint: "ssh://root@" + h.Address, SSH: &ssh}
	}
	return by{open(t, overTLS), open(t, overSSH)}
}

func open(t *testing.T, hosts map[string]pool.HostConfig) *pool.Pool {
	t.Helper()
	p, err := pool.New(pool.Config{Hosts: hosts})
	must(t, err)
	t.Cleanup(p.Close)
	return p
}

func find(t *testing.T, p *pool.Pool, name string) *pool.Host {
	t.Helper()
	for _, h := range p.Hosts() {
		if h.Name == name {
			return h
		}
	}
	t.Fatalf("no host %s", name)
	return nil
}

// remote is the API client of a host that is reached over the network.
func remote(t *testing.T, p *pool.Pool, name string) *client.Client {
	t.Helper()
	c, err := find(t, p, name).Client(t.Context())
	must(t, err)
	return c
}

// silent tells whether a host leaves a request without an answer for a second.
func silent(t *testing.T, c *client.Client) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := c.Info(ctx)
	return errors.Is(err, context.DeadlineExceeded)
}

// heart is a container that writes to the shared drive ten times a second.
type heart struct {
	host *lab.Host
	id   string
	file string
}

// beat starts one on a host. It has a restart policy, as services of portals.
func beat(t *testing.T, l *lab.Lab, h *lab.Host) *heart {
	t.Helper()
	name := strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))
	x := &heart{host: h, file: filepath.Join(l.Drive, name)}
	made, err := h.Docker().ContainerCreate(t.Context(), &container.Config{
		Image: enginetest.ImageName, Cmd: []string{"sh", "-c", "trap exit TERM; while :; do echo >>/drive/" + name + "; sleep 0.1; done"},
	}, &container.HostConfig{
		Binds: []string{l.Drive + ":/drive"}, RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyAlways},
	}, nil, nil, name)
	must(t, err)
	x.id = made.ID
	must(t, h.Docker().ContainerStart(t.Context(), x.id, container.StartOptions{}))
	t.Cleanup(func() {
		_ = h.Docker().ContainerRemove(context.Background(), x.id, container.RemoveOptions{Force: true}) // the lab goes anyway
	})
	x.beats(t)
	return x
}

// beats waits until it has written more than once.
func (x *heart) beats(t *testing.T) {
	t.Helper()
	before := x.count(t)
	eventually(t, "the container on "+x.host.Name+" writes to the drive", func() bool { return x.count(t) > before+1 })
}

// still tells whether it writes nothing for a second.
func (x *heart) still(t *testing.T) bool {
	t.Helper()
	before := x.count(t)
	time.Sleep(time.Second) // that nothing happens has no event
	return x.count(t) == before
}

func (x *heart) count(t *testing.T) int64 {
	t.Helper()
	f, err := os.Stat(x.file)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	must(t, err)
	return f.Size()
}

// started is when the container was started last, empty when it does not run.
func (x *heart) started(t *testing.T) string {
	t.Helper()
	c, err := x.host.Docker().ContainerInspect(t.Context(), x.id)
	must(t, err)
	if !c.State.Running {
		return ""
	}
	return c.State.StartedAt
}
