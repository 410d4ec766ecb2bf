// SPDX-License-Identifier: MPL-2.0

package override_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// acc is the address of the override under test.
const acc = "portal_override.acc"

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }

// site is a portal whose service reads the overrides when it starts.
type site struct{ *acctest.Portal }

func newSite(t *testing.T) site {
	t.Helper()
	s := site{acctest.NewPortal(t)}
	text, err := os.ReadFile("testdata/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Blueprint, "compose.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// prepare makes a site and a test case for it.
func prepare(t *testing.T) (site, resource.TestCase) {
	t.Helper()
	providers := acctest.ProviderFactories()
	providers["echo"] = echoprovider.NewProviderServer()
	return newSite(t), resource.TestCase{
		PreCheck:                 func() { acctest.PreCheck(t) },
		ProtoV6ProviderFactories: providers,
	}
}

// config is the portal with overrides: attributes by name.
func (s site) config(overrides map[string]string) string {
	var text strings.Builder
	text.WriteString(s.Config(""))
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		fmt.Fprintf(&text, "resource \"portal_override\" %q {\n  portal = portal.acc.name\n  %s\n}\n", name, overrides[name])
	}
	return text.String()
}

// one is the portal with the override under test.
func (s site) one(attributes string) string {
	return s.config(map[string]string{"acc": attributes})
}

func (s site) file(name ...string) string {
	return filepath.Join(append([]string{s.Directory()}, name...)...)
}

func (s site) overrides() string { return s.file("overrides", "ansible_overrides.yml") }

// read is the text of a file of the portal; empty when there is none.
func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// edit changes the overrides as another writer does: under the lock, with a
// rename.
func (s site) edit(t *testing.T, change func(text string) string) {
	t.Helper()
	lock, err := os.OpenFile(s.file("overrides", ".lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	temp := s.file("overrides", "theirs")
	if err := os.WriteFile(temp, []byte(change(read(t, s.overrides()))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, s.overrides()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(s.overrides(), 1000, 1000); err != nil {
		t.Fatal(err)
	}
}

// write replaces the overrides as another writer does.
func (s site) write(t *testing.T, text string) {
	t.Helper()
	s.edit(t, func(string) string { return text })
}

// replace changes a text in the overrides, which must be there.
func (s site) replace(t *testing.T, old, now string) func() {
	return func() {
		t.Helper()
		s.edit(t, func(text string) string {
			if !strings.Contains(text, old) {
				t.Fatalf("the overrides have no %q:\n%s", old, text)
			}
			return strings.ReplaceAll(text, old, now)
		})
	}
}

// holds asserts texts in the overrides.
func (s site) holds(t *testing.T, want ...string) func() {
	return func() {
		t.Helper()
		s.expect(t, "the overrides hold", read(t, s.overrides()), want)
	}
}

// serves asserts texts in what the site read when it started.
func (s site) serves(t *testing.T, want ...string) func() {
	return func() {
		t.Helper()
		s.expect(t, "the site serves", read(t, s.file("data", "site", "served")), want)
	}
}

func (s site) expect(t *testing.T, what, text string, want []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s no %q:\n%s", what, w, text)
		}
	}
}

// is asserts the whole text of the overrides.
func (s site) is(t *testing.T, want string) func() {
	return func() {
		t.Helper()
		if got := read(t, s.overrides()); got != want {
			t.Errorf("the overrides are\n%s\ninstead of\n%s", got, want)
		}
	}
}

// starts asserts how often the site has started.
func (s site) starts(t *testing.T, want int) func() {
	return func() {
		t.Helper()
		if got := strings.Count(read(t, s.file("data", "site", "starts")), "started"); got != want {
			t.Errorf("the site has started %d times instead of %d", got, want)
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

func preApply(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func action(want plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(acc, want)
}
