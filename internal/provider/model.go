// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"net/netip"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

const (
	engineDocker       = "docker"
	engineSwarm        = "swarm"
	defaultStoragePath = "/srv/portals"
	defaultSubnetPool  = "10.210.0.0/16"
)

// Environment variables that stand in for attributes which are not set, as
// remote runners need them.
const (
	envEngine      = "PORTAL_ENGINE"
	envStoragePath = "PORTAL_STORAGE_PATH"
	envStorageID   = "PORTAL_STORAGE_ID"
	envSubnetPool  = "PORTAL_SUBNET_POOL"
	envPlacement   = "PORTAL_PLACEMENT"
	envAddress     = "PORTAL_ADDRESS"
	envTLSCA       = "PORTAL_TLS_CA"
	envTLSCert     = "PORTAL_TLS_CERT"
	envTLSKey      = "PORTAL_TLS_KEY"
	envSSHKey      = "PORTAL_SSH_KEY"
	envSSHPass     = "PORTAL_SSH_PASSPHRASE"
	envSSHKnown    = "PORTAL_SSH_KNOWN_HOSTS"
	envAgentBinary = "PORTAL_AGENT_BINARY"
)

// model is the provider block as Terraform has it.
type model struct {
	Engine     types.String `tfsdk:"engine"`
	Hosts      types.Map    `tfsdk:"hosts"`
	Placement  types.String `tfsdk:"placement"`
	Swarm      *swarmModel  `tfsdk:"swarm"`
	Storage    types.Object `tfsdk:"storage"`
	Registries types.Map    `tfsdk:"registries"`
	SubnetPool types.String `tfsdk:"subnet_pool"`
}

type hostModel struct {
	Endpoint types.String `tfsdk:"endpoint"`
	Address  types.String `tfsdk:"address"`
	TLS      *tlsModel    `tfsdk:"tls"`
	SSH      *sshModel    `tfsdk:"ssh"`
	Labels   types.Map    `tfsdk:"labels"`
	Drain    types.Bool   `tfsdk:"drain"`
	Force    types.Bool   `tfsdk:"force_move"`
}

type tlsModel struct {
	CA   types.String `tfsdk:"ca"`
	Cert types.String `tfsdk:"cert"`
	Key  types.String `tfsdk:"key"`
}

type registryModel struct {
	Username types.String `tfsdk:"username"`
	Password types.String `tfsdk:"password"`
}

// config is the provider block with the environment and the defaults filled in.
type config struct {
	pool        pool.Config
	placement   placement.Strategy
	storagePath string
	storageID   string
	subnetPool  netip.Prefix
	agentBinary string
	engine      string
	swarm       swarm.Options
}

// storagePath is known as soon as the attribute is, whatever else is not.
// It is empty while unknown.
func (m model) storagePath() string {
	if m.Storage.IsUnknown() {
		return ""
	}
	attr, _ := m.Storage.Attributes()["path"].(types.String)
	if attr.IsUnknown() {
		return ""
	}
	return cmp.Or(attr.ValueString(), os.Getenv(envStoragePath), defaultStoragePath)
}

// config resolves a provider block in which everything is known.
func (m model) config(ctx context.Context) (config, diag.Diagnostics) {
	storageID, _ := m.Storage.Attributes()["id"].(types.String)
	cfg := config{
		storagePath: m.storagePath(),
		storageID:   cmp.Or(storageID.ValueString(), os.Getenv(envStorageID)),
		agentBinary: os.Getenv(envAgentBinary),
		placement:   placement.Strategy(cmp.Or(m.Placement.ValueString(), os.Getenv(envPlacement))),
	}
	var diags diag.Diagnostics
	diags.Append(checkEnvironment(ctx)...)
	cfg.engine = cmp.Or(m.Engine.ValueString(), os.Getenv(envEngine), engineDocker)
	hosts, d := m.hosts(ctx)
	diags.Append(d...)
	registries, d := m.registries(ctx)
	diags.Append(d...)
	cfg.pool = pool.Config{Hosts: hosts, Registries: registries}
	if m.Hosts.IsNull() {
		cfg.pool.Address = os.Getenv(envAddress)
	}

	prefix, err := netip.ParsePrefix(cmp.Or(m.SubnetPool.ValueString(), os.Getenv(envSubnetPool), defaultSubnetPool))
	if err != nil {
		diags.AddError("Invalid subnet pool", err.Error())
	}
	cfg.subnetPool = prefix
	diags.Append(m.swarm(&cfg)...)
	return cfg, diags
}

func (m model) hosts(ctx context.Context) (map[string]pool.HostConfig, diag.Diagnostics) {
	if m.Hosts.IsNull() {
		return environmentHosts(), nil
	}
	var hosts map[string]hostModel
	diags := m.Hosts.ElementsAs(ctx, &hosts, false)
	out := make(map[string]pool.HostConfig, len(hosts))
	for name, h := range hosts {
		host := pool.HostConfig{Endpoint: h.Endpoint.ValueString(), Address: h.Address.ValueString(), TLS: h.tls(), SSH: h.ssh(), Drain: h.Drain.ValueBool(), GivenUp: h.Force.ValueBool()}
		if len(h.Labels.Elements()) > 0 {
			diags.Append(h.Labels.ElementsAs(ctx, &host.Labels, false)...)
		}
		out[name] = host
	}
	return out, diags
}

// tls joins the certificates of the block with those of the environment. The
// environment is for tcp endpoints alone.
func (h hostModel) tls() *pool.TLS {
	given := h.TLS
	if given == nil {
		given = &tlsModel{}
	}
	t := pool.TLS{CA: given.CA.ValueString(), Cert: given.Cert.ValueString(), Key: given.Key.ValueString()}
	if isTCP(h.Endpoint.ValueString()) {
		t = pool.TLS{
			CA:   cmp.Or(t.CA, os.Getenv(envTLSCA)),
			Cert: cmp.Or(t.Cert, os.Getenv(envTLSCert)),
			Key:  cmp.Or(t.Key, os.Getenv(envTLSKey)),
		}
	}
	if h.TLS == nil && t == (pool.TLS{}) {
		return nil
	}
	return &t
}

// environmentHosts is the host of DOCKER_HOST when its certificates or keys are
// given as texts in the environment. Otherwise it is nil: the pool looks for the
// host the way the docker command does.
func environmentHosts() map[string]pool.HostConfig {
	h := hostModel{Endpoint: types.StringValue(os.Getenv("DOCKER_HOST"))}
	host := pool.HostConfig{Endpoint: h.Endpoint.ValueString(), Address: os.Getenv(envAddress), TLS: h.tls(), SSH: h.ssh()}
	if host.TLS == nil && host.SSH == nil {
		return nil
	}
	return map[string]pool.HostConfig{pool.DefaultHost: host}
}

func isTCP(endpoint string) bool { return strings.HasPrefix(endpoint, "tcp://") }

func (m model) registries(ctx context.Context) (map[string]pool.RegistryAuth, diag.Diagnostics) {
	if len(m.Registries.Elements()) == 0 {
		return nil, nil
	}
	var registries map[string]registryModel
	diags := m.Registries.ElementsAs(ctx, &registries, false)
	out := make(map[string]pool.RegistryAuth, len(registries))
	for name, r := range registries {
		out[name] = pool.RegistryAuth{Username: r.Username.ValueString(), Password: r.Password.ValueString()}
	}
	return out, diags
}
