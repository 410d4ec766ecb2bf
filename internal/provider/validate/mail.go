// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// Email is an address such as "noreply@acme.com", without a name beside it.
func Email() validator.String {
	return text{"an email address", email}
}

// Server is the hostname or the IPv4 address of a server; portals' networks have
// no other addresses.
func Server() validator.String {
	return text{"the hostname of a server", func(s string) error {
		if address, err := netip.ParseAddr(s); err == nil && address.Is4() {
			return nil
		}
		return hostname(s)
	}}
}

// Selector is that of a DKIM key: labels of a DNS name.
func Selector() validator.String {
	return text{"a selector", func(s string) error {
		if hostname(s) != nil || len(s) > 63 {
			return errors.New(`use up to 63 lower-case letters, digits and hyphens, for example "portal2026"`)
		}
		return nil
	}}
}

// OneLine is a text without line breaks and other control characters. It may be
// secret, and so is in no message.
func OneLine() validator.String {
	return hidden{"a text in one line", func(s string) error {
		if s == "" {
			return errors.New("it is empty")
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("it holds a line break or another control character. Of a file read with file(), take the end away with trimspace()")
		}
		return nil
	}}
}

// Certificates is the PEM text of one or more certificates.
func Certificates() validator.String {
	return hidden{"certificates in PEM", func(s string) error {
		rest, found := []byte(s), false
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if block.Type != "CERTIFICATE" {
				return fmt.Errorf("it holds a block of type %q", block.Type)
			}
			if _, err := x509.ParseCertificate(block.Bytes); err != nil {
				return fmt.Errorf("a certificate in it cannot be read: %w", err)
			}
			found = true
		}
		if !found || strings.TrimSpace(string(rest)) != "" {
			return errors.New("it must begin with -----BEGIN CERTIFICATE----- and end with -----END CERTIFICATE-----; read a file with file()")
		}
		return nil
	}}
}

// DKIMKey is the PEM text of a private key that can sign mail (RFC 6376, 8463).
func DKIMKey() validator.String {
	return hidden{"a private key in PEM", dkimKey}
}

var emailLocal = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)

func email(s string) error {
	local, domain, found := strings.Cut(s, "@")
	if !found || !emailLocal.MatchString(local) || strings.Contains(local, "..") || strings.HasSuffix(local, ".") {
		return errors.New("write the address alone, for example noreply@acme.com; before the @ use letters, digits, dots, hyphens, underscores and plus signs")
	}
	if err := hostname(domain); err != nil {
		return fmt.Errorf("its domain %q is not valid: %w", domain, err)
	}
	return nil
}

func dkimKey(s string) error {
	block, rest := pem.Decode([]byte(s))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return errors.New("it must be one block, such as -----BEGIN PRIVATE KEY-----; read a file with file()")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return errors.New("it has a passphrase, which the mailer cannot ask for: take it away with `openssl pkey`")
	default:
		return fmt.Errorf("it holds a block of type %q", block.Type)
	}
	if err != nil || block.Headers["DEK-Info"] != "" {
		return errors.New("it cannot be read: it is damaged, or has a passphrase")
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return nil
	case *rsa.PrivateKey:
		if key.N.BitLen() < 1024 || key.N.BitLen() > 4096 {
			return fmt.Errorf("it has %d bits: make one with 2048", key.N.BitLen())
		}
		return nil
	default:
		return errors.New("mail is signed with RSA or Ed25519: make one with `openssl genrsa 2048`")
	}
}

// hidden is a validator of a text that no message may show.
type hidden struct {
	expects string
	check   func(string) error
}

func (v hidden) Description(context.Context) string         { return v.expects }
func (v hidden) MarkdownDescription(context.Context) string { return v.expects }

// ValidateString runs the check on a value that is set and known.
func (v hidden) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.check(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path,
			fmt.Sprintf("Invalid value for %s", req.Path),
			fmt.Sprintf("The value, which is not shown here, is not %s: %s.", v.expects, err))
	}
}
