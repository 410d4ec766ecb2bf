// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// chosenPort is what the fake's hosts choose for a port that is left open.
const chosenPort = 49153

// fakeDeployer keeps portals in memory and writes down what it was asked.
type fakeDeployer struct {
	client.Deployer // what is no matter of portals themselves

	mu      sync.Mutex
	portals map[string]*fakePortal
	calls   []string
	// addresses of the only host.
	addresses []string
	// undecided makes Place compare hosts, with another outcome each time.
	undecided bool
	placed    int
	// given is what the last Create or Update was given.
	given map[string]string
	// fail is what the next Create, Update, Read or Delete answers.
	fail error
}

type fakePortal struct {
	spec    stack.Spec
	running map[string]stack.Summary
}

func newFake() *fakeDeployer { return &fakeDeployer{portals: map[string]*fakePortal{}} }

// Place implements client.Deployer: the only host, unless another one is chosen.
func (f *fakeDeployer) Place(_ context.Context, _ *stack.Stack, spec stack.Spec, home string) (placement.Decision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.undecided && home == "" {
		f.placed++
		return placement.Decision{Host: fmt.Sprintf("host-%d", f.placed), Reason: "the most memory free", ByLoad: true}, nil
	}
	host := cmp.Or(spec.Host, home, "host-1")
	if host == home {
		return placement.Decision{Host: host}, nil
	}
	return placement.Decision{Host: host, Reason: "for a reason"}, nil
}

// did writes a call down and takes the failure that was asked for. The caller
// holds the lock.
func (f *fakeDeployer) did(format string, args ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	err := f.fail
	f.fail = nil
	return err
}

// writes are the calls that change something, since the last time.
func (f *fakeDeployer) writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *fakeDeployer) failNext(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// change alters what runs behind Terraform's back.
func (f *fakeDeployer) change(name string, alter func(running map[string]stack.Summary)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	alter(f.portals[name].running)
}

func (f *fakeDeployer) Create(_ context.Context, spec stack.Spec, desired *stack.Stack, given map[string]string) (deploy.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.given = given
	if err := f.did("create %s", spec.Name); err != nil {
		return deploy.Result{}, err
	}
	f.portals[spec.Name] = &fakePortal{spec: spec, running: stack.Summarize(desired)}
	return f.result(spec.Name), nil
}

func (f *fakeDeployer) Update(_ context.Context, spec stack.Spec, desired *stack.Stack, given map[string]string) (deploy.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.given = given
	if err := f.did("update %s", spec.Name); err != nil {
		return f.result(spec.Name), err
	}
	f.portals[spec.Name] = &fakePortal{spec: spec, running: stack.Summarize(desired)}
	return f.result(spec.Name), nil
}

func (f *fakeDeployer) Read(_ context.Context, name string) (deploy.Result, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.portals[name] == nil {
		return deploy.Result{}, false, nil
	}
	return f.result(name), true, nil
}

func (f *fakeDeployer) Delete(_ context.Context, name string, onDestroy stack.OnDestroy) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("delete %s %s", name, onDestroy); err != nil {
		return err
	}
	delete(f.portals, name)
	return nil
}

func (f *fakeDeployer) Import(_ context.Context, name string) (stack.Spec, deploy.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.portals[name] == nil {
		return stack.Spec{}, deploy.Result{}, errors.New("there is no such portal")
	}
	return f.portals[name].spec, f.result(name), nil
}

func (f *fakeDeployer) Portals(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.portals)), nil
}

// result describes a portal. The caller holds the lock.
func (f *fakeDeployer) result(name string) deploy.Result {
	p := f.portals[name]
	if len(p.running) == 0 {
		return deploy.Result{Services: map[string]stack.Summary{}}
	}
	port := p.spec.HTTPPort
	if port == 0 {
		port = chosenPort
	}
	return deploy.Result{Host: "host-1", Placement: "by then", Addresses: f.addresses, Services: maps.Clone(p.running), HTTPPort: port}
}

// testProvider serves the resource and the data sources over a given client.
type testProvider struct{ client *client.Client }

func (testProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "portal"
}

func (testProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

func (p testProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.ResourceData = p.client
	resp.DataSourceData = p.client
}

func (testProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{NewResource}
}

func (testProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{NewDataSource, NewListDataSource}
}

// serve makes provider factories over a client. Tests may change the client
// between steps.
func serve(t *testing.T, c *client.Client) map[string]func() (tfprotov6.ProviderServer, error) {
	t.Helper()
	return map[string]func() (tfprotov6.ProviderServer, error){
		"portal": providerserver.NewProtocol6WithError(testProvider{c}),
	}
}
