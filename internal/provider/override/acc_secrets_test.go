// SPDX-License-Identifier: MPL-2.0

package override_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// The secrets of the test, which come from its environment.
const (
	password = "s3cr3t-0f-the-mail-server"
	another  = "an0ther-s3cr3t-of-theirs"
)

const hidden = `values = { HOST = "smtp.acme.test" }
  secret_values_wo = { PASSWORD = var.password, AUTH = { key = { nested = [var.password] } } }
  secret_values_wo_version = %d`

// A secret is in the overrides, and nowhere else.
func TestAccNoSecretLeaks(t *testing.T) {
	acctest.Long(t)
	s := newSite(t)
	config := func(version int, more string) string {
		return "variable \"password\" {\n  type = string\n  ephemeral = true\n}\n" + s.one(fmt.Sprintf(hidden, version)+more)
	}
	tf := acctest.NewTerraform(t, config(1, "")).With("TF_VAR_password="+password, "TF_LOG=trace")
	plan := tf.Plan(t)
	apply := tf.Apply(t)
	s.serves(t, password)()
	clean := func(what, text string) {
		t.Helper()
		if strings.Contains(text, password) {
			t.Errorf("%s shows the secret", what)
		}
	}
	clean("the plan", plan.JSON)
	clean("the plan's log", plan.Text)
	clean("the apply's log", apply.Output)
	if !strings.Contains(apply.Output, "[TRACE]") {
		t.Error("there is no log")
	}

	// Drift of a secret, and its repair.
	s.replace(t, "PASSWORD: \""+password, "PASSWORD: \""+another)()
	plan = tf.Plan(t)
	if strings.Contains(plan.JSON, another) || strings.Contains(plan.Text, another) {
		t.Error("the plan shows the other secret")
	}
	before, _ := plan.Changes[acc].Before["secrets"].(map[string]any)
	if before["PASSWORD"] != "changed" || before["AUTH.key.nested"] != "set" {
		t.Errorf("secrets are %v", before)
	}
	clean("the repair's log", tf.Apply(t).Output)
	s.serves(t, "PASSWORD: \""+password)()

	// A site that fails, and writes all that it has read into its log.
	tf.Write(t, strings.Replace(config(2, ""), "smtp.acme.test", "no-such-theme", 1))
	failed := tf.Fail(t).Output
	if !strings.Contains(failed, "cannot render with") {
		t.Errorf("the failure has no log:\n%s", failed)
	}
	clean("the failure", failed)

	state, err := os.ReadFile(filepath.Join(tf.Dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	clean("the state", string(state))
	for _, member := range []string{"site-1", "database-1"} {
		clean(member, fmt.Sprintf("%+v", s.Inspect(t, member)))
	}
	clean("the record", read(t, s.file("records", "overrides.json")))
	clean("the manifest", read(t, s.file("portal.json")))
	tf.Destroy(t)
}

// One apply makes a portal and hands its secrets to another provider.
func TestAccCredentials(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	test.Steps = []resource.TestStep{{
		Config: s.Config("") + `
resource "terraform_data" "made" {
  input = portal.acc.name
}

ephemeral "portal_credentials" "acc" {
  portal = terraform_data.made.output
}

provider "echo" {
  data = ephemeral.portal_credentials.acc.values
}

resource "echo" "test" {}
`,
		Check: func(state *terraform.State) error {
			secret := strings.TrimSpace(read(t, s.file("secrets", "site-password")))
			if len(secret) < 16 {
				return fmt.Errorf("the secret has %d characters", len(secret))
			}
			if got := state.RootModule().Resources["echo.test"].Primary.Attributes["data.site-password"]; got != secret {
				return fmt.Errorf("the other provider got %q instead of %q", got, secret)
			}
			if got := state.RootModule().Resources["portal.acc"]; strings.Contains(fmt.Sprint(got), secret) {
				return fmt.Errorf("the portal's state shows the secret")
			}
			return nil
		},
	}}
	resource.ParallelTest(t, test)
}
