// SPDX-License-Identifier: MPL-2.0

package service

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member/membertest"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	chatAddress = "portal_service.chat"
	chatOwner   = "service/chat"
)

// chat is a service of the portal acme, with more attributes, and the portal.
func chat(more string) string {
	return membertest.Portal + service("chat", "chat", more)
}

func service(label, name, more string) string {
	return fmt.Sprintf(`
resource "portal_service" %q {
  portal = portal.acme.name
  name   = %q
  image  = "acme/chat:1"
  %s
}`, label, name, more)
}

// rig is a deployer in memory and the factories that serve it.
func rig(t *testing.T) (*membertest.Deployer, resource.TestCase) {
	t.Helper()
	fake := membertest.New()
	var d client.Deployer = fake
	return fake, resource.TestCase{ProtoV6ProviderFactories: membertest.Serve(&d, NewResource)}
}

func text(attribute, want string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(chatAddress, tfjsonpath.New(attribute), knownvalue.StringExact(want))
}

var (
	digest  = tfjsonpath.New("digest")
	hex     = knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{16}$`))
	inPlace = plans(plancheck.ExpectResourceAction(chatAddress, plancheck.ResourceActionUpdate))
	empty   = plans(plancheck.ExpectEmptyPlan())
)

func plans(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func TestLifecycle(t *testing.T) {
	fake, test := rig(t)
	test.CheckDestroy = fake.ExpectCalls("remove acme service/chat")
	more := `
		environment = { A = "1" }
		routes      = [{ host = "chat.acme.test", port = 8080, max_body = "10m" }]
		start_after = ["db"]
		stop_grace  = "90s"
		memory      = "1g"
		healthcheck = { test = ["CMD", "true"], interval = "60s" }`
	same := `
		environment = { A = "1" }
		routes      = [{ host = "chat.acme.test", port = 8080, max_body = "10240k" }]
		start_after = ["db"]
		stop_grace  = "1m30s"
		memory      = "1024m"
		healthcheck = { test = ["CMD", "true"], interval = "1m" }`
	test.Steps = []resource.TestStep{
		{ // The portal is made in the same run, and the digest known all the same.
			Config:           chat(""),
			ConfigPlanChecks: plans(plancheck.ExpectKnownValue(chatAddress, digest, hex), plancheck.ExpectUnknownValue(chatAddress, tfjsonpath.New("host"))),
			ConfigStateChecks: []statecheck.StateCheck{
				text("id", "acme/chat"), text("host", membertest.Host), text("status", "running"),
				statecheck.ExpectKnownValue(chatAddress, tfjsonpath.New("replicas"), knownvalue.Int64Exact(1)),
			},
			Check: fake.ExpectCalls("apply acme service/chat"),
		},
		{
			Config:            chat(more),
			ConfigPlanChecks:  inPlace,
			ConfigStateChecks: []statecheck.StateCheck{text("status", "running"), text("memory", "1g")},
			Check:             fake.ExpectCalls("apply acme service/chat"),
		},
		{ // The same in other words.
			Config:           chat(same),
			ConfigPlanChecks: empty,
		},
		{
			ResourceName: chatAddress, ImportState: true, ImportStateId: "acme/chat",
			ImportStateVerify: true, ImportStateVerifyIgnore: []string{"stop_grace", "healthcheck.interval"}, // "1m30s" for "90s"
		},
		{ // More containers are no other definition.
			Config: chat(same + "\nreplicas = 3"),
			ConfigPlanChecks: plans(plancheck.ExpectResourceAction(chatAddress, plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(chatAddress, digest, hex)),
			Check: fake.ExpectCalls("apply acme service/chat"),
		},
	}
	resource.UnitTest(t, test)
}

func TestReplacedByNameAndPortal(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: chat(""), Check: fake.ExpectCalls("apply acme service/chat")},
		{
			Config: membertest.Portal + service("chat", "talk", ""),
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(chatAddress, plancheck.ResourceActionDestroyBeforeCreate),
				plancheck.ExpectUnknownValue(chatAddress, tfjsonpath.New("host")),
			),
			Check: fake.ExpectCalls("remove acme service/chat", "apply acme service/talk"),
		},
		{ // Replaced under its own name.
			Config:           membertest.Portal + service("chat", "talk", ""),
			Taint:            []string{chatAddress},
			ConfigPlanChecks: plans(plancheck.ExpectResourceAction(chatAddress, plancheck.ResourceActionDestroyBeforeCreate)),
			Check:            fake.ExpectCalls("remove acme service/talk", "apply acme service/talk"),
		},
	}
	resource.UnitTest(t, test)
}

func TestDrift(t *testing.T) {
	for name, tc := range map[string]struct {
		alter func(*deploy.MemberState)
		want  string
	}{
		"paused": {func(s *deploy.MemberState) { s.Summary.Status = "acme-chat-1 paused" }, "acme-chat-1 paused"},
		"one of two missing": {func(s *deploy.MemberState) {
			s.Summary.Replicas = 1
		}, "1 of 2 containers"},
		"all gone":           {func(s *deploy.MemberState) { s.Summary, s.Host = stack.Summary{}, "" }, "no container is there"},
		"another definition": {func(s *deploy.MemberState) { s.Summary.Digest = "0123456789abcdef" }, "running"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, test := rig(t)
			config := chat("replicas = 2")
			test.Steps = []resource.TestStep{
				{Config: config, Check: fake.ExpectCalls("apply acme service/chat")},
				{
					PreConfig:    func() { fake.Change("acme", chatOwner, tc.alter) },
					RefreshState: true, ExpectNonEmptyPlan: true,
					Check: resource.TestCheckResourceAttr(chatAddress, "status", tc.want),
				},
				{
					Config:            config,
					ConfigPlanChecks:  inPlace,
					ConfigStateChecks: []statecheck.StateCheck{text("status", "running"), text("host", membertest.Host)},
					Check:             fake.ExpectCalls("apply acme service/chat"),
				},
			}
			resource.UnitTest(t, test)
		})
	}
}

func TestSecretFiles(t *testing.T) {
	fake, test := rig(t)
	config := func(content, version, more string) string {
		return chat(fmt.Sprintf(`
			secret_files            = { "/run/dsn" = "chat:[[ secret \"chat-db\" ]]@db" }
			secret_files_wo         = { "/run/key" = %q }
			secret_files_wo_version = %s
			%s`, content, version, more))
	}
	file := func(version int) string { return fmt.Sprintf("service-chat-994e5c18-v%d", version) }
	holds := func(version int, want string) func(*terraform.State) error {
		return func(s *terraform.State) error {
			for _, secret := range []string{"s3cret-one", "s3cret-two"} {
				if regexp.MustCompile(secret).MatchString(s.String()) {
					return fmt.Errorf("the state shows %s", secret)
				}
			}
			name := fake.Member("acme", chatOwner).GivenSecrets["/run/key"]
			if name != file(version) || fake.File(name) != want {
				return fmt.Errorf("%s holds %q instead of %q", name, fake.File(name), want)
			}
			return nil
		}
	}
	notStored := statecheck.ExpectKnownValue(chatAddress, tfjsonpath.New("secret_files_wo"), knownvalue.Null())
	test.Steps = []resource.TestStep{
		{
			Config:            config("s3cret-one", "1", ""),
			ConfigStateChecks: []statecheck.StateCheck{notStored},
			Check: resource.ComposeAggregateTestCheckFunc(holds(1, "s3cret-one"),
				fake.ExpectCalls("apply acme service/chat with "+file(1))),
		},
		{ // Terraform cannot know.
			Config:           config("s3cret-two", "1", ""),
			ConfigPlanChecks: empty,
		},
		{ // The containers stay, so their files do.
			Config: config("s3cret-two", "1", "replicas = 2"),
			Check: resource.ComposeAggregateTestCheckFunc(holds(1, "s3cret-one"),
				fake.ExpectCalls("apply acme service/chat")),
		},
		{
			Config:            config("s3cret-two", "2", "replicas = 2"),
			ConfigPlanChecks:  inPlace,
			ConfigStateChecks: []statecheck.StateCheck{notStored},
			Check: resource.ComposeAggregateTestCheckFunc(holds(2, "s3cret-two"),
				fake.ExpectCalls("apply acme service/chat with "+file(2))),
		},
		{
			ResourceName: chatAddress, ImportState: true, ImportStateId: "acme/chat", ImportStateVerify: true,
		},
		{
			Config:           chat("replicas = 2"),
			ConfigPlanChecks: inPlace,
			Check:            fake.ExpectCalls("apply acme service/chat"),
		},
	}
	resource.UnitTest(t, test)
}

func TestFailedCreateLeavesNoState(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{
			PreConfig:   func() { fake.FailNext(errors.New("no space left")) },
			Config:      chat(""),
			ExpectError: regexp.MustCompile(`(?s)Portal acme: creating service chat failed.*no space left`),
		},
		{
			Config:           chat(""),
			ConfigPlanChecks: plans(plancheck.ExpectResourceAction(chatAddress, plancheck.ResourceActionCreate)),
		},
	}
	resource.UnitTest(t, test)
}

func TestFailedUpdateKeepsTheFormerState(t *testing.T) {
	fake, test := rig(t)
	failed := func() {
		fake.FailNext(errors.New("it does not become healthy"))
		fake.Change("acme", chatOwner, func(s *deploy.MemberState) { s.Summary.Status = "acme-chat-1 unhealthy" })
	}
	test.Steps = []resource.TestStep{
		{Config: chat("")},
		{
			PreConfig:   failed,
			Config:      chat(`environment = { A = "1" }`),
			ExpectError: regexp.MustCompile(`(?s)updating service chat failed.*does not become healthy`),
		},
		{
			RefreshState: true, ExpectNonEmptyPlan: true,
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckNoResourceAttr(chatAddress, "environment.A"),
				resource.TestCheckResourceAttr(chatAddress, "status", "acme-chat-1 unhealthy")),
		},
		{Config: chat(""), ConfigPlanChecks: inPlace},
	}
	resource.UnitTest(t, test)
}

// Whichever goes first, the portal or the service: nothing is left to be done.
func TestPortalRemovedFirst(t *testing.T) {
	fake, test := rig(t)
	alone := regexp.MustCompile(`portal\.acme\.name`).ReplaceAllString(service("chat", "chat", ""), `"acme"`)
	test.Steps = []resource.TestStep{
		{Config: chat("")},
		{ // In one run with a portal that is no more, and not yet known to be.
			PreConfig: func() {
				if err := fake.Delete(t.Context(), "acme", stack.Retain); err != nil {
					t.Fatal(err)
				}
			},
			RefreshState: true, ExpectNonEmptyPlan: true,
		},
		{ // Nobody knows the stack of a portal that is not there.
			Config:             alone,
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
			ConfigPlanChecks:   resource.ConfigPlanChecks{PostApplyPreRefresh: []plancheck.PlanCheck{plancheck.ExpectUnknownValue(chatAddress, digest)}},
		},
		{
			Config:      alone,
			ExpectError: regexp.MustCompile(`creating service chat failed`),
		},
	}
	resource.UnitTest(t, test)
}

func TestImportMistakes(t *testing.T) {
	_, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: chat("")},
		{
			ResourceName: chatAddress, ImportState: true, ImportStateId: "chat",
			ExpectError: regexp.MustCompile(`"acme/chat"`),
		},
		{
			ResourceName: chatAddress, ImportState: true, ImportStateId: "acme/talk",
			ExpectError: regexp.MustCompile(`Portal acme: there is no service talk`),
		},
	}
	resource.UnitTest(t, test)
}
