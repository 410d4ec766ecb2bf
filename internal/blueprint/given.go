// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// given is a secret that a user can give with a portal.
type given struct {
	// key is what a blueprint calls it: `x-portal: {given: mail-password}`.
	key string
	// attribute of the resource that it is given in.
	attribute string
	// file is the name of its file in secrets/given/, empty when the Spec has
	// no such secret.
	file func(stack.Spec) string
}

// allGiven are the secrets that there can be.
var allGiven = []given{
	{"mail-password", "mail.relay.password_wo", func(s stack.Spec) string {
		if s.Mail == nil || s.Mail.Relay == nil {
			return ""
		}
		return s.Mail.Relay.Password
	}},
	{"mail-dkim-key", "mail.dkim.private_key_wo", func(s stack.Spec) string {
		if s.Mail == nil || s.Mail.DKIM == nil {
			return ""
		}
		return s.Mail.DKIM.Key
	}},
}

func givenKeys() []string {
	keys := make([]string, 0, len(allGiven))
	for _, g := range allGiven {
		keys = append(keys, g.key)
	}
	return keys
}

// givenSource notes that a given secret is needed, and returns the path of its
// file on the host. It is empty when the user gave none: then there is nothing
// to mount.
func (b *builder) givenSource(key string, f stack.File, at string) string {
	if f.Mode != defaultSecretMode {
		b.refuse(at+".mode", "a secret that the user gives always has the mode 0400")
	}
	for _, g := range allGiven {
		file := g.file(b.spec)
		if g.key != key || file == "" {
			continue
		}
		reader := stack.Given{UID: f.UID, GID: f.GID}
		if known, ok := b.stack.Given[file]; ok && known != reader {
			b.refuse(at, "services that run as different users read the given secret %q: let one of them read it", key)
		}
		b.stack.Given[file] = reader
		return b.directory("secrets", givenFolder, file)
	}
	return ""
}

// checkGiven refuses what no service reads: it would have no effect.
func (b *builder) checkGiven() {
	if b.spec.Mail != nil && !b.readsMail {
		b.problem("mail", "The blueprint does not read this", "No template of the blueprint names .Mail, so its services know nothing of it. Let the configuration of its mailer be such a template, or leave mail out.")
		return
	}
	for _, g := range allGiven {
		file := g.file(b.spec)
		if _, used := b.stack.Given[file]; file != "" && !used {
			b.problem(g.attribute, "The blueprint does not read this secret", "No service of the blueprint mounts a secret with `x-portal: {given: %s}`, so it would have no effect. Let the service that needs it mount one, or leave it out.", g.key)
		}
	}
}
