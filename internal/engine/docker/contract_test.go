// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"net/netip"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

func TestContract(t *testing.T) {
	enginetest.Image(t)
	enginetest.Run(t, func(t *testing.T) engine.Engine { return open(t, "", docker.Options{}) })
}

// TestLeases needs the agent's program on a drive, as a file agent puts it there.
func TestLeases(t *testing.T) {
	enginetest.Image(t)
	e := open(t, "", docker.Options{})
	t.Cleanup(func() { e.Close() })
	enginetest.RunLeases(t, e, build(t, "./testdata/agent"))
}

// open makes an engine over the host at endpoint; empty means the one that the
// environment names.
func open(t *testing.T, endpoint string, o docker.Options) *docker.Engine {
	t.Helper()
	cfg := pool.Config{}
	if endpoint != "" {
		cfg.Hosts = map[string]pool.HostConfig{"dal-1": {Endpoint: endpoint}}
	}
	return openPool(t, cfg, o)
}

func openPool(t *testing.T, cfg pool.Config, o docker.Options) *docker.Engine {
	t.Helper()
	p, err := pool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !o.SubnetPool.IsValid() {
		o.SubnetPool = netip.MustParsePrefix("10.210.0.0/16")
	}
	if o.StoragePath == "" {
		o.StoragePath = "/srv/portals"
	}
	if o.Version == "" {
		o.Version = "0.0.0-test"
	}
	return docker.New(p, o)
}
