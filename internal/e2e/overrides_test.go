// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

const (
	overridesFile   = "overrides/ansible_overrides.yml"
	overrideAddress = "portal_override.branding"
	// smtpPassword is a secret that the user gives.
	smtpPassword = "correct-horse-battery-staple"
)

// twoLMS is a lms whose restart nobody needs to notice.
var twoLMS = "lms = { replicas = 2, " + withEnvironment + " }"

// withOverride is the portal with an override of the platform's name.
func (a *academy) withOverride(name string) string { return a.config(twoLMS) + a.override(name) }

func (a *academy) override(name string) string {
	return fmt.Sprintf(`
resource "portal_override" "branding" {
  portal = %s.name
  values = {
    EDXAPP_PLATFORM_NAME = %q
    EDXAPP_FEATURES      = { ENABLE_MOBILE_REST_API = true }
  }
  secret_values_wo         = { EDXAPP_EMAIL_HOST_PASSWORD = %q }
  secret_values_wo_version = 1
}
`, academyAddress, name, smtpPassword)
}

// readers are the services that read the overrides.
var readers = []string{"lms-1", "lms-2", "cms-1", "lms-workers-1", "cms-workers-1"}

// An override is on the page after its apply, no visitor notices how it gets
// there, and a bad one goes again as it came.
func (a *academy) testOverrides(t *testing.T) {
	a.tf.Write(t, a.config(twoLMS))
	a.tf.Apply(t)
	text, ids := a.read(t, overridesFile), a.ids(t)

	before := a.Started(t)
	a.tf.Write(t, a.withOverride("Acme Academy"))
	r := a.applyVisited(t)
	t.Logf("overridden in %s", r.Took)
	a.shows(t, "Acme Academy")
	a.untouched(t, before, readers...)
	if now := a.Started(t); slices.ContainsFunc(readers, func(m string) bool { return now[a.Container(m)] == before[a.Container(m)] }) {
		t.Error("a service that reads the overrides has not restarted")
	}
	if now := a.ids(t); !maps.Equal(now, ids) {
		t.Errorf("containers were made anew: %v, were %v", now, ids)
	}
	a.noChange(t)

	a.testAnotherWriter(t)
	a.testBadOverride(t)
	a.testSecrets(t)
	a.hides(t, smtpPassword)

	a.tf.Write(t, a.config(twoLMS))
	a.applyVisited(t)
	// The braces stand for no values at all, and there is one now.
	if now := a.read(t, overridesFile); now != strings.Replace(text, "{}\n", "GLADOS_THEME: dark\n", 1) {
		t.Errorf("the file was\n%s\nand is\n%s", text, now)
	}
	a.shows(t, a.Name)
	a.noChange(t)
}

// The add-on changes a value of ours, which is drift, and adds one of its own,
// which is not.
func (a *academy) testAnotherWriter(t *testing.T) {
	script := `cd /portal/overrides && flock .lock sh -c '
		sed "/^#/!s/Acme Academy/By glados/" ansible_overrides.yml >new && echo "GLADOS_THEME: dark" >>new && mv new ansible_overrides.yml'`
	if code, out := a.exec(t, "glados-1", script); code != 0 {
		t.Fatalf("glados cannot write the file: %s", out)
	}
	plan := a.tf.Plan(t)
	change, ok := plan.Changes[overrideAddress]
	if !ok || len(plan.Changes) != 1 || !slices.Equal(change.Attributes(), []string{"values"}) {
		t.Errorf("the plan is not a change of the values alone:\n%s", plan.Text)
	}
	if !strings.Contains(plan.Text, "By glados") || strings.Contains(plan.Text, "GLADOS_THEME") {
		t.Errorf("the plan shows another leaf:\n%s", plan.Text)
	}
	a.tf.Apply(t)
	if text := a.read(t, overridesFile); !strings.Contains(text, "Acme Academy") || !strings.Contains(text, "GLADOS_THEME: dark\n") {
		t.Errorf("the file is\n%s", text)
	}
	a.noChange(t)
}

// A value that the playbook cannot use keeps the lms from starting.
func (a *academy) testBadOverride(t *testing.T) {
	text := a.read(t, overridesFile)
	a.tf.Write(t, a.withOverride("{{ no_such_variable }}"))
	visitors := a.visit(t)
	r := a.tf.Fail(t)
	visitors.leave(t)
	t.Logf("taken back after %s", r.Took)
	says(t, r, "Portal "+a.Name, "no_such_variable", "The former overrides are back", "restarted with them")
	if now := a.read(t, overridesFile); now != text {
		t.Errorf("the file was\n%s\nand is\n%s", text, now)
	}
	a.shows(t, "Acme Academy")
	a.has(t, everything("lms-2")...)
	a.tf.Write(t, a.withOverride("Acme Academy"))
	a.noChange(t)
}

// applyVisited applies while visitors come all the time, none of whom may fail.
func (a *academy) applyVisited(t *testing.T) acctest.Result {
	t.Helper()
	visitors := a.visit(t)
	r := a.tf.Apply(t)
	visitors.leave(t)
	return r
}

// shows asserts that each replica's front page has a text.
func (a *academy) shows(t *testing.T, text string) {
	t.Helper()
	b := a.browser(t)
	for range 4 {
		if page := b.page(t, a.domain, "/"); !strings.Contains(page, text) {
			t.Errorf("the page does not show %q:\n%s", text, page)
		}
	}
}

// ids of the portal's containers by their names.
func (a *academy) ids(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, m := range everything("lms-2") {
		found[m] = a.Inspect(t, m).ID
	}
	return found
}

// hides asserts that a secret of the user's is in no file of Terraform's and in
// no container's configuration.
func (a *academy) hides(t *testing.T, secret string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(a.tf.Dir, "*.tfstate*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the state's files: %v, %v", files, err)
	}
	for _, file := range append(files, a.trace) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secret) {
			t.Errorf("%s shows the secret", filepath.Base(file))
		}
	}
	for place, text := range a.inspected(t) {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the secret", place)
		}
	}
	if !strings.Contains(a.read(t, overridesFile), secret) {
		t.Error("the secret is not in the overrides either")
	}
}
