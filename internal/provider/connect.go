// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// agentRepository holds the published image of the file agent, for runners
// whose own binary does not run on the hosts.
const agentRepository = "ghcr.io/privateportals/agent"

// connect joins pool, engine and drive to what deploys portals.
func connect(cfg config, version string) (client.Deployer, error) {
	p, err := pool.New(cfg.pool)
	if err != nil {
		return nil, err
	}
	plain := docker.New(p, docker.Options{
		StoragePath: cfg.storagePath,
		SubnetPool:  cfg.subnetPool,
		AgentBinary: cfg.agentBinary,
		AgentImage:  agentRepository + ":" + version,
		Version:     version,
	})
	var eng engine.Engine = plain
	if cfg.engine == engineSwarm {
		cfg.swarm.StoragePath, cfg.swarm.Version = cfg.storagePath, version
		eng = swarm.New(p, plain, cfg.swarm)
	}
	return &deploy.Deployer{
		Engine:      eng,
		StoragePath: cfg.storagePath,
		StorageID:   cfg.storageID,
		Strategy:    cfg.placement,
		Version:     version,
		Progress:    func(ctx context.Context, line string) { tflog.Info(ctx, line) },
	}, nil
}
