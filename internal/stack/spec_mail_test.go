// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"reflect"
	"testing"
)

func TestMailResolved(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want Mail
	}{
		{"nothing", Mail{}, Mail{}},
		{"relay", Mail{Relay: &MailRelay{Host: "r"}}, Mail{Relay: &MailRelay{Host: "r", Port: 587, TLS: MailStartTLS}}},
		{"TLS", Mail{Relay: &MailRelay{TLS: MailImplicitTLS}}, Mail{Relay: &MailRelay{Port: 465, TLS: MailImplicitTLS}}},
		{"plain", Mail{Relay: &MailRelay{TLS: MailPlain}}, Mail{Relay: &MailRelay{Port: 25, TLS: MailPlain}}},
		{"port", Mail{Relay: &MailRelay{Port: 2525}}, Mail{Relay: &MailRelay{Port: 2525, TLS: MailStartTLS}}},
		{"signed by the portal", Mail{DKIM: &DKIM{}}, Mail{DKIM: &DKIM{Domain: "learn.acme.com"}}},
		{"signed by the sender", Mail{From: "a@acme.com", DKIM: &DKIM{}}, Mail{From: "a@acme.com", DKIM: &DKIM{Domain: "acme.com"}}},
		{"signed by another", Mail{From: "a@acme.com", DKIM: &DKIM{Domain: "x.org"}}, Mail{From: "a@acme.com", DKIM: &DKIM{Domain: "x.org"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.Resolved("learn.acme.com"); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v %+v %+v", got, got.Relay, got.DKIM)
			}
		})
	}
	relay := MailRelay{Host: "r"}
	Mail{Relay: &relay}.Resolved("x")
	if relay.Port != 0 {
		t.Error("what was given is changed")
	}
}
