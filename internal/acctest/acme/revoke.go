// SPDX-License-Identifier: MPL-2.0

package acme

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// Revoke revokes a certificate as its owner does, with its private key. Who
// asks when to renew it hears from then on that it is due, in the words of
// Let's Encrypt: the window that Pebble itself tells is a second long, which
// Caddy takes for a mistake.
func (s *Server) Revoke(t testing.TB, certificate *x509.Certificate, key crypto.Signer) {
	t.Helper()
	client := &acme.Client{
		DirectoryURL: s.Directory,
		HTTPClient:   &http.Client{Transport: &http.Transport{TLSClientConfig: s.identity.client(), DisableKeepAlives: true}},
	}
	if err := client.RevokeCert(enginetest.Context(t), key, certificate.Raw, acme.CRLReasonUnspecified); err != nil {
		t.Fatalf("revoke the certificate: %v", err)
	}
	start := time.Now().Add(-time.Hour)
	s.SetRenewalInfo(t, certificate, start, start.Add(30*time.Minute))
}

// SetRenewalInfo says when a certificate should be renewed (RFC 9773).
func (s *Server) SetRenewalInfo(t testing.TB, certificate *x509.Certificate, start, end time.Time) {
	t.Helper()
	info, err := json.Marshal(map[string]any{"suggestedWindow": map[string]time.Time{"start": start.UTC(), "end": end.UTC()}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"Certificate": encode("CERTIFICATE", certificate.Raw), "ARIResponse": string(info)})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: s.identity.client(), DisableKeepAlives: true}}
	r, err := client.Post("https://"+s.management+"/set-renewal-info/", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("set the renewal of the certificate: %s", r.Status)
	}
}
