// SPDX-License-Identifier: MPL-2.0

package acme_test

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/acme"
)

func (p *proxy) options() acme.Options {
	return acme.Options{HTTPPort: p.httpPort, TLSPort: p.httpsPort}
}

// TestChallenges gets a certificate by each kind of challenge alone.
func TestChallenges(t *testing.T) {
	for _, tt := range []struct {
		name, disabled string
		byHTTP         bool
	}{
		{"http-01", "tls-alpn", true},
		{"tls-alpn-01", "http", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t)
			authority := acme.Start(t, p.options())
			p.start(t, authority, config(authority, nil, object{"challenges": object{tt.disabled: object{"disabled": true}}}))
			c := p.served(t, authority, whichever)
			if issued := authority.Issued(); len(issued) != 1 || !issued[0].Equal(c) {
				t.Errorf("issued %d certificates, and another than is shown", len(issued))
			}
			if d := time.Until(c.NotAfter); d < 89*24*time.Hour || !slices.Equal(c.DNSNames, []string{hostname}) {
				t.Errorf("for %v, valid for %s", c.DNSNames, d)
			}
			if byHTTP := strings.Contains(authority.Log(), "Attempting to validate w/ HTTP"); byHTTP != tt.byHTTP {
				t.Errorf("validated by HTTP: %v", byHTTP)
			}
		})
	}
}

// TestExternalAccounts lets only those have an account who know a key.
func TestExternalAccounts(t *testing.T) {
	t.Parallel()
	const id, key = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	p := newProxy(t)
	o := p.options()
	o.ExternalAccounts = map[string]string{id: key}
	authority := acme.Start(t, o)
	p.start(t, authority, config(authority, nil, nil))
	waitFor(t, "the refusal", func() bool { return strings.Contains(p.log(t, p.id), "externalAccountRequired") })
	p.stop(t)
	p.start(t, authority, config(authority, nil, object{"external_account": object{"key_id": id, "mac_key": key}}))
	p.served(t, authority, whichever)
}

// TestDown keeps serving while the authority is down, and has its certificate
// when it is back and the proxy tries again.
func TestDown(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	authority := acme.Start(t, p.options())
	authority.Stop()
	p.start(t, authority, config(authority, nil, nil))
	waitFor(t, "an attempt that fails", func() bool { return strings.Contains(p.log(t, p.id), "will retry") })
	r, err := http.Get("http://127.0.0.1:" + port(p.httpPort))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode >= http.StatusInternalServerError {
		t.Errorf("without the authority it answers %s", r.Status)
	}
	authority.Start(t)
	begin := time.Now()
	p.reload(t)
	p.served(t, authority, whichever)
	t.Logf("a certificate %s after the reload", time.Since(begin).Round(time.Millisecond))
}

// TestRenewal replaces certificates that live shortly, again and again, and
// one that expired while nothing ran.
func TestRenewal(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	p := newProxy(t)
	o := p.options()
	o.Validity = 20 * time.Second
	authority := acme.Start(t, o)
	p.start(t, authority, config(authority, object{"renew_interval": "1s"}, nil))
	first := p.served(t, authority, whichever)
	second := p.served(t, authority, other(first))
	t.Logf("renewed %s before its end", time.Until(first.NotAfter).Round(time.Second))
	p.stop(t)
	waitFor(t, "the end of the certificate", func() bool { return time.Now().After(second.NotAfter) })
	p.start(t, authority, config(authority, object{"renew_interval": "1s"}, nil))
	third := p.served(t, authority, other(second))
	if time.Until(third.NotAfter) < 0 {
		t.Error("an expired certificate is shown")
	}
}

// TestRevocation replaces a certificate that was revoked.
func TestRevocation(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	o := p.options()
	o.RenewalInfoAfter = time.Second
	authority := acme.Start(t, o)
	p.start(t, authority, config(authority, object{"renew_interval": "1s"}, nil))
	first := p.served(t, authority, whichever)
	authority.Revoke(t, first, key(t, p.stored(t, ".key")))
	begin := time.Now()
	second := p.served(t, authority, other(first))
	t.Logf("replaced %s after it was revoked", time.Since(begin).Round(time.Millisecond))
	// A certificate that is to be renewed early is no different.
	authority.SetRenewalInfo(t, second, time.Now().Add(-time.Hour), time.Now().Add(-time.Minute))
	p.served(t, authority, func(c *x509.Certificate) bool { return other(first)(c) && other(second)(c) })
	if !slices.ContainsFunc(authority.Requests(), func(r string) bool { return strings.Contains(r, "/renewalInfo/") }) {
		t.Error("nobody asked when to renew")
	}
}

// key reads a private key.
func key(t *testing.T, text []byte) crypto.Signer {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("not a PEM text")
	}
	if k, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return k
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	signer, ok := k.(crypto.Signer)
	if !ok {
		t.Fatalf("a key of type %T", k)
	}
	return signer
}
