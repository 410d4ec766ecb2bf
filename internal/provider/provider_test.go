// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// nobody is a pool without a portal.
type nobody struct{ client.Deployer }

func (nobody) Portals(context.Context) ([]string, error) { return nil, nil }

// variables are all that the provider reads of the environment.
var variables = []string{
	envEngine, envStoragePath, envStorageID, envSubnetPool, envAddress, envTLSCA, envTLSCert, envTLSKey,
	envSSHKey, envSSHPass, envSSHKnown, envAgentBinary, "DOCKER_HOST",
}

// serve is the provider over a deployer, which tells what it was configured with.
func serve(t *testing.T, d client.Deployer, env map[string]string) (factories, func() *config) {
	t.Helper()
	for _, name := range variables {
		t.Setenv(name, env[name])
	}
	var got *config
	p := newWith("test", func(cfg config, _ string) (client.Deployer, error) {
		got = &cfg
		return d, nil
	})
	return factories{"portal": providerserver.NewProtocol6WithError(p())}, func() *config { return got }
}

type factories = map[string]func() (tfprotov6.ProviderServer, error)

// configured runs a configuration and returns what the provider was connected
// with, nil when it never was.
func configured(t *testing.T, hcl string, env map[string]string, want *regexp.Regexp) *config {
	t.Helper()
	served, got := serve(t, nobody{}, env)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: served,
		Steps: []resource.TestStep{{
			Config:      hcl + "\n" + `data "portal_portals" "all" {}`,
			ExpectError: want,
		}},
	})
	return got()
}

func TestConfig(t *testing.T) {
	const all = `
provider "portal" {
  engine = "docker"
  hosts = {
    a = { endpoint = "unix:///run/a.sock", address = "203.0.113.7", labels = { zone = "a" } }
    b = { endpoint = "tcp://10.0.0.12:2376", tls = { ca = "CA", cert = "CERT", key = "KEY" } }
    c = { endpoint = "tcp://10.0.0.13:2376" }
  }
  storage     = { path = "/mnt/portals", id = "abc" }
  registries  = { "ghcr.io" = { username = "ci", password = "token" } }
  subnet_pool = "10.99.0.0/20"
}`
	defaults := config{storagePath: "/srv/portals", subnetPool: netip.MustParsePrefix("10.210.0.0/16")}
	for name, tc := range map[string]struct {
		hcl  string
		env  map[string]string
		want config
	}{
		"nothing": {`provider "portal" {}`, nil, defaults},
		"everything": {all, nil, config{
			pool: pool.Config{
				Hosts: map[string]pool.HostConfig{
					"a": {Endpoint: "unix:///run/a.sock", Address: "203.0.113.7", Labels: map[string]string{"zone": "a"}},
					"b": {Endpoint: "tcp://10.0.0.12:2376", TLS: &pool.TLS{CA: "CA", Cert: "CERT", Key: "KEY"}},
					"c": {Endpoint: "tcp://10.0.0.13:2376"},
				},
				Registries: map[string]pool.RegistryAuth{"ghcr.io": {Username: "ci", Password: "token"}},
			},
			storagePath: "/mnt/portals", storageID: "abc", subnetPool: netip.MustParsePrefix("10.99.0.0/20"),
		}},
		"swarm": {
			"provider \"portal\" {\n swarm = { endpoint_mode = \"vip\", encrypted_networks = true }\n}",
			map[string]string{envEngine: "swarm"},
			config{
				engine: engineSwarm, swarm: swarm.Options{EndpointMode: "vip", Encrypted: true},
				storagePath: defaults.storagePath, subnetPool: defaults.subnetPool,
			},
		},
		"the environment stands in": {
			`provider "portal" {}`,
			map[string]string{
				envStoragePath: "/env/portals", envStorageID: "env", envSubnetPool: "10.98.0.0/16", envAgentBinary: "/bin/agent",
			},
			config{
				storagePath: "/env/portals", storageID: "env", agentBinary: "/bin/agent",
				subnetPool: netip.MustParsePrefix("10.98.0.0/16"),
			},
		},
		"attributes win": {
			`provider "portal" { storage = { path = "/mnt/portals" } }`,
			map[string]string{envStoragePath: "/env/portals"},
			config{storagePath: "/mnt/portals", subnetPool: defaults.subnetPool},
		},
		"certificates from the environment are for tcp alone": {
			`provider "portal" {
  hosts = {
    a = { endpoint = "unix:///run/a.sock" }
    b = { endpoint = "tcp://10.0.0.12:2376", tls = { ca = "CA" } }
    c = { endpoint = "tcp://10.0.0.13:2376" }
  }
}`,
			map[string]string{envTLSCA: "ENVCA", envTLSCert: "ENVCERT", envTLSKey: "ENVKEY"},
			config{
				pool: pool.Config{Hosts: map[string]pool.HostConfig{
					"a": {Endpoint: "unix:///run/a.sock"},
					"b": {Endpoint: "tcp://10.0.0.12:2376", TLS: &pool.TLS{CA: "CA", Cert: "ENVCERT", Key: "ENVKEY"}},
					"c": {Endpoint: "tcp://10.0.0.13:2376", TLS: &pool.TLS{CA: "ENVCA", Cert: "ENVCERT", Key: "ENVKEY"}},
				}},
				storagePath: defaults.storagePath, subnetPool: defaults.subnetPool,
			},
		},
		"DOCKER_HOST with certificates as texts": {
			`provider "portal" {}`,
			map[string]string{"DOCKER_HOST": "tcp://10.0.0.14:2376", envTLSCA: "ENVCA"},
			config{
				pool: pool.Config{Hosts: map[string]pool.HostConfig{
					pool.DefaultHost: {Endpoint: "tcp://10.0.0.14:2376", TLS: &pool.TLS{CA: "ENVCA"}},
				}},
				storagePath: defaults.storagePath, subnetPool: defaults.subnetPool,
			},
		},
		"DOCKER_HOST with an address": {
			`provider "portal" {}`,
			map[string]string{"DOCKER_HOST": "tcp://10.0.0.14:2376", envTLSCA: "ENVCA", envAddress: "dal-1.example.com"},
			config{
				pool: pool.Config{
					Hosts: map[string]pool.HostConfig{
						pool.DefaultHost: {Endpoint: "tcp://10.0.0.14:2376", Address: "dal-1.example.com", TLS: &pool.TLS{CA: "ENVCA"}},
					},
					Address: "dal-1.example.com",
				},
				storagePath: defaults.storagePath, subnetPool: defaults.subnetPool,
			},
		},
		"an address for the host that the pool finds": {
			`provider "portal" {}`,
			map[string]string{envAddress: "2001:db8::7"},
			config{
				pool:        pool.Config{Address: "2001:db8::7"},
				storagePath: defaults.storagePath, subnetPool: defaults.subnetPool,
			},
		},
		"the environment's address is for no host of the block": {
			`provider "portal" { hosts = { a = { endpoint = "unix:///run/a.sock" } } }`,
			map[string]string{envAddress: "203.0.113.7"},
			config{
				pool:        pool.Config{Hosts: map[string]pool.HostConfig{"a": {Endpoint: "unix:///run/a.sock"}}},
				storagePath: defaults.storagePath, subnetPool: defaults.subnetPool,
			},
		},
		"keys from the environment are for ssh alone, and each passphrase for its key": {
			`provider "portal" {
  hosts = {
    a = { endpoint = "unix:///run/a.sock" }
    b = { endpoint = "ssh://ops@10.0.0.11", ssh = { private_key = "KEY", socket = "/run/d.sock" } }
    c = { endpoint = "ssh://ops@10.0.0.12", ssh = { known_hosts = "KNOWN" } }
    d = { endpoint = "ssh://ops@10.0.0.13" }
  }
}`,
			map[string]string{envSSHKey: "ENVKEY", envSSHPass: "ENVPASS", envSSHKnown: "ENVKNOWN"},
			config{
				pool: pool.Config{Hosts: map[string]pool.HostConfig{
					"a": {Endpoint: "unix:///run/a.sock"},
					"b": {Endpoint: "ssh://ops@10.0.0.11", SSH: &pool.SSH{PrivateKey: "KEY", KnownHosts: "ENVKNOWN", Socket: "/run/d.sock"}},
					"c": {Endpoint: "ssh://ops@10.0.0.12", SSH: &pool.SSH{PrivateKey: "ENVKEY", Passphrase: "ENVPASS", KnownHosts: "KNOWN"}},
					"d": {Endpoint: "ssh://ops@10.0.0.13", SSH: &pool.SSH{PrivateKey: "ENVKEY", Passphrase: "ENVPASS", KnownHosts: "ENVKNOWN"}},
				}},
				storagePath: defaults.storagePath, subnetPool: defaults.subnetPool,
			},
		},
		"DOCKER_HOST over ssh with keys as texts": {
			`provider "portal" {}`,
			map[string]string{"DOCKER_HOST": "ssh://ops@10.0.0.11", envSSHKey: "ENVKEY", envSSHKnown: "ENVKNOWN"},
			config{
				pool: pool.Config{Hosts: map[string]pool.HostConfig{
					pool.DefaultHost: {Endpoint: "ssh://ops@10.0.0.11", SSH: &pool.SSH{PrivateKey: "ENVKEY", KnownHosts: "ENVKNOWN"}},
				}},
				storagePath: defaults.storagePath, subnetPool: defaults.subnetPool,
			},
		},
		"DOCKER_HOST over ssh with the user's own keys is left to the pool": {
			`provider "portal" {}`, map[string]string{"DOCKER_HOST": "ssh://ops@10.0.0.11"}, defaults,
		},
		"DOCKER_HOST is left to the pool": {
			`provider "portal" {}`,
			map[string]string{"DOCKER_HOST": "tcp://10.0.0.14:2375"},
			defaults,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := configured(t, tc.hcl, tc.env, nil)
			if got == nil {
				t.Fatal("the provider was not connected")
			}
			tc.want.engine = cmp.Or(tc.want.engine, engineDocker)
			if !reflect.DeepEqual(*got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tc.want)
			}
		})
	}
}

func TestMistakesInTheProviderBlock(t *testing.T) {
	for name, tc := range map[string]struct {
		hcl, variable, value, want string
	}{
		"engine":                {hcl: `engine = "kubernetes"`, want: `engine[\s\S]*"docker"[\s\S]*"swarm"`},
		"swarm block of docker": {hcl: `swarm = { encrypted_networks = true }`, want: `Set\s+engine\s+=\s+"swarm"`},
		"placement in swarm":    {hcl: "engine = \"swarm\"\n placement = \"pack\"", want: `leave\s+placement\s+out`},
		"drain in swarm":        {hcl: "engine = \"swarm\"\n hosts = { a = { endpoint = \"ssh://10.0.0.11\", drain = true } }", want: `drained\s+in\s+the\s+Swarm[\s\S]*--availability\s+drain\s+a`},
		"labels in swarm":       {hcl: "engine = \"swarm\"\n hosts = { a = { endpoint = \"ssh://10.0.0.11\", labels = { z = \"a\" } } }", want: `labelled\s+in\s+the\s+Swarm[\s\S]*--label-add`},
		"endpoint mode":         {hcl: "engine = \"swarm\"\n swarm = { endpoint_mode = \"mesh\" }", want: `swarm.endpoint_mode[\s\S]*"dnsrr"`},
		"password in ssh":       {hcl: `hosts = { a = { endpoint = "ssh://ops:pw@10.0.0.11" } }`, want: `hosts\["a"\].endpoint[\s\S]*leave\s+the\s+password\s+out`},
		"socket over ssh":       {hcl: `hosts = { a = { endpoint = "ssh://ops@10.0.0.11", ssh = { socket = "docker.sock" } } }`, want: `hosts\["a"\].ssh.socket[\s\S]*begin\s+with\s+a\s+slash`},
		"no hosts":              {hcl: `hosts = {}`, want: `hosts`},
		"storage path":          {hcl: `storage = { path = "portals" }`, want: `storage.path[\s\S]*begin with a slash`},
		"subnet pool":           {hcl: `subnet_pool = "10.0.0.1/16"`, want: `subnet_pool[\s\S]*10.0.0.0/16`},
		"registry":              {hcl: `registries = { "https://ghcr.io" = { username = "a", password = "b" } }`, want: `leave the scheme\s+out`},
		"environment":           {variable: envStoragePath, value: "portals", want: `PORTAL_STORAGE_PATH[\s\S]*begin with\s+a\s+slash`},
		"address":               {hcl: `hosts = { a = { endpoint = "unix:///a.sock", address = "http://a.test" } }`, want: `hosts\["a"\].address[\s\S]*leave\s+the\s+scheme\s+out`},
		"environment's address": {variable: envAddress, value: "203.0.113.7:80", want: `PORTAL_ADDRESS[\s\S]*leave\s+port`},
		"environment's engine": {
			variable: envEngine, value: "kubernetes", want: `PORTAL_ENGINE[\s\S]*"docker"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{tc.variable: tc.value}
			if got := configured(t, `provider "portal" {`+"\n"+tc.hcl+"\n}", env, regexp.MustCompile(tc.want)); got != nil {
				t.Errorf("the provider was connected with %+v", *got)
			}
		})
	}
}

// anybody makes every portal that it is asked for.
type anybody struct {
	client.Deployer
	result *deploy.Result
}

func (anybody) Place(context.Context, *stack.Stack, stack.Spec, string) (placement.Decision, error) {
	return placement.Decision{Host: "new", Reason: "the only host"}, nil
}

func (a anybody) Create(_ context.Context, _ stack.Spec, desired *stack.Stack, _ map[string]string) (deploy.Result, error) {
	*a.result = deploy.Result{Host: "new", Services: stack.Summarize(desired), HTTPPort: 8080}
	return *a.result, nil
}

func (a anybody) Read(context.Context, string) (deploy.Result, bool, error) {
	return *a.result, true, nil
}

func (anybody) Delete(context.Context, string, stack.OnDestroy) error { return nil }

func (anybody) ApplyOverride(_ context.Context, o deploy.Override) (deploy.OverrideState, error) {
	if o.Secrets["KEY"] != "generated" {
		return deploy.OverrideState{}, fmt.Errorf("the secrets are %v", o.Secrets)
	}
	return deploy.OverrideState{ID: "acme/00000001", Status: deploy.OverrideApplied}, nil
}

func (anybody) ReadOverride(context.Context, string, string) (deploy.OverrideState, bool, error) {
	return deploy.OverrideState{
		Portal: "acme", ID: "acme/00000001", Status: deploy.OverrideApplied,
		Secrets: map[string]string{"KEY": deploy.SecretSet},
	}, true, nil
}

func (anybody) RemoveOverride(context.Context, string, string) error { return nil }

func (a anybody) Credentials(context.Context, string) (map[string]string, error) {
	if a.result.Host == "" {
		return nil, errors.New("there is no such portal yet")
	}
	return map[string]string{"key": "generated"}, nil
}

// A host that is made in the same apply is unknown while it is planned; the
// stack of the portal on it is planned all the same, and so are overrides.
func TestHostMadeInTheSameApply(t *testing.T) {
	served, got := serve(t, anybody{result: new(deploy.Result)}, nil)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: served,
		Steps: []resource.TestStep{{
			Config: `
resource "terraform_data" "host" {
  input = "tcp://10.0.0.15:2375"
}
provider "portal" {
  hosts = { new = { endpoint = terraform_data.host.output } }
}
resource "portal" "acme" {
  name      = "acme"
  domain    = "learn.acme.test"
  http_port = 8080
  blueprint = "./portal/testdata/small"
}
ephemeral "portal_credentials" "acme" {
  portal = portal.acme.name
}
resource "portal_override" "key" {
  portal                   = portal.acme.name
  secret_values_wo         = { KEY = ephemeral.portal_credentials.acme.values["key"] }
  secret_values_wo_version = 1
}`,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue("portal.acme", tfjsonpath.New("stack"), knownvalue.MapSizeExact(3)),
				plancheck.ExpectKnownValue("portal_override.key", tfjsonpath.New("secrets").AtMapKey("KEY"), knownvalue.StringExact("set")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("portal.acme", tfjsonpath.New("host"), knownvalue.StringExact("new")),
			},
		}},
	})
	if host := got().pool.Hosts["new"]; host.Endpoint != "tcp://10.0.0.15:2375" {
		t.Errorf("the portal was made on %+v", host)
	}
}
