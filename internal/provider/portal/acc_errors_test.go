// SPDX-License-Identifier: MPL-2.0

package portal_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// broken is an image in which nothing starts.
func broken(t *testing.T, p *acctest.Portal) string {
	t.Helper()
	return p.Image(t, "broken", `ENTRYPOINT ["sh","-c","echo the disk is on fire; exit 9"]`)
}

// A create that fails half-way leaves no state; when the cause is mended, the
// next apply finishes it and leaves alone what was right.
func TestAccFailedCreateIsFinished(t *testing.T) {
	acctest.Long(t)
	p, test := prepare(t)
	note, unlike := remember(t, p)
	test.Steps = []resource.TestStep{
		{
			Config:      p.Config(fmt.Sprintf(`services = { web = { image = %q } }`, broken(t, p))),
			ExpectError: regexp.MustCompile(`(?s)Portal ` + p.Name + `: create failed.*web.*the disk is on fire`),
		},
		{
			PreConfig: note,
			Config:    p.Config(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				action(plancheck.ResourceActionCreate),
			}},
			Check: checks(running(t, p, "db-1", "web-1", "load-balancer-1"), unlike("web-1"),
				logged(t, p, "started migrated")),
		},
	}
	resource.ParallelTest(t, test)
}

// A broken image on update leaves the old container serving.
func TestAccFailedUpdateKeepsServing(t *testing.T) {
	acctest.Long(t)
	p, test := prepare(t)
	note, unlike := remember(t, p)
	test.Steps = []resource.TestStep{
		{Config: p.Config(""), Check: checks(note)},
		{
			Config:      p.Config(fmt.Sprintf(`services = { web = { image = %q } }`, broken(t, p))),
			ExpectError: regexp.MustCompile(`(?s)Portal ` + p.Name + `: update failed.*web.*the disk is on fire`),
		},
		{ // Nothing is left to be done.
			Config: p.Config(""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectEmptyPlan(),
			}},
			Check: checks(unlike(), running(t, p, "db-1", "web-1", "load-balancer-1"), answers(t, p, "/greeting", "hello")),
		},
	}
	resource.ParallelTest(t, test)
}

func TestAccACompletePortalIsRefused(t *testing.T) {
	acctest.Long(t)
	p, test := prepare(t)
	second := fmt.Sprintf(`
resource "portal" "second" {
  name      = portal.acc.name
  domain    = "learn.second.test"
  blueprint = %q
}`, p.Blueprint)
	test.Steps = []resource.TestStep{
		{Config: p.Config("")},
		{
			Config:      p.Config("") + second,
			ExpectError: regexp.MustCompile(`(?s)import\s*\{.*` + p.Name),
		},
	}
	resource.ParallelTest(t, test)
}

func TestAccClearErrors(t *testing.T) {
	acctest.Long(t)
	for name, tc := range map[string]struct {
		config func(t *testing.T, p *acctest.Portal) string
		want   string
	}{
		"storage path missing": {func(_ *testing.T, p *acctest.Portal) string {
			p.Storage = filepath.Join(p.Storage, "none")
			return p.Config("")
		}, `(?s)none.*mkdir`},
		"not the marked drive": {func(_ *testing.T, p *acctest.Portal) string {
			return regexp.MustCompile(`storage = \{`).ReplaceAllString(p.Config(""), `storage = { id = "another", `)
		}, `(?s)drive|\.portal-storage`},
		"somebody else's directory": {func(t *testing.T, p *acctest.Portal) string {
			if err := os.WriteFile(filepath.Join(p.Storage, ".portal-storage"), []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(p.Directory(), "precious"), 0o700); err != nil {
				t.Fatal(err)
			}
			return p.Config("")
		}, `(?s)` + `portal\.json`},
		"image missing": {func(_ *testing.T, p *acctest.Portal) string {
			return p.Config(`services = { web = { image = "registry.invalid/web:1" } }`)
		}, `(?s)registry\.invalid/web:1`},
		"daemon unreachable": {func(_ *testing.T, p *acctest.Portal) string {
			return regexp.MustCompile(`storage = `).ReplaceAllString(p.Config(""),
				`hosts = { far = { endpoint = "unix:///var/run/none.sock" } }`+"\n  storage = ")
		}, `(?s)far.*none\.sock`},
		"port taken by a process": {func(t *testing.T, p *acctest.Portal) string {
			l, err := net.Listen("tcp", "0.0.0.0:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return p.Config(fmt.Sprintf("http_port = %d", l.Addr().(*net.TCPAddr).Port))
		}, `(?s)http_port`},
	} {
		t.Run(name, func(t *testing.T) {
			p, test := prepare(t)
			test.Steps = []resource.TestStep{{
				Config:      tc.config(t, p),
				ExpectError: regexp.MustCompile(tc.want),
			}}
			resource.ParallelTest(t, test)
		})
	}
}

// A port that another container holds is found out before anything is made.
func TestAccPortTakenByAContainer(t *testing.T) {
	acctest.Long(t)
	p, test := prepare(t)
	port := p.Foreign(t, "holder", true)

	test.Steps = []resource.TestStep{{
		Config:      p.Config("http_port = " + port),
		ExpectError: regexp.MustCompile(`(?s)` + port + `.*` + p.Container("holder")),
	}}
	resource.ParallelTest(t, test)
	if _, err := os.Stat(p.Directory()); !os.IsNotExist(err) {
		t.Errorf("something was written before the port was found to be taken: %v", err)
	}
}
