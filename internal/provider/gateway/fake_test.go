// SPDX-License-Identifier: MPL-2.0

package gateway

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// fakeDeployer keeps gateways in memory and writes down what it was asked.
type fakeDeployer struct {
	client.Deployer // what is no matter of gateways

	mu       sync.Mutex
	hosts    []string
	gateways map[string]deploy.Gateway
	calls    []string
	// given is what the last call was given.
	given map[string]string
	// fail is what the next call that changes something answers.
	fail error
	// warnings of the next call that changes something.
	warnings []string
}

// writes are the calls that change something, since the last time.
func (f *fakeDeployer) writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

// change alters what runs behind Terraform's back.
func (f *fakeDeployer) change(name string, alter func(*deploy.Gateway)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.gateways[name]
	alter(&g)
	f.gateways[name] = g
}

func (f *fakeDeployer) GatewaySummary(spec stack.GatewaySpec) (map[string]stack.Summary, error) {
	out := map[string]stack.Summary{}
	for _, host := range f.hosts {
		st, err := blueprint.BuildGateway(spec, blueprint.GatewayOptions{
			Options: blueprint.Options{StoragePath: "/srv/portals"}, Host: host, Hosts: f.hosts,
			Addresses: map[string]string{"dal-1": "10.0.0.1", "dal-2": "10.0.0.2"},
		})
		if err != nil {
			return nil, err
		}
		out[host] = stack.Summarize(st)[blueprint.GatewayService]
	}
	return out, nil
}

func (f *fakeDeployer) put(did string, spec stack.GatewaySpec, given map[string]string) (deploy.Gateway, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf("%s %s", did, spec.Name))
	f.given = given
	warnings, err := f.warnings, f.fail
	f.warnings, f.fail = nil, nil
	if err != nil {
		return deploy.Gateway{Warnings: warnings}, err
	}
	instances, err := f.GatewaySummary(spec)
	if err != nil {
		return deploy.Gateway{}, err
	}
	g := deploy.Gateway{Spec: spec, Instances: instances, Addresses: []string{"10.0.0.1"}}
	if spec.TLS.On() {
		g.Certificates = map[string]deploy.Certificate{}
	}
	f.gateways[spec.Name] = g
	g.Warnings = warnings
	return g, nil
}

func (f *fakeDeployer) CreateGateway(_ context.Context, spec stack.GatewaySpec, given map[string]string) (deploy.Gateway, error) {
	return f.put("create", spec, given)
}

func (f *fakeDeployer) UpdateGateway(_ context.Context, spec stack.GatewaySpec, given map[string]string) (deploy.Gateway, error) {
	return f.put("update", spec, given)
}

func (f *fakeDeployer) ReadGateway(_ context.Context, name string) (deploy.Gateway, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, found := f.gateways[name]
	g.Instances = maps.Clone(g.Instances)
	return g, found, nil
}

func (f *fakeDeployer) DeleteGateway(_ context.Context, name string, onDestroy stack.OnDestroy) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf("delete %s %s", name, onDestroy))
	if err := f.fail; err != nil {
		f.fail = nil
		return err
	}
	delete(f.gateways, name)
	return nil
}

// testProvider serves the resource over a given client.
type testProvider struct{ client *client.Client }

func (testProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "portal"
}

func (testProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

func (p testProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	// What was planned is of one run, and a test has several.
	resp.ResourceData = &client.Client{Deployer: p.client.Deployer, StoragePath: p.client.StoragePath}
}

func (testProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{NewResource}
}

func (testProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func serve(t *testing.T, c *client.Client) map[string]func() (tfprotov6.ProviderServer, error) {
	t.Helper()
	return map[string]func() (tfprotov6.ProviderServer, error){
		"portal": providerserver.NewProtocol6WithError(testProvider{c}),
	}
}
