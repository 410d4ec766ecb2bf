// SPDX-License-Identifier: MPL-2.0

package action

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/action/actiontest"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// fakeDeployer writes down what it was asked, and answers what it was told to.
type fakeDeployer struct {
	client.Deployer // nothing else is asked by actions

	mu    sync.Mutex
	calls []string
	// lines are reported as progress, each from a goroutine of its own.
	lines []string
	run   deploy.TaskRun
	fail  error
	// hang makes a call wait until its time is up.
	hang bool
}

func (f *fakeDeployer) did(ctx context.Context, progress func(string), format string, args ...any) error {
	f.mu.Lock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	f.mu.Unlock()
	var reporting sync.WaitGroup
	for _, line := range f.lines {
		reporting.Go(func() { progress(line) })
	}
	reporting.Wait()
	if f.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.fail
}

func (f *fakeDeployer) RunTask(ctx context.Context, portal, task string, progress func(string)) (deploy.TaskRun, error) {
	return f.run, f.did(ctx, progress, "run %s %s", portal, task)
}

func (f *fakeDeployer) RestartServices(ctx context.Context, portal string, services []string, progress func(string)) error {
	return f.did(ctx, progress, "restart %s [%s]", portal, strings.Join(services, " "))
}

func (f *fakeDeployer) Restore(ctx context.Context, portal string, o deploy.RestoreOptions, progress func(string)) (deploy.TaskRun, error) {
	return f.run, f.did(ctx, progress, "restore %s snapshot=%s from=%s task=%s", portal, o.Snapshot, o.From, o.Task)
}

// testProvider serves the actions over a given client.
type testProvider struct{ client *client.Client }

func (testProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "portal"
}

func (testProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

func (p testProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.ActionData = p.client
}

func (testProvider) Resources(context.Context) []func() resource.Resource { return nil }

func (testProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (testProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{NewTaskRun, NewRestart, NewRestore}
}

func serve(t *testing.T, c *client.Client) actiontest.Server {
	t.Helper()
	return actiontest.Serve(t, providerserver.NewProtocol6(testProvider{c})(), nil)
}

// ran is a run that ended well after a time.
func ran(took time.Duration) deploy.TaskRun {
	start := time.Date(2026, 3, 1, 2, 15, 0, 0, time.UTC)
	return deploy.TaskRun{Started: start, Finished: start.Add(took)}
}
