// SPDX-License-Identifier: MPL-2.0

package credentials

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
)

// echoed is a configuration in which another provider gets the secrets, which
// shows them in its state.
const echoed = `
ephemeral "portal_credentials" "acme" {
  portal = %q
}

provider "echo" {
  data = ephemeral.portal_credentials.acme
}

resource "echo" "test" {}
`

func test(c *client.Client, portal string, step resource.TestStep) resource.TestCase {
	step.Config = fmt.Sprintf(echoed, portal)
	return resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"portal": providerserver.NewProtocol6WithError(testProvider{c}),
			"echo":   echoprovider.NewProviderServer(),
		},
		Steps: []resource.TestStep{step},
	}
}

func TestSecretsAreHandedOn(t *testing.T) {
	c := &client.Client{Deployer: vault{secrets: map[string]map[string]string{
		"acme":   {"mysql-root": "hunter-two", "admin-password": "s3cret"},
		"globex": {"mysql-root": "other"},
	}}}
	resource.UnitTest(t, test(c, "acme", resource.TestStep{
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("echo.test", tfjsonpath.New("data").AtMapKey("values"), knownvalue.MapExact(map[string]knownvalue.Check{
				"mysql-root": knownvalue.StringExact("hunter-two"), "admin-password": knownvalue.StringExact("s3cret"),
			})),
			statecheck.ExpectKnownValue("echo.test", tfjsonpath.New("data").AtMapKey("portal"), knownvalue.StringExact("acme")),
		},
	}))
}

func TestNoSuchPortal(t *testing.T) {
	resource.UnitTest(t, test(&client.Client{Deployer: vault{}}, "acme", resource.TestStep{
		ExpectError: regexp.MustCompile(`(?s)Portal acme: reading its credentials failed.*there is no portal`),
	}))
}

func TestMistakesFailInThePlan(t *testing.T) {
	resource.UnitTest(t, test(&client.Client{Deployer: vault{}}, "Acme", resource.TestStep{
		ExpectError: regexp.MustCompile(`for example\s+"acme"`),
	}))
}

// While the hosts are not known yet, a plan goes on with unknown secrets.
func TestHostsUnknown(t *testing.T) {
	resource.UnitTest(t, test(&client.Client{}, "acme", resource.TestStep{
		PlanOnly: true, ExpectNonEmptyPlan: true,
	}))
}
