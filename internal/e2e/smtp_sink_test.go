// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// authority issues certificates for servers of a test.
type authority struct {
	pem  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, der := issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true}, nil)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), cert: cert, key: key}
}

// server is a configuration with a certificate for a name or an address.
func (a *authority) server(t *testing.T, name string) *tls.Config {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	key, der := issue(t, template, a)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// issue makes a key and its certificate, good for an hour, signed by an authority
// or, without one, by itself.
func issue(t *testing.T, template *x509.Certificate, by *authority) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// letter is a mail that arrived.
type letter struct {
	// user that the client logged in as.
	user, from string
	to         []string
	data       []byte
}

// sink is a mail server on this machine that takes mail of one user, over TLS
// alone, and keeps it. Containers reach it at its address.
type sink struct {
	user, password string
	tls            *tls.Config
	// implicit begins with TLS, instead of by STARTTLS.
	implicit bool
	address  string // host:port

	mu      sync.Mutex
	letters []letter
	server  *smtp.Server
}

// newSink starts a sink on a free port.
func newSink(t *testing.T, docker *client.Client, config *tls.Config, implicit bool) *sink {
	t.Helper()
	s := &sink{user: "acme@relay", password: "s3cr^t p:ss{w}0rd", tls: config, implicit: implicit}
	s.address = net.JoinHostPort(bridgeAddress(t, docker), "0")
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

// bridgeAddress is this machine's own on the network that Docker always has.
func bridgeAddress(t *testing.T, docker *client.Client) string {
	t.Helper()
	bridge, err := docker.NetworkInspect(enginetest.Context(t), "bridge", network.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Its gateway is not always told.
	device, err := net.InterfaceByName(bridge.Options["com.docker.network.bridge.name"])
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := device.Addrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Fatalf("%s has no address: %v", device.Name, addresses)
	return ""
}

// start begins to listen, after a stop on the same port.
func (s *sink) start(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp4", s.address)
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	if s.implicit {
		listener = tls.NewListener(listener, s.tls)
	}
	server := smtp.NewServer(s)
	server.Domain, server.TLSConfig = "sink", s.tls
	server.ErrorLog = silent{}
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	go func() { _ = server.Serve(listener) }() // until it is closed
}

// stop refuses connections from now on.
func (s *sink) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.server.Close()
}

// port that it listens on.
func (s *sink) port() string {
	_, port, _ := net.SplitHostPort(s.address)
	return port
}

// take returns what has arrived, and forgets it.
func (s *sink) take() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.letters
	s.letters = nil
	return taken
}

// await waits for one mail and returns it.
func (s *sink) await(t *testing.T) letter {
	t.Helper()
	var got []letter
	eventually(t, "a mail", func() bool {
		got = s.take()
		return len(got) > 0
	})
	if len(got) > 1 {
		t.Errorf("%d mails have arrived instead of one", len(got))
	}
	return got[0]
}

// NewSession greets a client.
func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return &sinkSession{sink: s}, nil }

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// sinkSession is one client's conversation.
type sinkSession struct {
	sink   *sink
	letter letter
}

func (c *sinkSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (c *sinkSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != c.sink.user || password != c.sink.password {
			return smtp.ErrAuthFailed
		}
		c.letter.user = user
		return nil
	}), nil
}

func (c *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	if c.letter.user == "" {
		return smtp.ErrAuthRequired
	}
	c.letter.from = from
	return nil
}

func (c *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.letter.to = append(c.letter.to, to)
	return nil
}

func (c *sinkSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return errors.Join(smtp.ErrDataReset, err)
	}
	c.letter.data = data
	c.sink.mu.Lock()
	defer c.sink.mu.Unlock()
	kept := c.letter
	kept.to = slices.Clone(kept.to)
	c.sink.letters = append(c.sink.letters, kept)
	return nil
}

func (c *sinkSession) Reset()        { c.letter = letter{user: c.letter.user} }
func (c *sinkSession) Logout() error { return nil }
