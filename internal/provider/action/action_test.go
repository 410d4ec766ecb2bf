// SPDX-License-Identifier: MPL-2.0

package action

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/provider/action/actiontest"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

func rig(t *testing.T) (*fakeDeployer, actiontest.Server) {
	t.Helper()
	fake := &fakeDeployer{run: ran(90 * time.Second)}
	return fake, serve(t, &client.Client{Deployer: fake})
}

func TestInvoke(t *testing.T) {
	for name, tc := range map[string]struct {
		action   string
		config   map[string]any
		call     string
		progress []string
	}{
		"a task": {
			"portal_task_run",
			map[string]any{"portal": "acme", "task": "reindex"},
			"run acme reindex",
			[]string{"Running reindex of portal acme", "reindex has ended well, after 1m30s"},
		},
		"services": {
			"portal_restart",
			map[string]any{"portal": "acme", "services": []string{"lms", "cms"}},
			"restart acme [cms lms]",
			[]string{"Restarting cms, lms of portal acme"},
		},
		"services by default": {
			"portal_restart",
			map[string]any{"portal": "acme"},
			"restart acme []",
			[]string{"Restarting the services that read the overrides of portal acme"},
		},
		"the newest backup": {
			"portal_restore",
			map[string]any{"portal": "acme"},
			"restore acme snapshot= from= task=",
			[]string{"Restoring the newest snapshot into portal acme", "restore has ended well, after 1m30s"},
		},
		"the newest backup, by name": {
			"portal_restore",
			map[string]any{"portal": "acme", "snapshot": "latest", "from": "acme"},
			"restore acme snapshot= from=acme task=",
			[]string{"Restoring the newest snapshot into portal acme", "restore has ended well, after 1m30s"},
		},
		"another portal's backup": {
			"portal_restore",
			map[string]any{"portal": "staging", "snapshot": "4f1c22ab", "from": "acme", "schedule": "nightly"},
			"restore staging snapshot=4f1c22ab from=acme task=backup-nightly",
			[]string{"Restoring snapshot 4f1c22ab of portal acme into portal staging", "restore has ended well, after 1m30s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake, s := rig(t)
			progress, diags := s.Invoke(t.Context(), t, tc.action, tc.config)
			if len(diags) > 0 {
				t.Fatalf("%s: %s", diags[0].Summary, diags[0].Detail)
			}
			if !slices.Equal(fake.calls, []string{tc.call}) {
				t.Errorf("calls %q instead of %q", fake.calls, tc.call)
			}
			if !slices.Equal(progress, tc.progress) {
				t.Errorf("progress %q instead of %q", progress, tc.progress)
			}
		})
	}
}

// The deployer reports from many goroutines; each line must arrive, and before
// the end.
func TestProgressOfManyAtOnce(t *testing.T) {
	fake, s := rig(t)
	for i := range 50 {
		fake.lines = append(fake.lines, strings.Repeat("x", i+1))
	}
	progress, diags := s.Invoke(t.Context(), t, "portal_restart", map[string]any{"portal": "acme"})
	if len(diags) > 0 {
		t.Fatal(diags[0].Detail)
	}
	got := slices.Sorted(slices.Values(progress[1:]))
	if !slices.Equal(got, fake.lines) {
		t.Errorf("%d lines arrived instead of %d", len(got), len(fake.lines))
	}
}

func TestFailures(t *testing.T) {
	why := &engine.Error{Op: "start", Host: "dal-1", Service: "lms", Err: errors.New("no space left")}
	for name, tc := range map[string]struct {
		action  string
		config  map[string]any
		prepare func(*fakeDeployer)
		summary string
		detail  []string
	}{
		"a restart fails": {
			"portal_restart",
			nil,
			func(f *fakeDeployer) { f.fail = why },
			"Portal acme: restart failed at lms",
			[]string{"no space left"},
		},
		"a task fails": {
			"portal_task_run",
			map[string]any{"task": "reindex"},
			func(f *fakeDeployer) {
				f.run.ExitCode, f.run.Log = 3, "reindex: the index is locked"
			},
			"Portal acme: running a task failed",
			[]string{"reindex failed with exit code 3", "the index is locked"},
		},
		"a restore fails": {
			"portal_restore",
			nil,
			func(f *fakeDeployer) { f.fail = errors.New("there is no snapshot") },
			"Portal acme: restore failed",
			[]string{"there is no snapshot"},
		},
		"the time is up": {
			"portal_task_run",
			map[string]any{"task": "reindex", "timeout": "20ms"},
			func(f *fakeDeployer) { f.hang = true },
			"Portal acme: running a task failed",
			[]string{"deadline exceeded", "timeout is 20ms"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake, s := rig(t)
			tc.prepare(fake)
			config := map[string]any{"portal": "acme"}
			for attribute, value := range tc.config {
				config[attribute] = value
			}
			_, diags := s.Invoke(t.Context(), t, tc.action, config)
			if len(diags) != 1 || diags[0].Severity != tfprotov6.DiagnosticSeverityError {
				t.Fatalf("%d diagnostics instead of one error", len(diags))
			}
			if diags[0].Summary != tc.summary {
				t.Errorf("summary %q instead of %q", diags[0].Summary, tc.summary)
			}
			for _, want := range tc.detail {
				if !strings.Contains(diags[0].Detail, want) {
					t.Errorf("the detail %q does not say %q", diags[0].Detail, want)
				}
			}
		})
	}
}

func TestInvokeNeedsHosts(t *testing.T) {
	s := serve(t, &client.Client{})
	_, diags := s.Invoke(t.Context(), t, "portal_restart", map[string]any{"portal": "acme"})
	if len(diags) != 1 || diags[0].Summary != "The provider's configuration is not known yet" {
		t.Errorf("diagnostics %v", diags)
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		action string
		config map[string]any
		want   string // part of the error; empty for none
	}{
		"good":              {"portal_restore", map[string]any{"snapshot": "4f1c22ab", "from": "globex", "timeout": "2h"}, ""},
		"no portal":         {"portal_restart", map[string]any{"portal": "Acme"}, `for example "acme"`},
		"no duration":       {"portal_restart", map[string]any{"timeout": "soon"}, `for example "30s"`},
		"no snapshot":       {"portal_restore", map[string]any{"snapshot": "4f1c"}, "first eight digits"},
		"no service at all": {"portal_restart", map[string]any{"services": []string{}}, "at least 1"},
		"no task":           {"portal_task_run", nil, "task"},
	} {
		t.Run(name, func(t *testing.T) {
			_, s := rig(t)
			config := map[string]any{"portal": "acme"}
			for attribute, value := range tc.config {
				config[attribute] = value
			}
			var said []string
			for _, d := range s.Validate(t, tc.action, config) {
				said = append(said, d.Summary+": "+d.Detail)
			}
			if got := strings.Join(said, "\n"); (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("errors %q instead of %q", got, tc.want)
			}
		})
	}
}

// A Terraform that goes away takes no progress any more. The deployer must get
// on all the same: it holds the portal's lock.
func TestNobodyListens(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	report, delivered := relay(ctx, func(string) { <-stuck })
	report("taken, and never sent")
	cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		report("not taken")
		delivered()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("reporting waits for a Terraform that has gone away")
	}
}

func TestDefaultsAreDocumented(t *testing.T) {
	for want, limit := range map[string]time.Duration{"30m": restartTimeout, "12h": taskRunTimeout} {
		if got := inWords(limit); got != want {
			t.Errorf("%s is written %q", want, got)
		}
	}
}
