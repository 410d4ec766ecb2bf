// SPDX-License-Identifier: MPL-2.0

package override

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// fakeDeployer keeps a file of overrides per portal in memory, leaf by leaf,
// and writes down what it was asked to write.
type fakeDeployer struct {
	client.Deployer // portals themselves are no matter of overrides

	mu     sync.Mutex
	files  map[string]map[string]overrides.Leaf // by portal and path
	owners map[string]*owner                    // by the override's id
	status string
	calls  []string
	// fail is what the next call that writes answers.
	fail error
}

// owner is what an override owns: paths, and for secrets the value they got.
type owner struct {
	values  map[string]bool
	secrets map[string]any
}

func newFake() *fakeDeployer {
	return &fakeDeployer{
		files: map[string]map[string]overrides.Leaf{}, owners: map[string]*owner{}, status: deploy.OverrideApplied,
	}
}

func (f *fakeDeployer) ApplyOverride(_ context.Context, o deploy.Override) (deploy.OverrideState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	values, err := overrides.Flatten(o.Values)
	if err != nil {
		return deploy.OverrideState{}, err
	}
	secrets, err := overrides.Flatten(o.Secrets)
	if err != nil {
		return deploy.OverrideState{}, err
	}
	if err := f.did("apply %s%s%s%s", o.Portal, paths(values), secretPaths(o, secrets), adopted(o.Adopt)); err != nil {
		return deploy.OverrideState{}, err
	}
	if o.ID == "" {
		o.ID = fmt.Sprintf("%s/%08x", o.Portal, len(f.owners)+1)
	}
	f.write(o, values, secrets)
	f.status = deploy.OverrideApplied
	return f.state(o.ID), nil
}

// write puts leaves into the file in the place of those that were owned.
func (f *fakeDeployer) write(o deploy.Override, values, secrets []overrides.Leaf) {
	before := f.owners[o.ID]
	now := &owner{values: map[string]bool{}, secrets: map[string]any{}}
	file := f.file(o.Portal)
	if before != nil {
		for path := range before.values {
			delete(file, path)
		}
		if !o.SecretsSet {
			now.secrets = before.secrets
		}
	}
	if before != nil && o.SecretsSet {
		for path := range before.secrets {
			delete(file, path)
		}
	}
	for _, l := range values {
		now.values[l.Path.String()] = true
		file[l.Path.String()] = l
	}
	for _, l := range secrets {
		now.secrets[l.Path.String()] = l.Value
		file[l.Path.String()] = l
	}
	f.owners[o.ID] = now
}

func (f *fakeDeployer) ReadOverride(_ context.Context, _, id string) (deploy.OverrideState, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owners[id] == nil {
		return deploy.OverrideState{}, false, nil
	}
	return f.state(id), true, nil
}

func (f *fakeDeployer) RemoveOverride(_ context.Context, portal, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("remove %s", id); err != nil {
		return err
	}
	for path := range f.owners[id].values {
		delete(f.file(portal), path)
	}
	for path := range f.owners[id].secrets {
		delete(f.file(portal), path)
	}
	delete(f.owners, id)
	return nil
}

func (f *fakeDeployer) ImportOverride(_ context.Context, id string) (deploy.OverrideState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	portal, taken, byLeaf := strings.Cut(id, ":")
	if byLeaf {
		id = portal + "/ffffffff"
		f.owners[id] = &owner{values: map[string]bool{}}
		for path := range strings.SplitSeq(taken, ",") {
			f.owners[id].values[path] = true
		}
	}
	if f.owners[id] == nil {
		return deploy.OverrideState{}, errors.New("there is no such override")
	}
	return f.state(id), nil
}

// state describes an override. The caller holds the lock.
func (f *fakeDeployer) state(id string) deploy.OverrideState {
	portal := portalOf(id)
	s := deploy.OverrideState{Portal: portal, ID: id, Secrets: map[string]string{}, Status: f.status}
	var values []overrides.Leaf
	for path := range f.owners[id].values {
		if l, found := f.file(portal)[path]; found {
			values = append(values, l)
		}
	}
	s.Values = overrides.Unflatten(values)
	for path, set := range f.owners[id].secrets {
		s.Secrets[path] = deploy.SecretSet
		if l, found := f.file(portal)[path]; !found {
			s.Secrets[path] = deploy.SecretMissing
		} else if !overrides.Equal(l.Value, set) {
			s.Secrets[path] = deploy.SecretChanged
		}
	}
	return s
}

func (f *fakeDeployer) file(portal string) map[string]overrides.Leaf {
	if f.files[portal] == nil {
		f.files[portal] = map[string]overrides.Leaf{}
	}
	return f.files[portal]
}

// did writes a call down and takes the failure that was asked for. The caller
// holds the lock.
func (f *fakeDeployer) did(format string, args ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	err := f.fail
	f.fail = nil
	return err
}

func paths(leaves []overrides.Leaf) string {
	var text strings.Builder
	for _, l := range leaves {
		text.WriteString(" " + l.Path.String())
	}
	return text.String()
}

// secretPaths says which secrets are to be set, and nothing when they are to
// stay as they are. A new override without any is not worth a word.
func secretPaths(o deploy.Override, secrets []overrides.Leaf) string {
	if !o.SecretsSet || o.ID == "" && len(secrets) == 0 {
		return ""
	}
	return " secrets:" + paths(secrets)
}

func adopted(adopt bool) string {
	if adopt {
		return " adopting"
	}
	return ""
}

// writes are the calls since the last time.
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

// acme is the portal that the tests' overrides are of.
const acme = "acme"

// put writes a leaf of acme's as another writer does; nil takes it away.
func (f *fakeDeployer) put(path string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if value == nil {
		delete(f.file(acme), path)
		return
	}
	p, err := overrides.ParsePath(path)
	if err != nil {
		panic(err)
	}
	f.file(acme)[path] = overrides.Leaf{Path: p, Value: value}
}

// get is a leaf's value in acme's file; it is nil when there is none.
func (f *fakeDeployer) get(path string) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file(acme)[path].Value
}

// leaves names what is in acme's file, sorted.
func (f *fakeDeployer) leaves() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.file(acme)))
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
	resp.ResourceData = p.client
}

func (testProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{NewResource}
}

func (testProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

// serve makes provider factories over a client.
func serve(t *testing.T, c *client.Client) map[string]func() (tfprotov6.ProviderServer, error) {
	t.Helper()
	return map[string]func() (tfprotov6.ProviderServer, error){
		"portal": providerserver.NewProtocol6WithError(testProvider{c}),
	}
}
