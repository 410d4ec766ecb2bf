// SPDX-License-Identifier: MPL-2.0

//go:build lab

package swarm_test

import (
	"os"
	"testing"

	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	portalswarm "github.com/privateportals/terraform-provider-portal/internal/engine/swarm"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// TestLabSwarmContract runs the contract of engines on a Swarm of three real nodes.
func TestLabSwarmContract(t *testing.T) {
	t.Parallel()
	enginetest.Image(t)
	l := lab.Start(t, lab.Options{Managers: 3})
	if err := l.Load(t.Context(), enginetest.Client(t), enginetest.ImageName); err != nil {
		t.Fatal(err)
	}
	open := func(t *testing.T) engine.Engine {
		t.Helper()
		p, err := pool.New(pool.Config{Hosts: endpoints(l)})
		if err != nil {
			t.Fatal(err)
		}
		plain := docker.New(p, docker.Options{StoragePath: l.Drive, AgentBinary: os.Getenv("PORTAL_AGENT_BINARY")})
		return portalswarm.New(p, plain, portalswarm.Options{StoragePath: l.Drive})
	}
	scale := func(t *testing.T, service string, replicas int) {
		t.Helper()
		c := l.Hosts[0].Docker()
		s, _, err := c.ServiceInspectWithRaw(t.Context(), service, swarm.ServiceInspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n := uint64(replicas) //nolint:gosec // a handful
		s.Spec.Mode.Replicated.Replicas = &n
		if _, err := c.ServiceUpdate(t.Context(), s.ID, s.Version, s.Spec, swarm.ServiceUpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("contract", func(t *testing.T) { enginetest.RunUnits(t, open, scale) })
}

func endpoints(l *lab.Lab) map[string]pool.HostConfig {
	hosts := map[string]pool.HostConfig{}
	for _, h := range l.Hosts {
		hosts[h.Name] = pool.HostConfig{Endpoint: h.Socket(), Address: h.Address}
	}
	return hosts
}
