// SPDX-License-Identifier: MPL-2.0

package task_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// acc is the address of the task under test.
const acc = "portal_task.acc"

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }

// site is a portal of the small blueprint.
type site struct{ *acctest.Portal }

// prepare makes a site and a test case for it.
func prepare(t *testing.T) (site, resource.TestCase) {
	t.Helper()
	return site{acctest.NewPortal(t)}, resource.TestCase{
		PreCheck:                 func() { acctest.PreCheck(t) },
		ProtoV6ProviderFactories: acctest.ProviderFactories(),
	}
}

// task is the portal with the task under test.
func (s site) task(more string) string {
	return s.Config("") + fmt.Sprintf(`
resource "portal_task" "acc" {
  portal = portal.acc.name
  name   = "report"
  %s
}
`, more)
}

// onRelease is a task that runs within applies, and has a directory of its own.
func (s site) onRelease(command, release string) string {
	return s.task(fmt.Sprintf(`
		image   = "portal-test/busybox"
		user    = "1000:1000"
		command = ["sh", "-c", %q]
		volumes = { "/data" = { name = "reports" } }
		run_on  = { release = %q }`, command, release))
}

// reported asserts what runs of the task have written, in words.
func (s site) reported(t *testing.T, want string) func() {
	return func() {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(s.Directory(), "data", "reports", "log"))
		if err != nil {
			t.Error(err)
		}
		if got := strings.Join(strings.Fields(string(text)), " "); got != want {
			t.Errorf("the runs have written %q instead of %q", got, want)
		}
	}
}

// untouched asserts that no container of the portal was started anew.
func (s site) untouched(t *testing.T) (note, check func()) {
	var before map[string]string
	return func() { before = s.Started(t) }, func() {
		t.Helper()
		now := s.Started(t)
		for name, since := range before {
			if now[name] != since {
				t.Errorf("%s was started anew", name)
			}
		}
	}
}

// checks runs functions that report to t themselves.
func checks(fs ...func()) resource.TestCheckFunc {
	return func(*terraform.State) error {
		for _, f := range fs {
			f()
		}
		return nil
	}
}

func plans(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func action(want plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(acc, want)
}

func lastRun(attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(acc, tfjsonpath.New("last_run").AtMapKey(attribute), want)
}

// A task with run_on runs when it is made and when a value changes, and at no
// other time.
func TestAccRunOn(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	note, untouched := s.untouched(t)
	const report = "echo report >> /data/log"
	test.Steps = []resource.TestStep{
		{Config: s.Config(""), Check: checks(note)},
		{
			Config:            s.onRelease(report, "1"),
			ConfigStateChecks: []statecheck.StateCheck{lastRun("ok", knownvalue.Bool(true)), lastRun("exit_code", knownvalue.Int64Exact(0))},
			Check:             checks(s.reported(t, "report"), untouched),
		},
		{
			Config:           s.onRelease(report, "1"),
			ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()),
		},
		{ResourceName: acc, ImportState: true, ImportStateId: s.Name + "/report", ImportStateVerify: true},
		{
			Config:           s.onRelease(report, "2"),
			ConfigPlanChecks: plans(action(plancheck.ResourceActionUpdate)),
			Check:            checks(s.reported(t, "report report"), untouched),
		},
		{ // A run that fails, fails the apply.
			Config:      s.onRelease("echo no such table >&2; exit 3", "3"),
			ExpectError: regexp.MustCompile(`(?s)Portal ` + s.Name + `: updating task report failed.*no such table`),
		},
		{
			Config:           s.onRelease(report, "3"),
			ConfigPlanChecks: plans(action(plancheck.ResourceActionUpdate)),
			Check:            checks(s.reported(t, "report report report"), untouched),
		},
		{
			Config: s.Config(""),
			Check: checks(untouched, func() {
				if slices.Contains(s.Members(t), "report") {
					t.Error("the task's container is left")
				}
			}),
		},
	}
	resource.ParallelTest(t, test)
}

// A first run that fails leaves no state, and the next apply runs it again.
func TestAccFirstRunFails(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	test.Steps = []resource.TestStep{
		{
			Config:      s.onRelease("echo no such table >&2; exit 3", "1"),
			ExpectError: regexp.MustCompile(`(?s)Portal ` + s.Name + `: creating task report failed.*no such table`),
		},
		{
			Config:           s.onRelease("echo report >> /data/log", "1"),
			ConfigPlanChecks: plans(action(plancheck.ResourceActionCreate)),
			Check:            checks(s.reported(t, "report")),
		},
	}
	resource.ParallelTest(t, test)
}

// A task of a service has its image, environment and files, follows its changes,
// and is started by hand.
func TestAccByHandAfterAService(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	config := func(greeting string) string {
		return strings.Replace(s.task(`
			from    = "web"
			command = ["sh", "-c", "cat /portal/config/index.html; echo $GREETING $NAME; test $NAME = ok"]
			environment = { NAME = "ok" }`), fmt.Sprintf("blueprint = %q", s.Blueprint),
			fmt.Sprintf("blueprint = %q\n  services = { web = { environment = { GREETING = %q } } }", s.Blueprint, greeting), 1)
	}
	played := func(want string) func() {
		return func() {
			t.Helper()
			code, out := s.Play(t, "report"), s.Log(t, "report")
			if code != 0 || !strings.Contains(out, want+" ok") || !strings.Contains(out, "<h1>learn."+s.Name+".test</h1>") {
				t.Errorf("the task says %q (%d)", out, code)
			}
		}
	}
	test.Steps = []resource.TestStep{
		{
			Config: config("hello"),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("last_run"), knownvalue.Null()),
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("status"), knownvalue.StringExact("ready")),
			},
			Check: checks(played("hello")),
		},
		{ // A run is no difference, and is read.
			RefreshState: true,
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(acc, "last_run.ok", "true"),
				resource.TestMatchResourceAttr(acc, "last_run.finished", regexp.MustCompile(`^20\d\d-`))),
		},
		{ // It follows the service, in the same run.
			Config: config("bonjour"),
			ConfigPlanChecks: plans(action(plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(acc, tfjsonpath.New("digest"), knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{16}$`)))),
			Check: checks(played("bonjour")),
		},
		{ // A container that is gone is a difference.
			PreConfig:        func() { s.Remove(t, "report") },
			Config:           config("bonjour"),
			ConfigPlanChecks: plans(action(plancheck.ResourceActionUpdate), plancheck.ExpectResourceAction("portal.acc", plancheck.ResourceActionNoop)),
			Check:            checks(played("bonjour")),
		},
	}
	resource.ParallelTest(t, test)
}

// A task with a clock is known to the scheduler by its label, which holds no
// secret.
func TestAccByTheClock(t *testing.T) {
	s, test := prepare(t)
	const webhook = "https://hooks.example.com/services/s3cret"
	config := func(more string) string {
		return s.task(fmt.Sprintf(`
			image                  = "portal-test/busybox"
			command                = ["true"]
			cron                   = "0 0 1 1 *"
			timezone               = "Pacific/Auckland"
			webhook_url_wo         = %q
			webhook_url_wo_version = 1
			%s`, webhook, more))
	}
	secret := func() {
		t.Helper()
		file := filepath.Join(s.Directory(), "secrets", "given", "task-report-webhook-v1")
		if text, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(text)) != webhook {
			t.Errorf("the webhook's file holds %q, %v", text, err)
		}
		shown, err := json.Marshal(s.Inspect(t, "report"))
		if err != nil || bytes.Contains(shown, []byte("s3cret")) || !bytes.Contains(shown, []byte("0 0 1 1 *")) {
			t.Errorf("the container is %s, %v", shown, err)
		}
	}
	test.Steps = []resource.TestStep{
		{
			Config: config(""),
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue(acc, tfjsonpath.New("next_run"),
				knownvalue.StringRegexp(regexp.MustCompile(`^20\d\d-01-01T00:00:00\+13:00$`)))},
			Check: checks(secret),
		},
		{Config: config(""), ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
		{ResourceName: acc, ImportState: true, ImportStateId: s.Name + "/report", ImportStateVerify: true},
		{
			Config:            config("paused = true"),
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue(acc, tfjsonpath.New("next_run"), knownvalue.Null())},
			Check:             checks(secret),
		},
	}
	resource.ParallelTest(t, test)
}
