// SPDX-License-Identifier: MPL-2.0

package acctest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }

// The harness of the end-to-end tests tells what Terraform did.
func TestTerraform(t *testing.T) {
	p := acctest.NewPortal(t)
	tf := acctest.NewTerraform(t, p.Config(""))

	plan := tf.Plan(t)
	if plan.Empty || plan.Changes["portal.acc"].Actions[0] != "create" {
		t.Fatalf("the first plan is %+v", plan.Changes)
	}
	apply := tf.Start(t, "apply", "-auto-approve", "-no-color")
	if r := apply.Wait(t); r.ExitCode != 0 {
		t.Fatalf("apply: %d\n%s", r.ExitCode, r.Output)
	}
	if apply.KillProvider(t) {
		t.Error("an ended command had a provider to kill")
	}
	if plan := tf.Plan(t); !plan.Empty || len(plan.Changes) > 0 {
		t.Errorf("after the apply the plan is not empty:\n%s", plan.Text)
	}

	tf.Write(t, p.Config(`services = { web = { replicas = 2 } }`))
	change := tf.Plan(t).Changes["portal.acc"]
	if got := strings.Join(change.Services(), " "); got != "web" {
		t.Errorf("services that change: %s", got)
	}

	tf.Write(t, p.Config("nonsense = true"))
	if r := tf.Fail(t); !regexp.MustCompile(`Unsupported argument`).MatchString(r.Output) {
		t.Errorf("wrong configuration: %s", r.Output)
	}
	tf.Write(t, p.Config(""))
	if r := tf.With("TF_LOG=trace").Run(t, "plan"); !strings.Contains(r.Output, "[TRACE]") {
		t.Error("TF_LOG had no effect")
	}
	tf.Destroy(t)
}

// Both Terraform and the provider can be killed.
func TestTerraformKill(t *testing.T) {
	p := acctest.NewPortal(t)
	tf := acctest.NewTerraform(t, p.Config(""))
	for name, kill := range map[string]func(*acctest.Process) bool{
		"all":      func(r *acctest.Process) bool { r.Kill(t); return true },
		"provider": func(r *acctest.Process) bool { return r.KillProvider(t) },
	} {
		t.Run(name, func(t *testing.T) {
			run := tf.Start(t, "apply", "-auto-approve", "-no-color")
			run.Await(t, "Creating...")
			if !kill(run) {
				t.Error("nothing was killed")
			}
			if r := run.Wait(t); r.ExitCode == 0 {
				t.Errorf("the killed command succeeded:\n%s", r.Output)
			}
		})
	}
	tf.Apply(t)
	tf.Destroy(t)
}
