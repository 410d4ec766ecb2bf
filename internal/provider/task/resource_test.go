// SPDX-License-Identifier: MPL-2.0

package task

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member/membertest"
	"github.com/privateportals/terraform-provider-portal/internal/provider/service"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

const (
	address = "portal_task.report"
	owner   = "task/report"
)

// report is a task of the portal acme, with more attributes, and the portal.
func report(more string) string {
	return membertest.Portal + fmt.Sprintf(`
resource "portal_task" "report" {
  portal = portal.acme.name
  name   = "report"
  %s
}`, more)
}

// rig is a deployer in memory and the factories that serve it.
func rig(t *testing.T) (*membertest.Deployer, resource.TestCase) {
	t.Helper()
	fake := membertest.New()
	var d client.Deployer = fake
	return fake, resource.TestCase{ProtoV6ProviderFactories: membertest.Serve(&d, NewResource, service.NewResource)}
}

func is(attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

func text(attribute, want string) statecheck.StateCheck {
	return is(attribute, knownvalue.StringExact(want))
}

func plans(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

var (
	digest  = tfjsonpath.New("digest")
	hex     = knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{16}$`))
	inPlace = plans(plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate))
	empty   = plans(plancheck.ExpectEmptyPlan())
)

func TestLifecycle(t *testing.T) {
	fake, test := rig(t)
	test.CheckDestroy = fake.ExpectCalls("remove acme task/report")
	test.Steps = []resource.TestStep{
		{
			Config:           report(`image = "report:1"`),
			ConfigPlanChecks: plans(plancheck.ExpectKnownValue(address, digest, hex)),
			ConfigStateChecks: []statecheck.StateCheck{
				text("id", "acme/report"), text("host", membertest.Host), text("status", "ready"),
				is("next_run", knownvalue.Null()), is("last_run", knownvalue.Null()),
			},
			Check: fake.ExpectCalls("apply acme task/report"),
		},
		{
			Config: report(`
				from     = "web"
				command  = ["report", "--all"]
				cron     = "15 2 * * *"
				timezone = "Europe/Paris"
				jitter   = "600s"
				retries  = 2
				timeout  = "1h"`),
			ConfigPlanChecks: inPlace,
			Check: func(*terraform.State) error {
				s, err := schedule.Parse(fake.Member("acme", owner).Schedule)
				if err != nil {
					return err
				}
				if s.Cron != "15 2 * * *" || s.Timezone != "Europe/Paris" || time.Duration(*s.Jitter) != 10*time.Minute ||
					s.Retries != 2 || time.Duration(s.Timeout) != time.Hour {
					return fmt.Errorf("the schedule is %s", s.Text())
				}
				return fake.ExpectCalls("apply acme task/report")(nil)
			},
		},
		{
			ResourceName: address, ImportState: true, ImportStateId: "acme/report",
			ImportStateVerify: true, ImportStateVerifyIgnore: []string{"jitter"}, // "10m" for "600s"
		},
		{ // In other words.
			Config: report(`
				from     = "web"
				command  = ["report", "--all"]
				cron     = "15 2 * * *"
				timezone = "Europe/Paris"
				jitter   = "10m"
				retries  = 2
				timeout  = "60m"`),
			ConfigPlanChecks: empty,
		},
		{
			Config:           report(`image = "report:1"`),
			ConfigPlanChecks: inPlace,
			Check:            fake.ExpectCalls("apply acme task/report"),
		},
	}
	resource.UnitTest(t, test)
}

// What runs tell is read, and is no difference.
func TestRuns(t *testing.T) {
	fake, test := rig(t)
	config := report(`image = "report:1"` + "\n" + `cron = "@daily"`)
	began := time.Date(2026, 3, 1, 0, 0, 5, 0, time.UTC)
	test.Steps = []resource.TestStep{
		{Config: config, Check: fake.ExpectCalls("apply acme task/report")},
		{
			PreConfig: func() {
				fake.Change("acme", owner, func(s *deploy.MemberState) {
					s.NextRun = began.Add(24 * time.Hour)
					s.Runs = []schedule.Run{{Started: began, Finished: began.Add(time.Second), ExitCode: 1, Reason: "exit code 1", Log: "no mail server\n"}}
				})
			},
			RefreshState: true,
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(address, "next_run", "2026-03-02T00:00:05Z"),
				resource.TestCheckResourceAttr(address, "last_run.ok", "false"),
				resource.TestCheckResourceAttr(address, "last_run.exit_code", "1"),
				resource.TestCheckResourceAttr(address, "last_run.started", "2026-03-01T00:00:05Z"),
				resource.TestCheckResourceAttr(address, "last_run.finished", "2026-03-01T00:00:06Z"),
				resource.TestCheckResourceAttr(address, "last_run.error", "exit code 1"),
				resource.TestCheckResourceAttr(address, "last_run.log", "no mail server\n")),
		},
		{Config: config, ConfigPlanChecks: empty},
		{ // A change that does not concern the runs keeps them.
			Config: report(`image = "report:1"` + "\n" + `cron = "@daily"` + "\n" + `timeouts = { create = "5m" }`),
			ConfigPlanChecks: plans(
				plancheck.ExpectKnownValue(address, tfjsonpath.New("next_run"), knownvalue.StringExact("2026-03-02T00:00:05Z"))),
		},
		{
			Config: report(`image = "report:1"` + "\n" + `cron = "@daily"` + "\n" + `paused = true`),
			ConfigPlanChecks: plans(
				plancheck.ExpectKnownValue(address, tfjsonpath.New("next_run"), knownvalue.Null()),
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("last_run"))),
			PreventPostDestroyRefresh: true,
			Check: func(*terraform.State) error {
				if label := fake.Member("acme", owner).Schedule; !strings.Contains(label, `"paused":true`) {
					return fmt.Errorf("the schedule is %s", label)
				}
				return nil
			},
			PreConfig: func() {
				fake.Change("acme", owner, func(s *deploy.MemberState) { s.NextRun = time.Time{} })
			},
		},
	}
	resource.UnitTest(t, test)
}

func TestRunOn(t *testing.T) {
	fake, test := rig(t)
	config := func(release string) string {
		return report(fmt.Sprintf("from = %q\nrun_on = { release = %q }", "web", release))
	}
	test.Steps = []resource.TestStep{
		{Config: config("1"), Check: fake.ExpectCalls("apply acme task/report")},
		{Config: config("1"), ConfigPlanChecks: empty},
		{
			PreConfig:   func() { fake.FailNext(errors.New("exit code 1:\nno such table")) },
			Config:      config("2"),
			ExpectError: regexp.MustCompile(`(?s)updating task report failed.*no such table`),
		},
		{Config: config("2"), ConfigPlanChecks: inPlace},
		{ // A run that failed is a difference.
			PreConfig: func() {
				fake.Change("acme", owner, func(s *deploy.MemberState) { s.Summary.Status = "acme-report failed with exit code 1" })
			},
			Config:            config("2"),
			ConfigPlanChecks:  inPlace,
			ConfigStateChecks: []statecheck.StateCheck{text("status", "ready")},
		},
	}
	resource.UnitTest(t, test)
}

func TestWebhookIsNowhere(t *testing.T) {
	fake, test := rig(t)
	config := func(url, version string) string {
		return report(fmt.Sprintf(`
			image                  = "report:1"
			cron                   = "@daily"
			webhook_url_wo         = %q
			webhook_url_wo_version = %s`, url, version))
	}
	sent := func(version int, url string) func(*terraform.State) error {
		return func(s *terraform.State) error {
			if strings.Contains(s.String(), "hooks.example.com") {
				return errors.New("the state shows the address")
			}
			name := fmt.Sprintf("task-report-webhook-v%d", version)
			label := fake.Member("acme", owner).Schedule
			if !strings.Contains(label, name) || strings.Contains(label, "hooks.example.com") {
				return fmt.Errorf("the schedule is %s", label)
			}
			if fake.File(name) != url {
				return fmt.Errorf("%s holds %q", name, fake.File(name))
			}
			return fake.ExpectCalls("apply acme task/report with " + name)(nil)
		}
	}
	test.Steps = []resource.TestStep{
		{Config: config("https://hooks.example.com/one", "1"), Check: sent(1, "https://hooks.example.com/one")},
		{Config: config("https://hooks.example.com/two", "1"), ConfigPlanChecks: empty},
		{Config: config("https://hooks.example.com/two", "2"), ConfigPlanChecks: inPlace, Check: sent(2, "https://hooks.example.com/two")},
		{ResourceName: address, ImportState: true, ImportStateId: "acme/report", ImportStateVerify: true},
	}
	resource.UnitTest(t, test)
}

func TestMistakesFailInThePlan(t *testing.T) {
	chat := `
resource "portal_service" "chat" {
  portal = portal.acme.name
  name   = "report"
  image  = "chat:1"
}`
	for name, tc := range map[string]struct{ config, want string }{
		"neither image nor from": {report(""), `"image"[\s\S]*"from"|from[\s\S]*image`},
		"from nothing":           {report(`from = "webb"`), `from[\s\S]*Did\s+you\s+mean\s+"web"`},
		"cron":                   {report(`from = "web"` + "\n" + `cron = "every day"`), `cron[\s\S]*five\s+fields`},
		"timezone":               {report(`from = "web"` + "\n" + `cron = "@daily"` + "\n" + `timezone = "Paris"`), `timezone[\s\S]*Europe/Paris`},
		"timezone alone":         {report(`from = "web"` + "\n" + `timezone = "UTC"`), `"cron"`},
		"paused alone":           {report(`from = "web"` + "\n" + `paused = true`), `"cron"`},
		"jitter":                 {report(`from = "web"` + "\n" + `cron = "@daily"` + "\n" + `jitter = "13h"`), `jitter\s+is\s+13h`},
		"retries":                {report(`from = "web"` + "\n" + `cron = "@daily"` + "\n" + `retries = 11`), `retries`},
		"two triggers":           {report(`from = "web"` + "\n" + `cron = "@daily"` + "\n" + `run_on = { a = "b" }`), `run_on[\s\S]*cron|cron[\s\S]*run_on`},
		"run_on nothing":         {report(`from = "web"` + "\n" + `run_on = {}`), `run_on`},
		"webhook":                {report(`from = "web"` + "\n" + `webhook_url_wo = "hooks"` + "\n" + `webhook_url_wo_version = 1`), `webhook_url_wo[\s\S]*https://hooks`},
		"webhook's version":      {report(`from = "web"` + "\n" + `webhook_url_wo = "https://example.com"`), `webhook_url_wo_version`},
		"timeout":                {report(`from = "web"` + "\n" + `timeout = "200h"`), `timeout\s+is\s+200h`},
		"name of a service":      {report(`from = "web"`) + chat, `The\s+name\s+is\s+taken`},
		"data of a database":     {report(`from = "db"`), `The\s+files\s+belong\s+to\s+another\s+service`},
	} {
		t.Run(name, func(t *testing.T) {
			fake, test := rig(t)
			test.Steps = []resource.TestStep{{
				Config:      tc.config,
				ExpectError: regexp.MustCompile(tc.want),
			}}
			resource.UnitTest(t, test)
			if calls := fake.Calls(); len(calls) > 0 {
				t.Errorf("a refused plan led to calls %q", calls)
			}
		})
	}
}

// Values that come from elsewhere in the same run are no error before they are
// known.
func TestUnknownInputs(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{{
		Config: `
resource "terraform_data" "cron" { input = "@daily" }` + report(`
  image                  = "report:1"
  cron                   = terraform_data.cron.output
  secret_files_wo         = { "/run/key" = terraform_data.cron.output }
  secret_files_wo_version = 1`),
		ConfigPlanChecks: plans(
			plancheck.ExpectUnknownValue(address, digest),
			plancheck.ExpectUnknownValue(address, tfjsonpath.New("next_run"))),
		ConfigStateChecks: []statecheck.StateCheck{is("digest", hex)},
		Check: func(*terraform.State) error {
			return fake.ExpectCalls("apply acme task/report with " + fake.Member("acme", owner).GivenSecrets["/run/key"])(nil)
		},
	}}
	resource.UnitTest(t, test)
}
