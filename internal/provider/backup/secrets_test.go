// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// secretly is a configuration with every kind of secret, all of which have
// "hunter2" in them.
func secretly(version int, password string) string {
	return config(daily + fmt.Sprintf(`
  verify         = { cron = "@weekly" }
  repository     = "sftp:backup@host:/srv/acme"
  credentials_wo = {
    SSH_PRIVATE_KEY = "-----BEGIN KEY-----\nhunter2\n-----END KEY-----"
    SSH_KNOWN_HOSTS = "host ssh-ed25519 hunter2\n\n"
    RESTIC_PASSWORD = %[2]q
    B_LATER         = "hunter2"
  }
  credentials_wo_version = %[1]d
  webhook_url_wo         = "https://hooks.example.com/hunter2"
  webhook_url_wo_version = %[1]d
`, version, password))
}

func TestSecrets(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{
			Config: secretly(1, "hunter2"),
			Check: resource.ComposeTestCheckFunc(
				expectGiven(fake, map[string]string{
					"ssh-key-v1":        "-----BEGIN KEY-----\nhunter2\n-----END KEY-----\n",
					"known-hosts-v1":    "host ssh-ed25519 hunter2\n",
					"repository-env-v1": "B_LATER=hunter2\nRESTIC_PASSWORD=hunter2\n",
					"webhook-v1":        "https://hooks.example.com/hunter2\n",
				}),
				expectMounts(fake, "v1"), expectNoSecret(fake),
			),
		},
		{ // Terraform cannot tell that they are others.
			Config:           secretly(1, "hunter2 and more"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		},
		{
			PreConfig: func() { clear(fake.given) },
			Config:    secretly(2, "hunter2 and more"),
			Check: resource.ComposeTestCheckFunc(
				expectGiven(fake, map[string]string{
					"ssh-key-v2":        "-----BEGIN KEY-----\nhunter2\n-----END KEY-----\n",
					"known-hosts-v2":    "host ssh-ed25519 hunter2\n",
					"repository-env-v2": "B_LATER=hunter2\nRESTIC_PASSWORD=hunter2 and more\n",
					"webhook-v2":        "https://hooks.example.com/hunter2\n",
				}),
				expectMounts(fake, "v2"), expectNoSecret(fake),
			),
		},
		{ // Without secrets nothing is mounted.
			Config: config(daily),
			Check: func(*terraform.State) error {
				if m := fake.members[ownerOf("backup-nightly")].member; len(m.GivenSecrets) > 0 || strings.Contains(m.Schedule, "webhook") {
					return fmt.Errorf("secrets %v, schedule %s", m.GivenSecrets, m.Schedule)
				}
				return nil
			},
		},
	}
	resource.UnitTest(t, test)
}

// expectGiven asserts the files of both tasks, by the ends of their names.
func expectGiven(fake *fakeDeployer, want map[string]string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		for _, task := range []string{"backup-nightly", "backup-nightly-verify"} {
			for end, content := range want {
				name := "backup-" + task + "-" + end
				if got := fake.given[name]; got != content {
					return fmt.Errorf("%s holds %q instead of %q", name, got, content)
				}
			}
		}
		if len(fake.given) != 2*len(want) {
			return fmt.Errorf("the files %q were written", slices.Sorted(maps.Keys(fake.given)))
		}
		return nil
	}
}

// expectMounts asserts where the tasks have their files.
func expectMounts(fake *fakeDeployer, version string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		want := map[string]string{
			"/portal/secrets/repository.env":         "backup-backup-nightly-repository-env-" + version,
			"/portal/secrets/repository-ssh-key":     "backup-backup-nightly-ssh-key-" + version,
			"/portal/secrets/repository-known-hosts": "backup-backup-nightly-known-hosts-" + version,
		}
		if got := fake.members[ownerOf("backup-nightly")].member.GivenSecrets; !maps.Equal(got, want) {
			return fmt.Errorf("mounted are %v instead of %v", got, want)
		}
		return nil
	}
}

// expectNoSecret asserts that no secret is in the state, nor in what becomes
// labels and variables of the containers.
func expectNoSecret(fake *fakeDeployer) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		for _, m := range fake.members {
			if strings.Contains(fmt.Sprintf("%+v", m.member), "hunter2") {
				return fmt.Errorf("a secret is in %+v", m.member)
			}
		}
		for name, value := range s.RootModule().Resources[address].Primary.Attributes {
			if strings.Contains(value, "hunter2") || strings.Contains(value, "hooks.example.com") {
				return fmt.Errorf("the attribute %s holds a secret", name)
			}
		}
		return nil
	}
}
