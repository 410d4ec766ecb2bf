// SPDX-License-Identifier: MPL-2.0

package dockersim_test

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/dockersim"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// listen serves a simulated host with the test image, and returns its endpoint.
func listen(t testing.TB, h *dockersim.Host) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "d.sock")
	if err := h.Listen(socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return "unix://" + socket
}

// listenWithImage is listen on a host that the test image was imported to.
func listenWithImage(t testing.TB) string {
	t.Helper()
	endpoint := listen(t, dockersim.New(dockersim.Options{Name: "sim"}))
	c, err := client.NewClientWithOpts(client.WithHost(endpoint), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	enginetest.ImportImage(t, c, enginetest.ImageName)
	return endpoint
}

// open makes the engine docker over simulated hosts, by name.
func open(t testing.TB, hosts map[string]string, storage string) *docker.Engine {
	t.Helper()
	cfg := pool.Config{Hosts: map[string]pool.HostConfig{}}
	for name, endpoint := range hosts {
		cfg.Hosts[name] = pool.HostConfig{Endpoint: endpoint}
	}
	p, err := pool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	// The agent's image is made of it, and never run.
	program, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal("a static program is needed: apt-get install busybox-static")
	}
	return docker.New(p, docker.Options{
		StoragePath: storage, SubnetPool: netip.MustParsePrefix("10.210.0.0/16"), Version: "0.0.0-test", AgentBinary: program,
	})
}

// TestContract holds the simulated host to what a real one is held to, but for
// programs, which it has not.
func TestContract(t *testing.T) {
	endpoint := listenWithImage(t)
	t.Setenv("DOCKER_HOST", endpoint)
	enginetest.RunWithoutPrograms(t, func(t *testing.T) engine.Engine {
		return open(t, map[string]string{"dal-1": endpoint}, "/srv/portals")
	})
}

// TestHosts has three hosts that are one: tests sweep that which the environment
// names.
func TestHosts(t *testing.T) {
	endpoint := listenWithImage(t)
	t.Setenv("DOCKER_HOST", endpoint)
	enginetest.RunHosts(t, func(t *testing.T) engine.Engine {
		return open(t, map[string]string{"dal-1": endpoint, "dal-2": endpoint, "dal-3": endpoint}, "/srv/portals")
	})
}

// TestAgents lets the real file agent serve a real directory.
func TestAgents(t *testing.T) {
	endpoint := listenWithImage(t)
	t.Setenv("DOCKER_HOST", endpoint)
	drive := t.TempDir()
	enginetest.RunAgents(t, func(t *testing.T) engine.Engine {
		return open(t, map[string]string{"dal-1": endpoint}, drive)
	})
}
