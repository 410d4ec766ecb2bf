// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/dockersim"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// simulated makes an engine over hosts that are not there.
func simulated(t *testing.T, hosts int) (*docker.Engine, []*dockersim.Host) {
	t.Helper()
	program, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal("the agent's image is made of a static program: apt-get install busybox-static")
	}
	cfg := pool.Config{Hosts: map[string]pool.HostConfig{}}
	var all []*dockersim.Host
	dir := t.TempDir()
	for i := range hosts {
		h := dockersim.New(dockersim.Options{Images: []string{enginetest.ImageName}})
		socket := filepath.Join(dir, fmt.Sprintf("%d.sock", i))
		if err := h.Listen(socket); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.Close)
		cfg.Hosts[fmt.Sprintf("dal-%d", i)] = pool.HostConfig{Endpoint: "unix://" + socket}
		all = append(all, h)
	}
	e := openPool(t, cfg, docker.Options{StoragePath: dir, AgentBinary: program})
	t.Cleanup(func() { e.Close() })
	return e, all
}

// neighbour is a portal with two services, one of which wants a port of the host.
func neighbour(storage string, i int) *stack.Stack {
	name := fmt.Sprintf("neighbour-%03d", i)
	network := stack.NetworkName(name, "default")
	st := &stack.Stack{
		Portal: name, Directory: filepath.Join(storage, name), StorageID: "0123",
		Services: map[string]*stack.Service{}, Networks: map[string]stack.Network{network: {Name: network}},
	}
	for _, service := range []string{"lms", "cms"} {
		st.Services[service] = &stack.Service{
			Name: service, Image: enginetest.ImageName, Replicas: 1, Networks: map[string][]string{network: nil},
		}
	}
	st.Services["lms"].Ports = []stack.Port{{Container: 80, Host: 10_000 + i}}
	return st
}

// settle makes a portal on a host.
func settle(t *testing.T, e *docker.Engine, host string, st *stack.Stack) {
	t.Helper()
	on, err := e.On(host)
	if err != nil {
		t.Fatal(err)
	}
	for n := range st.Networks {
		enginetest.Do(t, on, st, stack.EnsureNetwork, "", n)
	}
	for service := range st.Services {
		enginetest.Do(t, on, st, stack.Create, service, "")
		enginetest.Do(t, on, st, stack.Start, service, "")
	}
}

// TestCostBesideOthers bounds what the whole life of one more portal costs: the
// same requests and as much to read, however many others there are.
func TestCostBesideOthers(t *testing.T) {
	e, hosts := simulated(t, 2)
	ctx := enginetest.Context(t)
	life := func(i int) (requests, bytes int64) {
		st := neighbour(t.TempDir(), i)
		for _, h := range hosts {
			h.ResetRequests()
		}
		if err := e.Check(ctx, st, stack.Observed{}); err != nil {
			t.Fatal(err)
		}
		settle(t, e, "dal-1", st)
		for range 2 {
			if o, err := e.Observe(ctx, st.Portal); err != nil || len(o.Containers) != 2 || o.Host != "dal-1" {
				t.Fatalf("observed %+v, %v", o, err)
			}
			if o, err := e.ObserveShared(ctx, st.Portal); err != nil || len(o.Containers) != 2 {
				t.Fatalf("observed %+v, %v", o, err)
			}
			enginetest.Do(t, e, st, stack.Restart, "cms", "")
			enginetest.Do(t, e, st, stack.EnsureImage, "cms", enginetest.ImageName)
			if id, err := e.StorageID(ctx); err != nil || id != "" {
				t.Fatalf("storage id %q, %v", id, err)
			}
			if names, err := e.Portals(ctx); err != nil || !slices.Contains(names, st.Portal) {
				t.Fatalf("portals %q, %v", names, err)
			}
		}
		pipe, err := e.Agent(ctx, st.Portal)
		if err != nil {
			t.Fatal(err)
		}
		pipe.Close()
		for service := range st.Services {
			enginetest.Do(t, e, st, stack.Stop, service, "")
			enginetest.Do(t, e, st, stack.Remove, service, "")
		}
		for n := range st.Networks {
			enginetest.Do(t, e, st, stack.RemoveNetwork, "", n)
		}
		if err := e.SyncSchedulers(ctx); err != nil {
			t.Fatal(err)
		}
		sum := map[string]dockersim.Count{}
		for _, h := range hosts {
			dockersim.AddRequests(sum, h.Requests())
		}
		for _, n := range sum {
			requests, bytes = requests+n.Requests, bytes+n.Bytes
		}
		return requests, bytes
	}
	life(0) // lists everything, and imports the agent's image
	few, fewBytes := life(1)
	for i := range 60 {
		settle(t, e, []string{"dal-0", "dal-1"}[i%2], neighbour("/srv/elsewhere", 100+i))
	}
	if _, err := e.Portals(ctx); err != nil {
		t.Fatal(err)
	}
	many, manyBytes := life(2)
	if many > few+2 || manyBytes > 2*fewBytes {
		t.Errorf("beside 60 portals it took %d requests and %d bytes, beside none %d and %d", many, manyBytes, few, fewBytes)
	}
}
