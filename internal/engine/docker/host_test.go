// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/faultproxy"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// twice is this machine's engine under two names.
func twice(t *testing.T, endpoint string) *docker.Engine {
	t.Helper()
	return openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{
		"dal-1": {Endpoint: endpoint, Address: "192.0.2.1"},
		"dal-2": {Endpoint: endpoint, Address: "dal-2.example.com"},
	}}, docker.Options{})
}

func TestHosts(t *testing.T) {
	acctest.Long(t)
	enginetest.Image(t)
	enginetest.RunHosts(t, func(t *testing.T) engine.Engine { return twice(t, "unix://"+socket) })
}

func TestAddress(t *testing.T) {
	e := twice(t, "unix://"+socket)
	defer e.Close()
	for host, want := range map[string]string{"dal-1": "[192.0.2.1]", "dal-2": "[dal-2.example.com]", "dal-3": "[]"} {
		if got := fmt.Sprint(e.Addresses(host)); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

// TestViewShares asks the host no more through a view than through the engine.
func TestViewShares(t *testing.T) {
	enginetest.Image(t)
	proxy := faultproxy.New(t, socket)
	e := twice(t, proxy.ListenUnix(t))
	defer e.Close()
	if _, err := e.Portals(enginetest.Context(t)); err != nil {
		t.Fatal(err)
	}
	proxy.Spoil()
	view, err := e.On("dal-2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := view.Portals(enginetest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	if got := proxy.Requests(); len(got) != 0 {
		t.Errorf("a view made requests for what was known: %v", got)
	}
	// What is done through the view is known to the engine.
	st := enginetest.NewStack(t)
	enginetest.Add(t, st, "web", nil)
	enginetest.Up(t, view, st, "web")
	o, err := e.ObserveShared(enginetest.Context(t), st.Portal)
	if err != nil || len(o.Containers) != 1 || o.Host != "dal-2" {
		t.Errorf("observed %+v, %v; want the container on dal-2, whose list alone is new", o, err)
	}
}

// TestDeadHosts has a host that is down, and two that hang, next to a good one.
func TestDeadHosts(t *testing.T) {
	t.Parallel()
	enginetest.Image(t)
	proxy := faultproxy.New(t, socket)
	hang := faultproxy.Rule{Method: "GET", Path: regexp.MustCompile("/info$"), Fault: faultproxy.Hang}
	proxy.Spoil(hang, hang, hang)
	e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{
		"good":  {Endpoint: "unix://" + socket},
		"down":  {Endpoint: "tcp://127.0.0.1:1"},
		"mute":  {Endpoint: mute(t)},
		"stuck": {Endpoint: proxy.ListenUnix(t)}, // answers the probe, and nothing after it
	}}, docker.Options{})
	defer e.Close()

	begin := time.Now()
	var together sync.WaitGroup
	for range 3 {
		together.Go(func() { checkDeadHosts(t, e) })
	}
	together.Wait()
	if d := time.Since(begin); d > 15*time.Second {
		t.Errorf("it took %s", d)
	}
}

func checkDeadHosts(t *testing.T, e engine.Engine) {
	rows := e.HostStatus(enginetest.Context(t))
	want := []struct{ name, err string }{
		{"down", "Cannot connect"}, {"good", ""}, {"mute", "no answer within"}, {"stuck", "no answer within"},
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows: %+v", len(rows), rows)
		return
	}
	for i, w := range want {
		r := rows[i]
		if r.Name != w.name || r.Reachable != (w.err == "") || r.Reachable != (r.CPUs > 0) || r.Endpoint == "" {
			t.Errorf("%+v, want %+v", r, w)
		}
		if w.err != "" {
			wantText(t, errors.New(r.Error), w.err, r.Name, r.Endpoint)
		}
	}
	if rows[0].Address != "127.0.0.1" {
		t.Errorf("a host that is down has the address %q", rows[0].Address)
	}
}

// mute accepts connections and never answers.
func mute(t *testing.T) (endpoint string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "unix://" + path
}

// TestGatewaysAreNoPortals makes a container with a gateway's labels.
func TestGatewaysAreNoPortals(t *testing.T) {
	st := enginetest.NewStack(t) // for its name, and to be swept
	c := enginetest.Client(t)
	_, err := c.ContainerCreate(t.Context(), &container.Config{
		Image:  enginetest.Image(t),
		Labels: map[string]string{pool.LabelPortal: st.Portal, pool.LabelRole: pool.RoleGateway},
	}, nil, nil, nil, st.Portal+"-gateway-1")
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, "", docker.Options{})
	defer e.Close()
	rows := e.HostStatus(enginetest.Context(t))
	if len(rows) != 1 || !slices.Contains(rows[0].Gateways, st.Portal) || slices.Contains(rows[0].Portals, st.Portal) {
		t.Errorf("%+v", rows)
	}
	if names, err := e.Portals(enginetest.Context(t)); err != nil || slices.Contains(names, st.Portal) {
		t.Errorf("portals %q, %v", names, err)
	}
}
