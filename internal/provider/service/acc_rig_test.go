// SPDX-License-Identifier: MPL-2.0

package service_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// acc is the address of the service under test.
const acc = "portal_service.acc"

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }

// site is a portal with a load balancer that is told of routes.
type site struct{ *acctest.Portal }

// prepare makes a site and a test case for it.
func prepare(t *testing.T) (site, resource.TestCase) {
	t.Helper()
	s := site{acctest.NewPortal(t)}
	s.EditBlueprint(t, "  load-balancer:\n    <<: *site\n", `  load-balancer:
    <<: *site
    x-portal: {reload: [sh, -c, "cat > /tmp/routes.json"]}
    configs:
      - {source: routes, target: /portal/config/routes.json}
`)
	s.EditBlueprint(t, "configs:\n  index:\n", "configs:\n  routes:\n    x-portal: {ingress: caddy}\n  index:\n")
	return s, resource.TestCase{
		PreCheck:                 func() { acctest.PreCheck(t) },
		ProtoV6ProviderFactories: acctest.ProviderFactories(),
	}
}

// chat is the portal with the service under test: a small site that says what
// its environment tells it to.
func (s site) chat(greeting, more string) string {
	return s.Config("") + s.service("portal.acc.name", "portal-test/busybox", greeting, more)
}

func (s site) service(portal, image, greeting, more string) string {
	return fmt.Sprintf(`
resource "portal_service" "acc" {
  portal      = %s
  name        = "chat"
  image       = %q
  user        = "1000:1000"
  command     = ["sh", "-c", "mkdir -p /tmp/www && echo $GREETING > /tmp/www/index.html && exec httpd -f -p 8000 -h /tmp/www"]
  environment = { GREETING = %q }
  healthcheck = {
    test     = ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8000/"]
    interval = "30s"
    retries  = 1
  }
  start_after = ["web"]
  %s
}
`, portal, image, greeting, more)
}

// broken is an image in which nothing starts.
func (s site) broken(t *testing.T) string {
	t.Helper()
	return s.Image(t, "broken", `ENTRYPOINT ["sh","-c","echo the disk is on fire; exit 9"]`)
}

// portals are the containers that run of the portal itself.
var portals = []string{"db-1", "web-1", "load-balancer-1"}

func with(members ...string) []string { return append(slices.Clone(portals), members...) }

// running asserts which containers run, and no others.
func (s site) running(t *testing.T, want ...string) func() {
	return func() {
		t.Helper()
		var got []string
		for name := range s.Started(t) {
			got = append(got, strings.TrimPrefix(name, s.Name+"-"))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q run instead of %q", got, want)
		}
	}
}

// remember notes since when containers run; the function it returns asserts
// that of those, exactly the given ones have been started anew.
func (s site) remember(t *testing.T) (note func(), unlike func(changed ...string) func()) {
	var before map[string]string
	note = func() { before = s.Started(t) }
	unlike = func(changed ...string) func() {
		return func() {
			t.Helper()
			now := s.Started(t)
			for name, since := range before {
				touched := now[name] != since
				if touched != slices.Contains(changed, strings.TrimPrefix(name, s.Name+"-")) {
					t.Errorf("%s was started anew: %t", name, touched)
				}
			}
		}
	}
	return note, unlike
}

// file is the text of a file of the portal.
func (s site) file(t *testing.T, name ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{s.Directory()}, name...)...))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// routed asserts what the load balancer is told, and has loaded.
func (s site) routed(t *testing.T, host string, want bool) func() {
	return func() {
		t.Helper()
		if got := strings.Contains(s.file(t, "ingress", "routes.json"), host); got != want {
			t.Errorf("%s is routed: %t", host, got)
		}
		out, code := s.Exec(t, "load-balancer-1", "cat", "/tmp/routes.json")
		if got := strings.Contains(out, host); code != 0 || got != want {
			t.Errorf("the load balancer (%d) has loaded %s: %t", code, host, got)
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
