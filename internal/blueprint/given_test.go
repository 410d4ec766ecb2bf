// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// relayed is a portal that sends through a relay, with everything that there is.
func relayed() stack.Spec {
	spec := demoSpec()
	spec.Mail = &stack.Mail{
		From: "noreply@acme.com",
		Relay: &stack.MailRelay{
			Host: "smtp.example.com", CA: "-----BEGIN CERTIFICATE-----\n", Username: `ACME\n$user^:"`,
			Password: "portal-mail-password-v3",
		},
		DKIM: &stack.DKIM{Selector: "portal1", Key: "portal-mail-dkim-key-v1"},
	}
	return spec
}

// file is the content of the stack's one file of that name.
func file(t *testing.T, s *stack.Stack, name string) string {
	t.Helper()
	for at, f := range s.Files {
		if filepath.Base(at) == name {
			return string(f.Content)
		}
	}
	t.Fatalf("there is no file %s", name)
	return ""
}

func targets(s *stack.Service) []string {
	var all []string
	for _, m := range s.Mounts {
		all = append(all, m.Target)
	}
	return all
}

// The configuration is shown as a whole, for people to read the difference.
func TestEximGolden(t *testing.T) {
	direct := demoSpec()
	direct.Mail = &stack.Mail{DKIM: &stack.DKIM{Selector: "portal1", Key: "portal-mail-dkim-key-v1"}}
	open := demoSpec()
	open.Mail = &stack.Mail{Relay: &stack.MailRelay{Host: "10.0.0.25", TLS: stack.MailPlain}}
	for name, spec := range map[string]stack.Spec{"nothing": demoSpec(), "direct": direct, "plain": open, "relay": relayed()} {
		t.Run(name, func(t *testing.T) {
			golden(t, "exim-"+name+".golden.conf", []byte(file(t, mustBuild(t, spec), "exim.conf")))
		})
	}
}

func TestGivenSecretsOfMail(t *testing.T) {
	plain, s := mustBuild(t, demoSpec()), mustBuild(t, relayed())
	want := map[string]stack.Given{
		"portal-mail-password-v3": {UID: 100, GID: 101}, "portal-mail-dkim-key-v1": {UID: 100, GID: 101},
	}
	if !maps.Equal(s.Given, want) || len(plain.Given) != 0 {
		t.Errorf("given are %v, and %v without mail", s.Given, plain.Given)
	}
	const password, source = "/portal/secrets/mail-password", "/srv/portals/acme/secrets/given/portal-mail-password-v3"
	if !slices.Contains(s.Services["mailer"].Mounts, stack.Mount{Source: source, Target: password, ReadOnly: true}) {
		t.Errorf("the mailer mounts %v", s.Services["mailer"].Mounts)
	}
	if slices.Contains(targets(plain.Services["mailer"]), password) {
		t.Error("a password is mounted that nobody gave")
	}
	if got := file(t, s, "mail-relay-user"); got != relayed().Mail.Relay.Username {
		t.Errorf("the user is %q", got)
	}
	if got := file(t, s, "edxapp_defaults.yml"); strings.Count(got, `"noreply@acme.com"`) != 3 || strings.Contains(got, "noreply@learn") {
		t.Error("Open edX's senders do not follow mail.from")
	}
}

// Another version replaces the mailer, and nothing else.
func TestAnotherPasswordReplacesTheMailer(t *testing.T) {
	before := mustBuild(t, relayed())
	spec := relayed()
	spec.Mail.Relay.Password = "portal-mail-password-v4"
	after := mustBuild(t, spec)
	for name := range before.Services {
		changed := stack.Digest(before.Services[name]) != stack.Digest(after.Services[name])
		if changed != (name == "mailer") {
			t.Errorf("%s changes: %t", name, changed)
		}
	}
}

func TestGivenRefusals(t *testing.T) {
	const head = "services:\n  a:\n    image: a:1\n    user: \"1:1\"\n"
	const mounts = "    secrets: [p]\nsecrets:\n  p: {x-portal: {given: mail-password}}\n"
	const reads = "    configs: [c]\nconfigs:\n  c: {content: \"[[ .Mail.From ]]\", x-portal: {template: true}}\n"
	for name, tt := range map[string]struct{ compose, attribute, hint string }{
		"mail that nothing reads":    {head, "mail", ".Mail"},
		"secret that nothing mounts": {head + reads, "mail.relay.password_wo", "given: mail-password"},
		"unknown key":                {head + "    secrets: [p]\nsecrets:\n  p: {x-portal: {given: mail-pasword}}\n", "blueprint", `Did you mean "mail-password"?`},
		"given and generated":        {head + "    secrets: [p]\nsecrets:\n  p: {x-portal: {given: mail-password, generate: true}}\n", "blueprint", "only one of them"},
		"given and a file":           {head + "    secrets: [p]\nsecrets:\n  p: {file: ./compose.yaml, x-portal: {given: mail-password}}\n", "blueprint", "only one of them"},
		"readers of different users": {head + "  b:\n    image: a:1\n    user: \"2:2\"\n    secrets: [p]\n" + strings.Replace(strings.Replace(head, "services:\n  a:", "  c:", 1)+mounts, `"1:1"`, `"3:3"`, 1), "blueprint", "different users"},
		"mode":                       {head + "    secrets: [{source: p, mode: 0444}]\nsecrets:\n  p: {x-portal: {given: mail-password}}\n", "blueprint", "0400"},
		"secret without any content": {head + "    secrets: [p]\nsecrets:\n  p: {x-portal: {}}\n", "blueprint", "given"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "compose.yaml"), []byte(tt.compose), 0o600); err != nil {
				t.Fatal(err)
			}
			spec := stack.Spec{Name: "acme", Domain: "a.test", StudioDomain: "b.test", Blueprint: folder, Mail: relayed().Mail}
			spec.Mail.DKIM = nil
			for _, p := range problems(t, spec) {
				if p.Attribute == tt.attribute && strings.Contains(p.Detail, tt.hint) {
					return
				}
			}
			t.Errorf("want %q at %q in:\n%s", tt.hint, tt.attribute, problems(t, spec))
		})
	}
}
