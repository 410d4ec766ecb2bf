// SPDX-License-Identifier: MPL-2.0

package acme

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Attempts to start a program: somebody may take the port that was free.
const attempts = 3

// local is a free address that only this machine reaches.
func local(t testing.TB) string { return fmt.Sprintf("127.0.0.1:%d", FreePort(t)) }

// runResolver starts the name server and returns its address.
func (s *Server) runResolver(t testing.TB) string {
	t.Helper()
	for range attempts {
		dns, management := local(t), local(t)
		p := s.run(t, "pebble-challtestsrv",
			"-dnsserver", dns, "-defaultIPv4", s.options.Address, "-defaultIPv6", "", "-management", management,
			"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "")
		if p.serves(dns, management) {
			return dns
		}
	}
	t.Fatalf("the name server does not start:\n%s", s.log.String())
	return ""
}

// runPebble starts the authority. Its addresses are kept.
func (s *Server) runPebble(t testing.TB, resolver string) {
	t.Helper()
	for range attempts {
		s.pebble, s.management = local(t), local(t)
		args := []string{"-config", s.config(t), "-dnsserver", resolver}
		if s.options.Strict {
			args = append(args, "-strict")
		}
		p := s.run(t, "pebble", args...)
		if p.serves(s.pebble, s.management) {
			return
		}
	}
	t.Fatalf("the certificate authority does not start:\n%s", s.log.String())
}

// config writes Pebble's configuration and returns its path.
func (s *Server) config(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": s.pebble, "managementListenAddress": s.management,
		"certificate": write("cert.pem", s.identity.certificate), "privateKey": write("key.pem", s.identity.key),
		"httpPort": s.options.HTTPPort, "tlsPort": s.options.TLSPort,
		"externalAccountBindingRequired": len(s.options.ExternalAccounts) > 0,
		"externalAccountMACKeys":         s.options.ExternalAccounts,
		"keyAlgorithm":                   "ecdsa",
		"retryAfter":                     map[string]int{"authz": 1, "order": 1},
		// One profile: a client that names none gets it.
		"profiles": map[string]any{"default": map[string]any{
			"description": "of the test", "validityPeriod": int64(s.options.Validity / time.Second),
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return write("pebble.json", string(text))
}

// manage reads from Pebble's management interface.
func (s *Server) manage(t testing.TB, path string) string {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: s.identity.client(), DisableKeepAlives: true}}
	r, err := client.Get("https://" + s.management + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s of the certificate authority: %s, %v", path, r.Status, err)
	}
	return string(text)
}

// dial tells whether something accepts connections at an address.
func dial(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
