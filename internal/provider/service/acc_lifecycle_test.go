// SPDX-License-Identifier: MPL-2.0

package service_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

func TestAccLifecycle(t *testing.T) {
	s, test := prepare(t)
	note, unlike := s.remember(t)
	host := "chat." + s.Name + ".test"
	route := fmt.Sprintf("replicas = 2\n routes = [{ host = %q, port = 8000 }]", host)
	says := func(member, want string) func() {
		return func() {
			if out, code := s.Exec(t, member, "wget", "-q", "-O", "-", "http://chat:8000/"); code != 0 || out != want+"\n" {
				t.Errorf("to %s, chat says %q (%d)", member, out, code)
			}
		}
	}
	test.CheckDestroy = checks(s.running(t))
	test.Steps = []resource.TestStep{
		{ // Together with its portal.
			Config: s.chat("hello", route),
			ConfigPlanChecks: plans(plancheck.ExpectKnownValue(acc, tfjsonpath.New("digest"),
				knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{16}$`)))),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("host"), knownvalue.StringExact("default")),
				statecheck.ExpectKnownValue(acc, tfjsonpath.New("status"), knownvalue.StringExact("running")),
			},
			Check: checks(s.running(t, with("chat-1", "chat-2")...), s.routed(t, host, true), says("web-1", "hello"), note),
		},
		{Config: s.chat("hello", route), ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
		{ResourceName: acc, ImportState: true, ImportStateId: s.Name + "/chat", ImportStateVerify: true},
		{ // Its change is its own.
			Config:           s.chat("bonjour", route),
			ConfigPlanChecks: plans(action(plancheck.ResourceActionUpdate), plancheck.ExpectResourceAction("portal.acc", plancheck.ResourceActionNoop)),
			Check:            checks(s.running(t, with("chat-1", "chat-2")...), unlike("chat-1", "chat-2"), says("web-1", "bonjour"), note),
		},
		{ // And the portal's change is the portal's.
			Config: s.Config(`services = { web = { environment = { GREETING = "bonjour" } } }`) +
				s.service("portal.acc.name", "portal-test/busybox", "bonjour", route),
			ConfigPlanChecks: plans(action(plancheck.ResourceActionNoop), plancheck.ExpectResourceAction("portal.acc", plancheck.ResourceActionUpdate)),
			Check:            checks(s.running(t, with("chat-1", "chat-2")...), unlike("web-1"), s.routed(t, host, true), says("web-1", "bonjour"), note),
		},
		{ // Fewer containers and no route leave the first one alone.
			Config: s.Config(`services = { web = { environment = { GREETING = "bonjour" } } }`) +
				s.service("portal.acc.name", "portal-test/busybox", "bonjour", ""),
			Check: checks(s.running(t, with("chat-1")...), unlike("chat-2"), s.routed(t, host, false), note),
		},
		{
			Config: s.Config(`services = { web = { environment = { GREETING = "bonjour" } } }`),
			Check:  checks(s.running(t, portals...), unlike("chat-1")),
		},
	}
	resource.ParallelTest(t, test)
}

// A create that fails leaves no state; when the cause is mended, the next apply
// finishes it. An update that fails leaves the old container serving.
func TestAccFailures(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	note, unlike := s.remember(t)
	broken := s.Config("") + s.service("portal.acc.name", s.broken(t), "hello", "")
	test.Steps = []resource.TestStep{
		{
			Config:      broken,
			ExpectError: regexp.MustCompile(`(?s)Portal ` + s.Name + `: creating service chat failed.*the disk is on fire`),
		},
		{
			Config:           s.chat("hello", ""),
			ConfigPlanChecks: plans(action(plancheck.ResourceActionCreate)),
			Check:            checks(s.running(t, with("chat-1")...), note),
		},
		{
			Config:      broken,
			ExpectError: regexp.MustCompile(`(?s)Portal ` + s.Name + `: updating service chat failed.*the disk is on fire`),
		},
		{ // Nothing is left to be done.
			Config:           s.chat("hello", ""),
			ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()),
			Check:            checks(s.running(t, with("chat-1")...), unlike()),
		},
	}
	resource.ParallelTest(t, test)
}

func TestAccDrift(t *testing.T) {
	acctest.Long(t)
	for name, drift := range map[string]struct {
		change    func(t *testing.T, s site)
		restarted []string
	}{
		"removed":        {func(t *testing.T, s site) { s.Remove(t, "chat-1") }, []string{"chat-1"}},
		"one of two":     {func(t *testing.T, s site) { s.Remove(t, "chat-2") }, []string{"chat-2"}},
		"paused":         {func(t *testing.T, s site) { s.Pause(t, "chat-1") }, nil},
		"memory changed": {func(t *testing.T, s site) { s.SetMemory(t, "chat-1", 128<<20) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, test := prepare(t)
			note, unlike := s.remember(t)
			config := s.chat("hello", `replicas = 2`+"\n"+`memory = "64m"`)
			test.Steps = []resource.TestStep{
				{Config: config, Check: checks(note)},
				{
					PreConfig:        func() { drift.change(t, s) },
					Config:           config,
					ConfigPlanChecks: plans(action(plancheck.ResourceActionUpdate), plancheck.ExpectResourceAction("portal.acc", plancheck.ResourceActionNoop)),
					Check: checks(s.running(t, with("chat-1", "chat-2")...), unlike(drift.restarted...), func() {
						if got := s.Inspect(t, "chat-1").HostConfig.Memory; got != 64<<20 {
							t.Errorf("the limit is %d", got)
						}
					}),
				},
			}
			resource.ParallelTest(t, test)
		})
	}
}

// Whatever goes first, the portal or the service: the other one can follow.
func TestAccPortalRemovedFirst(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	chat := s.service(fmt.Sprintf("%q", s.Name), "portal-test/busybox", "hello", "")
	test.CheckDestroy = checks(s.running(t))
	test.Steps = []resource.TestStep{
		{Config: s.Config("")},
		{Config: s.Config("") + chat, Check: checks(s.running(t, with("chat-1")...))},
		{ // The service's next plan finds nothing any more.
			Config:             s.ProviderConfig() + chat,
			ExpectNonEmptyPlan: true,
			Check:              checks(s.running(t)),
		},
		{
			Config:      s.ProviderConfig() + chat,
			ExpectError: regexp.MustCompile(`(?s)creating service chat failed.*no such portal`),
		},
		{Config: s.ProviderConfig() + `resource "terraform_data" "rest" {}`},
	}
	resource.ParallelTest(t, test)
}

// The files that a service writes are kept when it goes.
func TestAccVolumesStay(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	volume := `volumes = { "/data" = { name = "chat" } }`
	kept := func(t *testing.T) func() {
		return func() {
			if got := s.file(t, "data", "chat", "kept"); got != "precious\n" {
				t.Errorf("the volume has %q", got)
			}
		}
	}
	test.Steps = []resource.TestStep{
		{Config: s.chat("hello", volume), Check: checks(func() {
			if out, code := s.Exec(t, "chat-1", "sh", "-c", "echo precious > /data/kept"); code != 0 {
				t.Error(out)
			}
		}, kept(t))},
		{Config: s.Config(""), Check: checks(kept(t))},
		{Config: s.chat("hello", volume), Check: checks(func() {
			if out, code := s.Exec(t, "chat-1", "cat", "/data/kept"); code != 0 || out != "precious\n" {
				t.Errorf("the service finds %q (%d)", out, code)
			}
		})},
	}
	resource.ParallelTest(t, test)
}

// Secrets are where they are read, and nowhere else.
func TestAccSecretFiles(t *testing.T) {
	acctest.Long(t)
	s, test := prepare(t)
	config := func(key, version string) string {
		return s.chat("hello", fmt.Sprintf(`
			secret_files            = { "/run/chat.ini" = "password=[[ secret \"chat-db\" ]]\n" }
			secret_files_wo         = { "/run/key" = %q }
			secret_files_wo_version = %s`, key, version))
	}
	reads := func(key string) resource.TestCheckFunc {
		return func(state *terraform.State) error {
			generated := s.file(t, "secrets", "chat-db")
			for file, want := range map[string]string{"/run/key": key, "/run/chat.ini": "password=" + generated + "\n"} {
				if got, code := s.Exec(t, "chat-1", "cat", file); code != 0 || got != want {
					t.Errorf("%s holds %q (%d) instead of %q", file, got, code, want)
				}
			}
			inspected, err := json.Marshal(s.Inspect(t, "chat-1"))
			if err != nil || !bytes.Contains(inspected, []byte("/run/chat.ini")) {
				t.Errorf("the container is %s, %v", inspected, err)
			}
			shown := state.String() + string(inspected)
			for _, secret := range []string{key, generated} {
				if len(secret) < 8 || regexp.MustCompile(regexp.QuoteMeta(secret)).MatchString(shown) {
					t.Errorf("the state or the container shows %q", secret)
				}
			}
			kept, err := filepath.Glob(filepath.Join(s.Directory(), "secrets", "given", "*"))
			if err != nil || len(kept) != 1 {
				t.Errorf("given secrets on the drive: %q, %v", kept, err)
			}
			for _, file := range kept {
				if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o400 {
					t.Errorf("%s: %v, %v", file, info, err)
				}
			}
			return nil
		}
	}
	test.Steps = []resource.TestStep{
		{Config: config("s3cret-number-one", "1"), Check: reads("s3cret-number-one")},
		{Config: config("s3cret-number-two", "1"), ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
		{Config: config("s3cret-number-two", "2"), Check: reads("s3cret-number-two")},
		{Config: s.Config(""), Check: checks(func() {
			if left, err := filepath.Glob(filepath.Join(s.Directory(), "secrets", "given", "*")); err != nil || len(left) > 0 {
				t.Errorf("given secrets that are left: %q, %v", left, err)
			}
		})},
	}
	resource.ParallelTest(t, test)
}
