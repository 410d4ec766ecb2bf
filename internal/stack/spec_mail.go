// SPDX-License-Identifier: MPL-2.0

package stack

import "strings"

// Mail says how a portal's mailer delivers what its services send. The zero
// value delivers directly to the recipients' mail servers.
type Mail struct {
	// Relay takes all mail; nil delivers directly.
	Relay *MailRelay `json:"relay,omitempty"`
	// From is the address that mail comes from, "noreply@acme.com"; empty for
	// what Open edX's own settings say.
	From string `json:"from,omitempty"`
	// DKIM signs mail; nil leaves it unsigned.
	DKIM *DKIM `json:"dkim,omitempty"`
}

// MailRelay is an SMTP server that takes all mail of a portal.
type MailRelay struct {
	Host string `json:"host"`
	// Port of the server; zero is the usual one for TLS.
	Port int `json:"port,omitempty"`
	// TLS says how the connection is encrypted; empty is MailStartTLS.
	TLS MailTLS `json:"tls,omitempty"`
	// CA is the PEM text of the authorities that signed the relay's certificate;
	// empty trusts those of the mailer's image.
	CA string `json:"ca,omitempty"`
	// Username to log in with; empty for no login.
	Username string `json:"username,omitempty"`
	// Password is the name of the file of the password in secrets/given/, see
	// GivenName; empty for no login.
	Password string `json:"password,omitempty"`
}

// MailTLS is how a connection to a mail relay is encrypted.
type MailTLS string

const (
	// MailStartTLS begins in plain text and insists on STARTTLS (port 587).
	MailStartTLS MailTLS = "starttls"
	// MailImplicitTLS begins with TLS (port 465).
	MailImplicitTLS MailTLS = "tls"
	// MailPlain encrypts nothing; it excludes a login.
	MailPlain MailTLS = "none"
)

// DKIM is how mail is signed (RFC 6376).
type DKIM struct {
	// Domain that signs; empty is that of the address that mail comes from.
	Domain string `json:"domain,omitempty"`
	// Selector of the key in DNS: <selector>._domainkey.<domain>.
	Selector string `json:"selector"`
	// Key is the name of the file of the private key in secrets/given/, see
	// GivenName.
	Key string `json:"key"`
}

// mailPorts are the usual ports of relays.
var mailPorts = map[MailTLS]int{MailStartTLS: 587, MailImplicitTLS: 465, MailPlain: 25}

// Resolved returns the mail settings of a portal with what they leave open
// filled in; domain is the portal's. Nothing of m is changed.
func (m Mail) Resolved(domain string) Mail {
	if m.Relay != nil {
		relay := *m.Relay
		if relay.TLS == "" {
			relay.TLS = MailStartTLS
		}
		if relay.Port == 0 {
			relay.Port = mailPorts[relay.TLS]
		}
		m.Relay = &relay
	}
	if m.DKIM != nil {
		dkim := *m.DKIM
		if _, sender, found := strings.Cut(m.From, "@"); dkim.Domain == "" && found {
			dkim.Domain = sender
		}
		if dkim.Domain == "" {
			dkim.Domain = domain
		}
		m.DKIM = &dkim
	}
	return m
}
