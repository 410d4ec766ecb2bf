package docker_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/faultproxy"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// TestTLS drives everything over TCP with client certificates, also what takes
// a connection over: exec, for health, and attach, for the agent.
func TestTLS(t *testing.T) {
	enginetest.Image(t)
	pki := newPKI(t)
	endpoint := faultproxy.New(t, socket).ListenTLS(t, pki.server)
	storage := t.TempDir()
	options := docker.Options{StoragePath: storage, AgentBinary: buildEcho(t)}

	e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{"dal-1": {Endpoint: endpoint, TLS: &pki.client}}}, options)
	defer e.Close()
	sequence(t, e)
	talk(t, e, storage)

	t.Run("no client certificate", func(t *testing.T) {
		e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{"dal-1": {Endpoint: endpoint, TLS: &pool.TLS{CA: pki.client.CA}}}}, options)
		defer e.Close()
		_, err := e.Observe(enginetest.Context(t), "acme")
		wantText(t, err, `host "dal-1"`, endpoint, "certificate")
	})
	t.Run("another authority", func(t *testing.T) {
		other := newPKI(t)
		e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{"dal-1": {Endpoint: endpoint, TLS: &other.client}}}, options)
		defer e.Close()
		_, err := e.Observe(enginetest.Context(t), "acme")
		wantText(t, err, `host "dal-1"`, endpoint, "unknown authority")
	})
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("does not say %q: %v", p, err)
		}
	}
}

func TestUnreachableDaemon(t *testing.T) {
	for name, endpoint := range map[string]string{
		"no socket":      "unix://" + filepath.Join(t.TempDir(), "nothing.sock"),
		"refused":        "tcp://127.0.0.1:1",
		"no such domain": "tcp://docker.invalid:2376",
	} {
		t.Run(name, func(t *testing.T) {
			e := open(t, endpoint, docker.Options{})
			defer e.Close()
			begin := time.Now()
			_, err := e.Observe(enginetest.Context(t), "acme")
			wantText(t, err, "cannot reach Docker", `host "dal-1"`, endpoint, `portal "acme"`, "dockerd running")
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("it took %s", d)
			}
		})
	}
}

func TestDaemonThatHangs(t *testing.T) {
	t.Parallel()
	proxy := faultproxy.New(t, socket)
	proxy.Spoil(faultproxy.Rule{Method: "HEAD", Path: regexp.MustCompile("_ping"), Fault: faultproxy.Hang})
	endpoint := proxy.ListenUnix(t)
	e := open(t, endpoint, docker.Options{})
	defer e.Close()
	begin := time.Now()
	_, err := e.Observe(enginetest.Context(t), "acme")
	wantText(t, err, "cannot reach Docker", "no answer within", endpoint)
	if d := time.Since(begin); d > 15*time.Second {
		t.Errorf("it took %s", d)
	}
}

// TestDaemonThatDies cuts the connection for good while a container is awaited.
func TestDaemonThatDies(t *testing.T) {
	t.Parallel()
	var link cutter
	endpoint := link.listen(t, socket)
	e := open(t, endpoint, docker.Options{})
	defer e.Close()
	st := enginetest.NewStack(t)
	enginetest.Add(t, st, "web", func(s *stack.Service) {
		s.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "false"}, Interval: time.Minute}
	})
	enginetest.Up(t, e, st, "web")
	done := make(chan error, 1)
	go func() { done <- e.Run(enginetest.Context(t), st, enginetest.Op(st, stack.WaitHealthy, "web", "")) }()
	link.cut()
	select {
	case err := <-done:
		wantText(t, err, st.Portal, "web-1", `host "dal-1"`, "dockerd running")
	case <-time.After(30 * time.Second):
		t.Error("the wait goes on without the daemon")
	}
}

// cutter passes bytes to a unix socket until it is cut.
type cutter struct {
	listener net.Listener
	conns    chan net.Conn
}

func (c *cutter) listen(t *testing.T, upstream string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.listener, c.conns = l, make(chan net.Conn, 1000)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", upstream)
			if err != nil {
				from.Close()
				continue
			}
			c.conns <- from
			go pipe(from, to)
			go pipe(to, from)
		}
	}()
	return "unix://" + path
}

func pipe(to, from net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (c *cutter) cut() {
	c.listener.Close()
	for {
		select {
		case conn := <-c.conns:
			conn.Close()
		default:
			return
		}
	}
}

// pki is a throw-away authority with a server and a client certificate.
type pki struct {
	server *tls.Config
	client pool.TLS
}

func newPKI(t *testing.T) pki {
	t.Helper()
	caKey, caDER := certificate(t, "authority", nil, nil)
	ca, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	serverKey, serverDER := certificate(t, "127.0.0.1", ca, caKey)
	clientKey, clientDER := certificate(t, "client", ca, caKey)
	keyDER, err := x509.MarshalECPrivateKey(clientKey)
	if err != nil {
		t.Fatal(err)
	}
	return pki{
		server: &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{serverDER}, PrivateKey: serverKey}},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: roots,
		},
		client: pool.TLS{
			CA: pemText("CERTIFICATE", caDER), Cert: pemText("CERTIFICATE", clientDER), Key: pemText("EC PRIVATE KEY", keyDER),
		},
	}
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// certificate makes a key and its certificate, signed by ca or by itself.
func certificate(t *testing.T, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: ca == nil, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if ca == nil {
		ca, caKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}
