// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// nextDue is when the fake's tasks are due next.
var nextDue = time.Date(2026, 7, 1, 0, 15, 0, 0, time.UTC)

// fakeDeployer keeps the members of the portal acme in memory, and writes down
// what it was asked to change.
type fakeDeployer struct {
	client.Deployer // nothing else is asked by backup schedules

	mu      sync.Mutex
	base    *stack.Stack // nil: there is no portal
	members map[string]*fakeMember
	given   map[string]string
	backups []deploy.Backup
	calls   []string
	// fail answers the next change whose call has failAt in it.
	fail   error
	failAt string
}

type fakeMember struct {
	member  stack.Member
	summary stack.Summary
	runs    []schedule.Run
	next    time.Time
}

func newFake() *fakeDeployer {
	return &fakeDeployer{
		base: &stack.Stack{
			Portal: "acme", Directory: "/srv/portals/acme",
			Networks: map[string]stack.Network{"acme_default": {Name: "acme_default"}},
			Services: map[string]*stack.Service{
				"backup": {
					Name: "backup", Image: "ops:1", Command: []string{"bash", "/portal/config/backup.sh"}, User: "1000:1000",
					Replicas: 1, Task: &stack.Task{When: stack.Scheduled}, Networks: map[string][]string{"acme_default": {"backup"}},
					Environment: map[string]string{"RESTIC_REPOSITORY": "/portal/backups/restic", "BACKUP_KEEP_MONTHLY": "12"},
				},
			},
		},
		members: map[string]*fakeMember{}, given: map[string]string{},
	}
}

// did writes a call down and takes the failure that was asked for. The caller
// holds the lock.
func (f *fakeDeployer) did(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	f.calls = append(f.calls, call)
	if f.fail == nil || !strings.Contains(call, f.failAt) {
		return nil
	}
	err := f.fail
	f.fail = nil
	return err
}

func (f *fakeDeployer) ApplyMember(_ context.Context, portal string, m stack.Member, given map[string]string) (deploy.MemberState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("apply %s %s", portal, m.Name); err != nil {
		return f.state(m.Owner()), err
	}
	part, err := blueprint.Join(f.base, m)
	if err != nil {
		return deploy.MemberState{}, err
	}
	maps.Copy(f.given, given)
	there := f.members[m.Owner()]
	if there == nil {
		there = &fakeMember{next: nextDue}
		f.members[m.Owner()] = there
	}
	there.member, there.summary = m, stack.Summarize(part)[m.Name]
	return f.state(m.Owner()), nil
}

func (f *fakeDeployer) ReadMember(_ context.Context, _, owner string) (deploy.MemberState, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state(owner), f.members[owner] != nil, nil
}

// state describes a member. The caller holds the lock.
func (f *fakeDeployer) state(owner string) deploy.MemberState {
	m := f.members[owner]
	if m == nil {
		return deploy.MemberState{}
	}
	next := m.next
	if s, err := schedule.Parse(m.member.Schedule); err != nil || s.Paused {
		next = time.Time{}
	}
	return deploy.MemberState{Member: m.member, Host: "host-1", Summary: m.summary, Runs: slices.Clone(m.runs), NextRun: next}
}

func (f *fakeDeployer) RemoveMember(_ context.Context, portal, owner string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("remove %s %s", portal, owner); err != nil {
		return err
	}
	delete(f.members, owner)
	return nil
}

func (f *fakeDeployer) BaseStack(context.Context, string) (*stack.Stack, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.base == nil {
		return nil, deploy.ErrNoPortal
	}
	return f.base, nil
}

func (f *fakeDeployer) Backups(_ context.Context, portal, task string) ([]deploy.Backup, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if task != "" && f.members[ownerOf(task)] == nil {
		return nil, fmt.Errorf("portal %q has no task %q that makes backups", portal, task)
	}
	return f.backups, nil
}

// writes are the calls since the last time.
func (f *fakeDeployer) writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

// failNext lets the next change fail that has a text in its call.
func (f *fakeDeployer) failNext(at string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.failAt = err, at
}

// change alters a task behind Terraform's back.
func (f *fakeDeployer) change(task string, alter func(*fakeMember)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	alter(f.members[ownerOf(task)])
}

// environment is that of a task's container.
func (f *fakeDeployer) environment(task string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	part, err := blueprint.Join(f.base, f.members[ownerOf(task)].member)
	if err != nil {
		panic(err)
	}
	return part.Services[task].Environment
}

// testProvider serves the resource and the data source over a given client.
type testProvider struct{ client *client.Client }

func (testProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "portal"
}

func (testProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

func (p testProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	// Terraform starts the provider anew for each command.
	c := &client.Client{Deployer: p.client.Deployer, StoragePath: p.client.StoragePath}
	resp.ResourceData = c
	resp.DataSourceData = c
}

func (testProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{NewResource}
}

func (testProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{NewListDataSource}
}

// serve makes provider factories over a client.
func serve(t *testing.T, c *client.Client) map[string]func() (tfprotov6.ProviderServer, error) {
	t.Helper()
	return map[string]func() (tfprotov6.ProviderServer, error){
		"portal": providerserver.NewProtocol6WithError(testProvider{c}),
	}
}
