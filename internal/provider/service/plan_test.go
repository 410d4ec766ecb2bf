// SPDX-License-Identifier: MPL-2.0

package service

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/provider/member/membertest"
)

func TestUnknownInputs(t *testing.T) {
	fake, test := rig(t)
	config := func(input string) string {
		return membertest.Portal + fmt.Sprintf(`
resource "terraform_data" "site" { input = %q }
resource "portal_service" "chat" {
  portal      = portal.acme.id
  name        = "chat"
  image       = "acme/chat:1"
  environment = { SITE = terraform_data.site.output }
  routes      = [{ host = "${terraform_data.site.output}.acme.test", port = 80 }]
}`, input)
	}
	unknown := plans(plancheck.ExpectUnknownValue(chatAddress, digest))
	test.Steps = []resource.TestStep{
		{
			Config:            config("chat"),
			ConfigPlanChecks:  unknown,
			ConfigStateChecks: []statecheck.StateCheck{text("id", "acme/chat"), text("status", "running"), statecheck.ExpectKnownValue(chatAddress, digest, hex)},
			Check:             fake.ExpectCalls("apply acme service/chat"),
		},
		{
			Config:           config("talk"),
			ConfigPlanChecks: plans(plancheck.ExpectResourceAction(chatAddress, plancheck.ResourceActionUpdate), plancheck.ExpectUnknownValue(chatAddress, digest)),
			Check:            fake.ExpectCalls("apply acme service/chat"),
		},
	}
	resource.UnitTest(t, test)
}

// While the portal's stack is not known, neither is the service's digest.
func TestUnknownPortal(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{{
		Config: `
resource "terraform_data" "site" { input = "learn" }
resource "portal" "acme" {
  name      = "acme"
  domain    = "${terraform_data.site.output}.acme.test"
  blueprint = "../member/membertest/blueprint"
}` + service("chat", "chat", ""),
		ConfigPlanChecks:  plans(plancheck.ExpectUnknownValue(chatAddress, digest)),
		ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue(chatAddress, digest, hex)},
		Check:             fake.ExpectCalls("apply acme service/chat"),
	}}
	resource.UnitTest(t, test)
}

func TestProviderNotKnownYet(t *testing.T) {
	fake := membertest.New()
	var d client.Deployer = fake
	alone := regexp.MustCompile(`portal\.acme\.name`).ReplaceAllString(service("chat", "chat", "replicas = 2"), `"acme"`)
	planned := func(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PostApplyPreRefresh: checks}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: membertest.Serve(&d, NewResource),
		Steps: []resource.TestStep{
			{Config: chat("")},
			{ // The portal is planned, so its stack is known.
				PreConfig: func() { d = nil },
				Config:    chat("replicas = 2"),
				PlanOnly:  true, ExpectNonEmptyPlan: true,
				ConfigPlanChecks: planned(plancheck.ExpectKnownValue(chatAddress, digest, hex)),
			},
			{ // Nobody can be asked for it.
				Config:   alone,
				PlanOnly: true, ExpectNonEmptyPlan: true,
				ConfigPlanChecks: planned(plancheck.ExpectUnknownValue(chatAddress, digest)),
			},
			{
				Config:      alone,
				ExpectError: regexp.MustCompile("configuration is not known yet"),
			},
			{
				PreConfig: func() { d = fake },
				Config:    chat("replicas = 2"),
				Check:     fake.ExpectCalls("apply acme service/chat", "apply acme service/chat"),
			},
		},
	})
}

func TestMistakesFailInThePlan(t *testing.T) {
	for name, tc := range map[string]struct{ config, want string }{
		"portal":      {regexp.MustCompile(`portal\.acme\.name`).ReplaceAllString(chat(""), `"Acme!"`), `portal[\s\S]*"Acme!"`},
		"name":        {membertest.Portal + service("chat", "Chat", ""), `name[\s\S]*for\s+example\s+"chat"`},
		"no image":    {regexp.MustCompile(`image .*`).ReplaceAllString(chat(""), ""), `"image"\s+is\s+required`},
		"user":        {chat(`user = "root"`), `user[\s\S]*"1000:1000"`},
		"working_dir": {chat(`working_dir = "srv"`), `working_dir[\s\S]*begin\s+with\s+a\s+slash`},
		"environment": {chat(`environment = { "A-B" = "1" }`), `environment[\s\S]*GUNICORN_WORKERS`},
		"volume":      {chat(`volumes = { data = { name = "chat" } }`), `volumes[\s\S]*begin\s+with\s+a\s+slash`},
		"volume name": {chat(`volumes = { "/data" = { name = "../db" } }`), `The\s+name\s+is\s+not\s+valid[\s\S]*"../db"`},
		"two mounts": {
			chat(`volumes = { "/run/key" = { name = "a" } }` + "\n" + `secret_files = { "/run/key" = "b" }`),
			`Two\s+mounts\s+at\s+one\s+path[\s\S]*/run/key`,
		},
		"another's data":     {chat(`volumes = { "/data" = { name = "db" } }`), `The\s+files\s+belong\s+to\s+another\s+service`},
		"secret without end": {chat(`secret_files = { "/run/key" = "[[ secret db ]]" }`), `A\s+mark\s+is\s+not\s+complete`},
		"version missing":    {chat(`secret_files_wo = { "/run/key" = "x" }`), `secret_files_wo_version`},
		"secrets missing":    {chat(`secret_files_wo_version = 1`), `secret_files_wo`},
		"health test":        {chat(`healthcheck = { test = ["wget"] }`), `healthcheck.test[\s\S]*CMD-SHELL`},
		"health interval":    {chat(`healthcheck = { test = ["CMD", "true"], interval = "5" }`), `healthcheck.interval[\s\S]*"30s"`},
		"replicas":           {chat(`replicas = 0`), `replicas[\s\S]*between`},
		"memory":             {chat(`memory = "1m"`), `at\s+least\s+6m`},
		"route host":         {chat(`routes = [{ host = "https://chat.acme.test", port = 80 }]`), `routes\[0\].host[\s\S]*leave\s+the\s+scheme\s+out`},
		"route port":         {chat(`routes = [{ host = "chat.acme.test", port = 0 }]`), `routes\[0\].port`},
		"route path":         {chat(`routes = [{ host = "chat.acme.test", port = 80, path = "api" }]`), `routes\[0\].path[\s\S]*begin\s+with\s+a\s+slash`},
		"route body":         {chat(`routes = [{ host = "chat.acme.test", port = 80, max_body = "big" }]`), `routes\[0\].max_body[\s\S]*"10m"`},
		"route of the portal": {
			chat(`routes = [{ host = "learn.acme.test", port = 80 }]`), `The\s+route\s+is\s+taken[\s\S]*learn.acme.test`,
		},
		"start_after":   {chat(`start_after = ["database"]`), `start_after[\s\S]*no\s+service\s+or\s+task\s+"database"`},
		"update":        {chat(`update = "rolling"`), `update[\s\S]*"start-first"`},
		"stop_grace":    {chat(`stop_grace = "soon"`), `stop_grace[\s\S]*"30s"`},
		"of blueprint":  {membertest.Portal + service("chat", "web", ""), `The\s+name\s+is\s+taken[\s\S]*web\s+of\s+the\s+portal's\s+blueprint`},
		"a task's name": {membertest.Portal + service("chat", "migrate", ""), `The\s+name\s+is\s+taken`},
		"of another": {
			chat("") + service("talk", "chat", `environment = { A = "1" }`), `Two\s+resources\s+of\s+one\s+name`,
		},
		"route of another": {
			chat(`routes = [{ host = "chat.acme.test", port = 80 }]`) +
				service("talk", "talk", `routes = [{ host = "chat.acme.test", port = 80, path = "/" }]`),
			`The\s+route\s+is\s+taken[\s\S]*chat.acme.test`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake, test := rig(t)
			test.Steps = []resource.TestStep{{
				Config:      tc.config,
				ExpectError: regexp.MustCompile(tc.want),
			}}
			resource.UnitTest(t, test)
			if calls := fake.Calls(); len(calls) > 0 {
				t.Errorf("a refused plan led to calls %q", calls)
			}
		})
	}
}

// Two resources that say the same are told from one that is planned twice when
// the second one is created: here, by one apply, and by one after it.
func TestTwins(t *testing.T) {
	fake, test := rig(t)
	twins := chat("") + service("twin", "chat", "")
	refused := regexp.MustCompile(`(?s)Portal acme has a service chat already.*id = "acme/chat"`)
	test.Steps = []resource.TestStep{
		{Config: twins, ExpectError: refused},
		{Config: twins, ExpectError: refused},
		{Config: chat(""), PlanOnly: false},
	}
	resource.UnitTest(t, test)
	applied := 0
	for _, call := range fake.Calls() {
		if call == "apply acme service/chat" {
			applied++
		}
	}
	if applied > 2 {
		t.Errorf("the service was applied %d times", applied)
	}
}
