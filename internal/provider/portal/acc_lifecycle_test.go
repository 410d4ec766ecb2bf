// SPDX-License-Identifier: MPL-2.0

package portal_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
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

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// acc is the address of acctest's portal.
const acc = "portal.acc"

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }

// prepare makes a portal and a test case for it.
func prepare(t *testing.T) (*acctest.Portal, resource.TestCase) {
	t.Helper()
	return acctest.NewPortal(t), resource.TestCase{
		PreCheck:                 func() { acctest.PreCheck(t) },
		ProtoV6ProviderFactories: acctest.ProviderFactories(),
	}
}

func planned(service, attribute string, want knownvalue.Check) plancheck.PlanCheck {
	return plancheck.ExpectKnownValue(acc, tfjsonpath.New("stack").AtMapKey(service).AtMapKey(attribute), want)
}

func action(want plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(acc, want)
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

// running asserts which containers run.
func running(t *testing.T, p *acctest.Portal, want ...string) func() {
	return func() {
		t.Helper()
		started := p.Started(t)
		for _, member := range want {
			if started[p.Container(member)] == "" {
				t.Errorf("%s does not run", p.Container(member))
			}
			delete(started, p.Container(member))
		}
		for name := range started {
			t.Errorf("%s runs, and should not", name)
		}
	}
}

// remember notes since when containers run; the function it returns asserts
// that all of them but the given ones have run on since.
func remember(t *testing.T, p *acctest.Portal) (note func(), unlike func(changed ...string) func()) {
	var before map[string]string
	note = func() { before = p.Started(t) }
	unlike = func(changed ...string) func() {
		return func() {
			t.Helper()
			now := p.Started(t)
			for name, since := range before {
				member := strings.TrimPrefix(name, p.Name+"-")
				touched := now[name] != since
				expected := slices.Contains(changed, member)
				if touched && !expected {
					t.Errorf("%s was restarted", name)
				}
				if !touched && expected {
					t.Errorf("%s was left alone", name)
				}
			}
		}
	}
	return note, unlike
}

// answers asserts that the portal's site answers at its URL's port.
func answers(t *testing.T, p *acctest.Portal, path, want string) func() {
	return func() {
		t.Helper()
		bindings := p.Inspect(t, "load-balancer-1").NetworkSettings.Ports["8080/tcp"]
		if len(bindings) == 0 {
			t.Fatal("the load balancer publishes no port")
		}
		client := http.Client{Timeout: 10 * time.Second}
		resp, err := client.Get("http://127.0.0.1:" + bindings[0].HostPort + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s answers %q, %v instead of %q", path, body, err, want)
		}
	}
}

// log is what the portal's database and task have written on the drive.
func log(t *testing.T, p *acctest.Portal) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.Directory(), "data", "db", "log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func logged(t *testing.T, p *acctest.Portal, want string) func() {
	return func() {
		t.Helper()
		if got := log(t, p); got != want {
			t.Errorf("the database's log is %q instead of %q", got, want)
		}
	}
}

func TestAccLifecycle(t *testing.T) {
	p, test := prepare(t)
	note, unlike := remember(t, p)
	all := []string{"db-1", "web-1", "load-balancer-1"}
	test.CheckDestroy = checks(running(t, p), logged(t, p, "started migrated flushed"))
	test.Steps = []resource.TestStep{
		{
			Config: p.Config(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				planned("web", "replicas", knownvalue.Int64Exact(1)),
				planned("migrate", "status", knownvalue.StringExact("ready")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("url"),
					knownvalue.StringRegexp(regexp.MustCompile(`^http://learn\.`+p.Name+`\.test:\d+$`))),
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("directory"), knownvalue.StringExact(p.Directory())),
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("host"), knownvalue.StringExact("default")),
			},
			Check: checks(running(t, p, all...), answers(t, p, "/", "learn."+p.Name+".test"),
				logged(t, p, "started migrated"), note),
		},
		{
			ResourceName: acc, ImportState: true, ImportStateId: p.Name, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"placement"},
		},
		{
			Config:       p.Config(""),
			ResourceName: acc, ImportState: true, ImportStateId: p.Name,
			ImportStateKind:  resource.ImportBlockWithID,
			ImportPlanChecks: resource.ImportPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		},
		{ // A service's environment changes that service alone.
			Config: p.Config(`services = { web = { environment = { GREETING = "bonjour" } } }`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				action(plancheck.ResourceActionUpdate),
			}},
			Check: checks(running(t, p, all...), unlike("web-1"), answers(t, p, "/greeting", "bonjour"),
				logged(t, p, "started migrated"), note),
		},
		{ // More replicas leave the ones there are alone.
			Config: p.Config(`services = { web = { replicas = 3, environment = { GREETING = "bonjour" } } }`),
			Check:  checks(running(t, p, append(all, "web-2", "web-3")...), unlike(), note),
		},
		{ // Fewer take the last away.
			Config: p.Config(`services = { web = { replicas = 2, environment = { GREETING = "bonjour" } } }`),
			Check:  checks(running(t, p, append(all, "web-2")...), unlike("web-3"), note),
		},
		{ // What is done with files later is no matter of containers.
			Config: p.Config(`
				services   = { web = { replicas = 2, environment = { GREETING = "bonjour" } } }
				on_destroy = "archive"
				timeouts   = { update = "10m" }`),
			Check: checks(unlike()),
		},
		{
			Config: p.Config(`services = { web = { replicas = 2, environment = { GREETING = "bonjour" } } }`),
			Check:  checks(unlike()),
		},
	}
	resource.ParallelTest(t, test)
}

func TestAccRetainedFilesAreAdopted(t *testing.T) {
	acctest.Long(t)
	p, test := prepare(t)
	test.Steps = []resource.TestStep{
		{Config: p.Config(""), Check: checks(logged(t, p, "started migrated"))},
		{Config: p.Config(""), Destroy: true},
		{Config: p.Config(""), Check: checks(logged(t, p, "started migrated flushed started migrated"))},
	}
	resource.ParallelTest(t, test)
}

func TestAccOnDestroy(t *testing.T) {
	acctest.Long(t)
	for _, tc := range []struct {
		what string
		left int // directories of the portal on the drive afterwards
		kept string
	}{
		{"retain", 1, ""},
		{"archive", 1, ".archive"},
		{"delete", 0, ""},
	} {
		t.Run(tc.what, func(t *testing.T) {
			p, test := prepare(t)
			other := filepath.Join(p.Storage, "neighbour")
			test.CheckDestroy = func(*terraform.State) error {
				found, err := filepath.Glob(filepath.Join(p.Storage, tc.kept, p.Name+"*"))
				if err != nil {
					return err
				}
				if len(found) != tc.left {
					return fmt.Errorf("found %q instead of %d", found, tc.left)
				}
				if _, err := os.Stat(other); err != nil {
					return fmt.Errorf("another directory was touched: %w", err)
				}
				return nil
			}
			test.Steps = []resource.TestStep{{
				Config: p.Config(fmt.Sprintf("on_destroy = %q", tc.what)),
				Check: checks(func() {
					if err := os.Mkdir(other, 0o700); err != nil {
						t.Fatal(err)
					}
				}),
			}}
			resource.ParallelTest(t, test)
		})
	}
}

func TestAccDataSources(t *testing.T) {
	acctest.Long(t)
	p, test := prepare(t)
	test.Steps = []resource.TestStep{
		{Config: p.Config("")},
		{
			Config: p.Config("") + fmt.Sprintf(`
				data "portal" "acc" { name = %q }
				data "portal_portals" "all" {}`, p.Name),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.portal.acc", tfjsonpath.New("domain"),
					knownvalue.StringExact("learn."+p.Name+".test")),
				statecheck.ExpectKnownValue("data.portal.acc", tfjsonpath.New("stack").AtMapKey("web").AtMapKey("status"),
					knownvalue.StringExact("running")),
				statecheck.ExpectKnownValue("data.portal_portals.all",
					tfjsonpath.New("portals").AtMapKey(p.Name).AtMapKey("host"), knownvalue.StringExact("default")),
			},
		},
	}
	resource.ParallelTest(t, test)
}

func TestAccSecretsStayOnTheDrive(t *testing.T) {
	acctest.Long(t)
	p, test := prepare(t)
	test.Steps = []resource.TestStep{{
		Config: p.Config(""),
		Check: func(s *terraform.State) error {
			text, err := os.ReadFile(filepath.Join(p.Directory(), "secrets", "db-password"))
			if err != nil {
				return err
			}
			secret := strings.TrimSpace(string(text))
			if len(secret) < 16 {
				return fmt.Errorf("the secret has %d characters", len(secret))
			}
			for _, member := range []string{"db-1", "migrate", "web-1"} {
				inspected, err := json.Marshal(p.Inspect(t, member))
				if err != nil {
					return err
				}
				if strings.Contains(string(inspected), secret) {
					return fmt.Errorf("%s shows the secret when it is inspected", member)
				}
			}
			if strings.Contains(s.String(), secret) {
				return fmt.Errorf("the state holds the secret")
			}
			return nil
		},
	}}
	resource.ParallelTest(t, test)
}
