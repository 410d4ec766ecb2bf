// SPDX-License-Identifier: MPL-2.0

package override

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
)

// hidden has a plain value and two secret ones, in a version.
func hidden(version int, password string) string {
	return config(fmt.Sprintf(`values = { HOST = "smtp.example.com", AUTH = { kind = "oauth" } }
  secret_values_wo = { PASSWORD = %q, AUTH = { key = "k3y-0f-0auth" } }
  secret_values_wo_version = %d`, password, version))
}

// inFile asserts a leaf of the portal's file.
func inFile(fake *fakeDeployer, path string, want any) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got := fake.get(path); got != want {
			return fmt.Errorf("%s is %v instead of %v", path, got, want)
		}
		return nil
	}
}

// keeps asserts that a state shows none of the texts.
func keeps(secrets ...string) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		for _, secret := range secrets {
			if strings.Contains(string(text), secret) {
				return fmt.Errorf("the state holds %q", secret)
			}
		}
		return nil
	}
}

func TestSecrets(t *testing.T) {
	fake, test := rig(t)
	const write = "apply acme AUTH.kind HOST secrets: AUTH.key PASSWORD"
	test.Steps = []resource.TestStep{
		{
			Config: hidden(1, "hunter-two"),
			ConfigPlanChecks: preApply(
				plancheck.ExpectKnownValue(address, tfjsonpath.New("secrets"), knownvalue.MapExact(map[string]knownvalue.Check{
					"PASSWORD": knownvalue.StringExact("set"), "AUTH.key": knownvalue.StringExact("set"),
				})),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("secret_values_wo"), knownvalue.Null()),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				secret("PASSWORD", "set"), secret("AUTH.key", "set"),
				state(tfjsonpath.New("secret_values_wo"), knownvalue.Null()),
			},
			Check: resource.ComposeTestCheckFunc(expectWrites(fake, write),
				inFile(fake, "PASSWORD", "hunter-two"), keeps("hunter-two", "k3y-0f-0auth")),
		},
		{ // The same version: Terraform does not see that the secret is another.
			Config:           hidden(1, "hunter-three"),
			ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan()),
			Check:            expectWrites(fake),
		},
		{
			Config:           hidden(2, "hunter-three"),
			ConfigPlanChecks: preApply(action(plancheck.ResourceActionUpdate)),
			Check: resource.ComposeTestCheckFunc(expectWrites(fake, write),
				inFile(fake, "PASSWORD", "hunter-three"), keeps("hunter-three")),
		},
		{ // Other values do not touch the secrets.
			Config: strings.Replace(hidden(2, "hunter-four"), "smtp.", "mail.", 1),
			Check: resource.ComposeTestCheckFunc(expectWrites(fake, "apply acme AUTH.kind HOST"),
				inFile(fake, "PASSWORD", "hunter-three"), inFile(fake, "HOST", "mail.example.com")),
		},
		{ // A secret less is seen without another version.
			Config: strings.Replace(hidden(2, "hunter-four"), `AUTH = { key = "k3y-0f-0auth" }`, "", 1),
			Check: resource.ComposeTestCheckFunc(expectWrites(fake, "apply acme AUTH.kind HOST secrets: PASSWORD"),
				inFile(fake, "AUTH.key", nil), keeps("hunter-four")),
			ConfigStateChecks: []statecheck.StateCheck{
				state(tfjsonpath.New("secrets"), knownvalue.MapSizeExact(1)),
			},
		},
		{ // None any more.
			Config: config(`values = { HOST = "smtp.example.com" }`),
			Check: resource.ComposeTestCheckFunc(expectWrites(fake, "apply acme HOST secrets:"),
				expectFile(fake, "HOST")),
		},
	}
	resource.UnitTest(t, test)
}

func TestSecretsDrift(t *testing.T) {
	long.Only(t)
	for want, now := range map[string]any{"changed": "theirs", "missing": nil} {
		t.Run(want, func(t *testing.T) {
			fake, test := rig(t)
			test.Steps = []resource.TestStep{
				{Config: hidden(1, "hunter-two"), Check: func(*terraform.State) error { fake.writes(); return nil }},
				{
					PreConfig:          func() { fake.put("PASSWORD", now) },
					RefreshState:       true,
					ExpectNonEmptyPlan: true,
					Check: resource.ComposeTestCheckFunc(
						resource.TestCheckResourceAttr(address, "secrets.PASSWORD", want),
						resource.TestCheckResourceAttr(address, "secrets.AUTH.key", "set"), keeps("theirs")),
				},
				{
					Config: hidden(1, "hunter-two"),
					Check: resource.ComposeTestCheckFunc(inFile(fake, "PASSWORD", "hunter-two"),
						expectWrites(fake, "apply acme AUTH.kind HOST secrets: AUTH.key PASSWORD")),
				},
			}
			resource.UnitTest(t, test)
		})
	}
}

// A value becomes a secret, and a secret a value.
func TestSecretsChangeSides(t *testing.T) {
	long.Only(t)
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: config(`values = { A = "x", B = "y" }`), Check: expectWrites(fake, "apply acme A B")},
		{
			Config: config("values = { A = \"x\" }\n secret_values_wo = { B = \"hunter-two\" }\n secret_values_wo_version = 1"),
			Check:  resource.ComposeTestCheckFunc(expectWrites(fake, "apply acme A secrets: B"), keeps("hunter-two")),
		},
		{
			Config: config("values = { B = \"y\" }\n secret_values_wo = { A = \"hunter-two\" }\n secret_values_wo_version = 1"),
			Check: resource.ComposeTestCheckFunc(expectWrites(fake, "apply acme B secrets: A"), keeps("hunter-two"),
				inFile(fake, "A", "hunter-two"), inFile(fake, "B", "y")),
		},
	}
	resource.UnitTest(t, test)
}

// Secrets alone: no values, before and after a refresh.
func TestSecretsAlone(t *testing.T) {
	fake, test := rig(t)
	hcl := config("secret_values_wo = { A = \"hunter-two\" }\n secret_values_wo_version = 1")
	test.Steps = []resource.TestStep{
		{Config: hcl, ConfigStateChecks: []statecheck.StateCheck{state(tfjsonpath.New("values"), knownvalue.Null())}},
		{Config: hcl, ConfigPlanChecks: preApply(plancheck.ExpectEmptyPlan())},
		{ // An import finds the secrets by their names.
			ResourceName: address, ImportState: true, ImportStateId: "acme/00000001",
			ImportStateVerify: true, ImportStateVerifyIgnore: []string{"secret_values_wo_version"},
		},
		{ // Their version is not known: they are written once more.
			Config: hcl, ResourceName: address, ImportState: true,
			ImportStateKind: resource.ImportBlockWithID, ImportStateId: "acme/00000001",
			ExpectError: regexp.MustCompile(`expected a no-op import operation, got \["update"\]`),
		},
	}
	test.CheckDestroy = expectFile(fake)
	resource.UnitTest(t, test)
}
