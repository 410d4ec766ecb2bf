// SPDX-License-Identifier: MPL-2.0

// Package acme runs a certificate authority for tests: Pebble, which is made
// for that, and a name server that leads every name to this machine. Nothing
// of it reaches beyond the machine, and containers reach it.
package acme

import (
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Options of a Server.
type Options struct {
	// HTTPPort and TLSPort are where the authority looks for the answers to its
	// challenges: the published ports of what is tested.
	HTTPPort, TLSPort int
	// Address is what every name resolves to. Empty is the bridge's gateway,
	// where published ports answer.
	Address string
	// Validity of the certificates, in whole seconds; zero is 90 days.
	Validity time.Duration
	// ExternalAccounts lets nobody have an account but who knows one of these:
	// key id → HMAC key in URL-safe Base64.
	ExternalAccounts map[string]string
	// Strict makes Pebble insist on what will be the standard some day.
	Strict bool
	// RenewalInfoAfter is how soon a client asks again when it should renew a
	// certificate (RFC 9773); zero is Pebble's six hours.
	RenewalInfoAfter time.Duration
}

// Server is a running authority. It ends with the test; when that failed, its
// log is shown.
type Server struct {
	// Directory is the URL of the authority's directory. It is the same after
	// Stop and Start.
	Directory string
	// CA is the PEM text of the authority that signed the certificate of the
	// directory's server.
	CA string
	// Root and Intermediate are the PEM texts of what signs the certificates.
	Root, Intermediate string

	options    Options
	identity   identity
	address    string // of the directory: host:port
	pebble     string // Pebble's own address
	management string // that of its management interface
	log        *log

	mu       sync.Mutex
	door     *door // nil while stopped
	issued   []*x509.Certificate
	requests []string
}

// Start starts an authority and waits until it answers.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	gateway := bridge(t)
	if o.Address == "" {
		o.Address = gateway
	}
	s := &Server{options: o, identity: newIdentity(t, gateway), log: &log{}}
	s.CA = s.identity.ca
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the certificate authority's log:\n%s", s.log.String())
		}
	})
	resolver := s.runResolver(t)
	s.runPebble(t, resolver)
	s.Root = s.manage(t, "/roots/0")
	s.Intermediate = s.manage(t, "/intermediates/0")

	s.address = net.JoinHostPort(gateway, strconv.Itoa(FreePort(t)))
	s.Directory = fmt.Sprintf("https://%s/dir", s.address)
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// Start lets the authority be reached again, at its address of before and with
// its accounts, its certificates and its keys of before.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.door != nil {
		return
	}
	d, err := s.open()
	if err != nil {
		t.Fatalf("open the certificate authority: %v", err)
	}
	s.door = d
}

// Stop lets nobody reach the authority: connections are refused.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.door != nil {
		s.door.close()
		s.door = nil
	}
}

// Issued are the certificates that clients fetched, in that order.
func (s *Server) Issued() []*x509.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*x509.Certificate(nil), s.issued...)
}

// Requests are what clients asked since the beginning: "POST /order-plz".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Log is what Pebble and the name server wrote.
func (s *Server) Log() string { return s.log.String() }

// Pool holds the root of the certificates that are issued.
func (s *Server) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(s.Root))
	return pool
}
