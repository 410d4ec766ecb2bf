// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const address = "portal_backup_schedule.this"

// config is a schedule of the portal acme.
func config(attributes string) string {
	return fmt.Sprintf("resource \"portal_backup_schedule\" \"this\" {\n  portal = \"acme\"\n  name   = \"nightly\"\n  %s\n}\n", attributes)
}

const daily = `cron = "@daily"` + "\n"

// rig is a fake deployer and a test case that it serves.
func rig(t *testing.T) (*fakeDeployer, resource.TestCase) {
	t.Helper()
	fake := newFake()
	c := &client.Client{Deployer: fake, StoragePath: "/srv/portals"}
	return fake, resource.TestCase{ProtoV6ProviderFactories: serve(t, c)}
}

// expectWrites asserts what the deployer was asked to do since the last time.
func expectWrites(fake *fakeDeployer, want ...string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got := fake.writes(); !slices.Equal(got, want) {
			return fmt.Errorf("calls %q instead of %q", got, want)
		}
		return nil
	}
}

func is(attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

func text(attribute, want string) statecheck.StateCheck {
	return is(attribute, knownvalue.StringExact(want))
}

func null(attribute string) statecheck.StateCheck { return is(attribute, knownvalue.Null()) }

func expectAction(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

func TestLifecycle(t *testing.T) {
	fake, test := rig(t)
	test.CheckDestroy = expectWrites(fake, "remove acme backup/backup-nightly-verify", "remove acme backup/backup-nightly")
	test.Steps = []resource.TestStep{
		{
			Config: config(daily),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("next_run")),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("digest"), knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{16}$`))),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("ready")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				text("id", "acme/nightly"), text("host", "host-1"), text("timezone", "UTC"), text("timeout", "12h"),
				text("next_run", "2026-07-01T00:15:00Z"), null("last_run"), null("last_verify"), null("verify"),
				is("include", knownvalue.SetSizeExact(3)),
				is("keep", knownvalue.ObjectExact(map[string]knownvalue.Check{
					"last": knownvalue.Null(), "daily": knownvalue.Int64Exact(7), "weekly": knownvalue.Int64Exact(4),
					"monthly": knownvalue.Int64Exact(12), "yearly": knownvalue.Null(),
				})),
			},
			Check: expectWrites(fake, "apply acme backup-nightly"),
		},
		{ // Another time: next_run is not known, by the clocks of Paris then.
			Config:           config(`cron = "15 2 * * *"` + "\n" + `timezone = "Europe/Paris"`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownValue(address, tfjsonpath.New("next_run"))}},
			ConfigStateChecks: []statecheck.StateCheck{
				text("next_run", "2026-07-01T02:15:00+02:00"),
			},
			Check: expectWrites(fake, "apply acme backup-nightly"),
		},
		{ // Something else: the next run is when it was.
			Config: config(`cron = "15 2 * * *"` + "\n" + `timezone = "Europe/Paris"` + "\n" + `keep = { last = 3 }`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("next_run"), knownvalue.StringExact("2026-07-01T02:15:00+02:00")),
			}},
			Check: resource.ComposeTestCheckFunc(
				expectWrites(fake, "apply acme backup-nightly"),
				expectEnvironment(fake, "backup-nightly", map[string]string{
					"BACKUP_KEEP_LAST": "3", "BACKUP_KEEP_DAILY": "", "BACKUP_KEEP_MONTHLY": "",
					"BACKUP_INCLUDE": "mysql mongo media overrides", "RESTIC_REPOSITORY": "/portal/backups/restic",
				})),
		},
		{
			Config:            config(daily + `paused = true` + "\n" + `include = ["overrides", "databases"]`),
			ConfigStateChecks: []statecheck.StateCheck{null("next_run")},
			Check: resource.ComposeTestCheckFunc(
				expectWrites(fake, "apply acme backup-nightly"),
				expectEnvironment(fake, "backup-nightly", map[string]string{"BACKUP_INCLUDE": "mysql mongo overrides"})),
		},
	}
	resource.UnitTest(t, test)
}

// expectEnvironment asserts variables of a task's container.
func expectEnvironment(fake *fakeDeployer, task string, want map[string]string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		got := fake.environment(task)
		for name, value := range want {
			if got[name] != value {
				return fmt.Errorf("%s is %q instead of %q", name, got[name], value)
			}
		}
		return nil
	}
}

func TestNameAndPortalReplace(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{
			Config:            "resource \"portal_backup_schedule\" \"this\" {\n portal = \"acme\"\n cron = \"@daily\"\n}",
			ConfigStateChecks: []statecheck.StateCheck{text("name", "scheduled"), text("id", "acme/scheduled")},
			Check:             expectWrites(fake, "apply acme backup-scheduled"),
		},
		{
			Config:           config(daily),
			ConfigPlanChecks: expectAction(plancheck.ResourceActionReplace),
			Check: expectWrites(fake, "remove acme backup/backup-scheduled-verify", "remove acme backup/backup-scheduled",
				"apply acme backup-nightly"),
		},
	}
	resource.UnitTest(t, test)
}

// What changes while time goes by is in the state, and never a difference.
func TestRunsAreNoDifference(t *testing.T) {
	fake, test := rig(t)
	started := time.Date(2026, 7, 1, 0, 15, 4, 0, time.UTC)
	test.Steps = []resource.TestStep{
		{Config: config(daily)},
		{
			PreConfig: func() {
				fake.change("backup-nightly", func(m *fakeMember) {
					m.next = nextDue.Add(24 * time.Hour)
					m.runs = []schedule.Run{{
						Started: started, Finished: started.Add(90 * time.Second), OK: true,
						Log: "backup: saving media\n{\"ok\":true,\"snapshot\":\"4f1c22ab\",\"bytes\":1048576,\"added\":10}\n",
					}}
				})
			},
			Config:           config(daily),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			Check:            func(*terraform.State) error { fake.writes(); return nil },
		},
		{
			RefreshState: true,
			Check: resource.ComposeTestCheckFunc(
				resource.TestCheckResourceAttr(address, "next_run", "2026-07-02T00:15:00Z"),
				resource.TestCheckResourceAttr(address, "last_run.started", "2026-07-01T00:15:04Z"),
				resource.TestCheckResourceAttr(address, "last_run.finished", "2026-07-01T00:16:34Z"),
				resource.TestCheckResourceAttr(address, "last_run.ok", "true"),
				resource.TestCheckResourceAttr(address, "last_run.snapshot", "4f1c22ab"),
				resource.TestCheckResourceAttr(address, "last_run.bytes", "1048576"),
				resource.TestCheckNoResourceAttr(address, "last_run.error"),
				expectWrites(fake),
			),
		},
	}
	resource.UnitTest(t, test)
}

func TestDrift(t *testing.T) {
	const withVerify = daily + `verify = { cron = "0 5 * * SUN" }`
	for name, tc := range map[string]struct {
		harm func(*fakeDeployer)
		want []string
	}{
		"the backup's container is paused": {
			func(f *fakeDeployer) {
				f.change("backup-nightly", func(m *fakeMember) { m.summary.Status = "acme-backup-nightly paused" })
			},
			[]string{"apply acme backup-nightly-verify", "apply acme backup-nightly"},
		},
		"the backup's container is gone": {
			func(f *fakeDeployer) {
				f.change("backup-nightly", func(m *fakeMember) { m.summary = stack.Summary{} })
			},
			[]string{"apply acme backup-nightly-verify", "apply acme backup-nightly"},
		},
		"the check is gone": {
			func(f *fakeDeployer) { delete(f.members, ownerOf("backup-nightly-verify")) },
			[]string{"apply acme backup-nightly-verify", "apply acme backup-nightly"},
		},
		"all is gone": {
			func(f *fakeDeployer) { clear(f.members) },
			[]string{"apply acme backup-nightly-verify", "apply acme backup-nightly"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			long.Among(t, name, "the backup's container is gone")
			fake, test := rig(t)
			test.Steps = []resource.TestStep{
				{Config: config(withVerify), Check: func(*terraform.State) error { fake.writes(); return nil }},
				{
					PreConfig: func() { tc.harm(fake) },
					Config:    config(withVerify),
					ConfigPlanChecks: resource.ConfigPlanChecks{
						PreApply:             []plancheck.PlanCheck{plancheck.ExpectNonEmptyPlan()},
						PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
					},
					ConfigStateChecks: []statecheck.StateCheck{text("status", "ready")},
					Check:             expectWrites(fake, tc.want...),
				},
			}
			resource.UnitTest(t, test)
		})
	}
}

func TestVerify(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{ // The task that checks comes first: a create that is cut off is unfinished.
			Config:            config(daily + `verify = { cron = "0 5 * * SUN" }`),
			ConfigStateChecks: []statecheck.StateCheck{is("digest", knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{16}-[0-9a-f]{16}$`)))},
			Check: resource.ComposeTestCheckFunc(
				expectWrites(fake, "apply acme backup-nightly-verify", "apply acme backup-nightly"),
				expectEnvironment(fake, "backup-nightly-verify", map[string]string{"BACKUP_VERIFY_SUBSET": "10%"}),
				func(*terraform.State) error {
					got := fake.members[ownerOf("backup-nightly-verify")].member
					if !slices.Equal(got.Command, []string{"bash", "/portal/config/backup.sh", "verify"}) {
						return fmt.Errorf("the command is %q", got.Command)
					}
					if s, err := schedule.Parse(got.Schedule); err != nil || s.Cron != "0 5 * * SUN" {
						return fmt.Errorf("the schedule is %q, %w", got.Schedule, err)
					}
					return nil
				}),
		},
		{
			Config: config(daily + `verify = { cron = "0 5 * * SUN", read_data_percent = 100 }`),
			Check: resource.ComposeTestCheckFunc(
				expectWrites(fake, "apply acme backup-nightly-verify", "apply acme backup-nightly"),
				expectEnvironment(fake, "backup-nightly-verify", map[string]string{"BACKUP_VERIFY_SUBSET": "100%"})),
		},
		{
			Config: config(daily),
			Check:  expectWrites(fake, "remove acme backup/backup-nightly-verify", "apply acme backup-nightly"),
		},
	}
	resource.UnitTest(t, test)
}

// A create that fails half-way is finished by the next one; one that finds a
// complete schedule of somebody else touches nothing.
func TestCreateIsFinished(t *testing.T) {
	const withVerify = daily + `verify = { cron = "0 5 * * SUN" }`
	for _, failing := range []string{"apply acme backup-nightly-verify", "apply acme backup-nightly"} {
		t.Run(failing, func(t *testing.T) {
			fake, test := rig(t)
			fake.failNext(failing, errors.New("the host is full"))
			test.Steps = []resource.TestStep{
				{Config: config(withVerify), ExpectError: regexp.MustCompile("the host is full")},
				{Config: config(withVerify), ConfigPlanChecks: expectAction(plancheck.ResourceActionCreate)},
			}
			resource.UnitTest(t, test)
		})
	}
	t.Run("somebody else's", func(t *testing.T) {
		fake, test := rig(t)
		theirs := stack.Member{Kind: stack.MemberBackup, Name: "backup-nightly", From: "backup", Schedule: `{"cron":"@hourly"}`}
		if _, err := fake.ApplyMember(t.Context(), "acme", theirs, nil); err != nil {
			t.Fatal(err)
		}
		fake.writes()
		test.CheckDestroy = expectWrites(fake)
		test.Steps = []resource.TestStep{{
			Config:      config(withVerify),
			ExpectError: regexp.MustCompile(`(?s)has a backup schedule.* already.*import \{`),
		}}
		resource.UnitTest(t, test)
	})
	t.Run("another of this configuration's", func(t *testing.T) {
		_, test := rig(t)
		test.Steps = []resource.TestStep{{
			Config:      config(daily) + strings.Replace(config(daily), `"this"`, `"other"`, 1),
			ExpectError: regexp.MustCompile(`has a backup schedule.* already|Two resources of one name`),
		}}
		resource.UnitTest(t, test)
	})
}

func TestFailedUpdate(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(daily)},
		{
			PreConfig:   func() { fake.writes(); fake.failNext("apply", errors.New("the host is full")) },
			Config:      config(`cron = "@weekly"`),
			ExpectError: regexp.MustCompile(`(?s)updating backup schedule.*the host is full`),
		},
		{
			Config:           config(`cron = "@weekly"`),
			ConfigPlanChecks: expectAction(plancheck.ResourceActionUpdate),
			Check:            expectWrites(fake, "apply acme backup-nightly", "apply acme backup-nightly"),
		},
	}
	resource.UnitTest(t, test)
}

func TestPortalsWithoutBackups(t *testing.T) {
	fake, test := rig(t)
	fake.base.Services = map[string]*stack.Service{"web": {Name: "web", Image: "web:1", Replicas: 1}}
	test.Steps = []resource.TestStep{{
		Config:      config(daily),
		PlanOnly:    true,
		ExpectError: regexp.MustCompile(`(?s)The portal's blueprint makes no backups.*task named "backup"`),
	}}
	resource.UnitTest(t, test)
}

// While there is no portal yet, its stack is not known, and that is no error.
func TestPortalIsStillToBeMade(t *testing.T) {
	fake, test := rig(t)
	base := fake.base
	fake.base = nil
	test.Steps = []resource.TestStep{
		{
			Config: config(daily), PlanOnly: true, ExpectNonEmptyPlan: true,
			ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPreRefresh: []plancheck.PlanCheck{
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("digest")),
			}},
		},
		{
			PreConfig: func() { fake.base = base },
			Config:    config(daily),
			Check:     expectWrites(fake, "apply acme backup-nightly"),
		},
	}
	resource.UnitTest(t, test)
}

func TestImport(t *testing.T) {
	const all = `
  cron       = "15 2 * * *"
  timezone   = "Europe/Paris"
  jitter     = "10m"
  retries    = 2
  timeout    = "4h"
  keep       = { last = 3, yearly = 5 }
  include    = ["media"]
  verify     = { cron = "@weekly", read_data_percent = 25 }
  repository = "s3:https://s3.example.com/backups/acme"
  credentials_wo         = { AWS_ACCESS_KEY_ID = "key", AWS_SECRET_ACCESS_KEY = "hunter2" }
  credentials_wo_version = 4
  webhook_url_wo         = "https://hooks.example.com/secret"
  webhook_url_wo_version = 9
`
	_, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(all)},
		{
			Config: config(all), ResourceName: address, ImportState: true, ImportStateId: "acme/nightly",
			ImportStateVerify: true,
		},
		{ // Errors speak of the task.
			Config: config(all), ResourceName: address, ImportState: true, ImportStateId: "acme/backup-nightly",
			ImportStateVerify: true,
		},
		{
			Config: config(all), ResourceName: address, ImportState: true, ImportStateId: "acme/weekly",
			ExpectError: regexp.MustCompile(`there is no backup schedule`),
		},
	}
	resource.UnitTest(t, test)
}
