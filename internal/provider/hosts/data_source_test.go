// SPDX-License-Identifier: MPL-2.0

package hosts

import (
	"context"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	fwresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// watcher is a deployer that has some hosts.
type watcher struct {
	client.Deployer
	rows []engine.HostStatus
}

func (w watcher) HostStatus(context.Context) []engine.HostStatus { return w.rows }

// testProvider serves the data source over a given client.
type testProvider struct{ client *client.Client }

func (testProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "portal"
}

func (testProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

func (p testProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.DataSourceData = p.client
}

func (testProvider) Resources(context.Context) []func() fwresource.Resource { return nil }

func (testProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{NewDataSource}
}

// read is a test of the data source over a deployer, which may be nil.
func read(d client.Deployer, step resource.TestStep) resource.TestCase {
	step.Config = `data "portal_hosts" "all" {}`
	return resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"portal": providerserver.NewProtocol6WithError(testProvider{&client.Client{Deployer: d}}),
		},
		Steps: []resource.TestStep{step},
	}
}

func TestDataSource(t *testing.T) {
	text := func(s string) knownvalue.Check { return knownvalue.StringExact(s) }
	number := func(n int64) knownvalue.Check { return knownvalue.Int64Exact(n) }
	null := knownvalue.Null()
	rows := []engine.HostStatus{
		{
			Name: "dal-1", Endpoint: "tcp://10.0.0.12:2376", Labels: map[string]string{"zone": "a"}, Drain: true, Address: "203.0.113.7", Reachable: true,
			EngineVersion: "20.10.24", APIVersion: "1.41", KernelVersion: "6.1.0", OS: "Debian GNU/Linux 12 (bookworm)", Arch: "amd64",
			CPUs: 8, Memory: 64 << 30, MemoryReserved: 20 << 30, Containers: 31, Running: 29,
			Portals: []string{"acme", "globex"}, Gateways: []string{"front"},
		},
		{Name: "dal-2", Endpoint: "tcp://10.0.0.13:2376", Address: "dal-2.example.com", Error: "no answer within 10s"},
		{ // One that was just set up: what is zero is known to be.
			Name: "dal-3", Endpoint: "unix:///tmp/dal-3.sock", Reachable: true, EngineVersion: "28.0.0", APIVersion: "1.48",
			KernelVersion: "6.12.0", OS: "Debian GNU/Linux 13 (trixie)", Arch: "arm64", CPUs: 4, Memory: 32 << 30,
		},
	}
	want := map[string]knownvalue.Check{
		"dal-1": knownvalue.ObjectExact(map[string]knownvalue.Check{
			"labels": knownvalue.MapExact(map[string]knownvalue.Check{"zone": text("a")}), "drain": knownvalue.Bool(true),
			"endpoint": text("tcp://10.0.0.12:2376"), "address": text("203.0.113.7"), "reachable": knownvalue.Bool(true), "error": null,
			"engine_version": text("20.10.24"), "api_version": text("1.41"), "kernel_version": text("6.1.0"),
			"os": text("Debian GNU/Linux 12 (bookworm)"), "arch": text("amd64"),
			"cpus": number(8), "memory": number(64 << 30), "memory_reserved": number(20 << 30),
			"containers": number(31), "containers_running": number(29),
			"portals":  knownvalue.ListExact([]knownvalue.Check{text("acme"), text("globex")}),
			"gateways": knownvalue.ListExact([]knownvalue.Check{text("front")}),
		}),
		"dal-2": knownvalue.ObjectExact(map[string]knownvalue.Check{
			"labels": knownvalue.MapSizeExact(0), "drain": knownvalue.Bool(false),
			"endpoint": text("tcp://10.0.0.13:2376"), "address": text("dal-2.example.com"), "reachable": knownvalue.Bool(false),
			"error": text("no answer within 10s"), "engine_version": null, "api_version": null, "kernel_version": null,
			"os": null, "arch": null, "cpus": null, "memory": null, "memory_reserved": null,
			"containers": null, "containers_running": null, "portals": null, "gateways": null,
		}),
		"dal-3": knownvalue.ObjectPartial(map[string]knownvalue.Check{
			"address": null, "memory_reserved": number(0), "containers": number(0), "containers_running": number(0),
			"portals": knownvalue.ListSizeExact(0), "gateways": knownvalue.ListSizeExact(0),
		}),
	}
	resource.UnitTest(t, read(watcher{rows: rows}, resource.TestStep{
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.portal_hosts.all", tfjsonpath.New("hosts"), knownvalue.MapExact(want)),
		},
	}))
}

func TestProviderNotKnownYet(t *testing.T) {
	resource.UnitTest(t, read(nil, resource.TestStep{
		ExpectError: regexp.MustCompile(`The\s+data\s+source\s+portal_hosts\s+needs\s+the\s+hosts`),
	}))
}
