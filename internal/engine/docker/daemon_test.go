// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
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
	pki := faultproxy.NewPKI(t)
	endpoint := faultproxy.New(t, socket).ListenTLS(t, pki.Server)
	storage := t.TempDir()
	options := docker.Options{StoragePath: storage, AgentBinary: buildEcho(t)}

	e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{"dal-1": {Endpoint: endpoint, TLS: clientTLS(pki)}}}, options)
	defer e.Close()
	sequence(t, e)
	talk(t, e, storage)

	t.Run("no client certificate", func(t *testing.T) {
		e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{"dal-1": {Endpoint: endpoint, TLS: &pool.TLS{CA: pki.CA}}}}, options)
		defer e.Close()
		_, err := e.Observe(enginetest.Context(t), "acme")
		wantText(t, err, `host "dal-1"`, endpoint, "certificate")
	})
	t.Run("another authority", func(t *testing.T) {
		other := faultproxy.NewPKI(t)
		e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{"dal-1": {Endpoint: endpoint, TLS: clientTLS(other)}}}, options)
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

// clientTLS is what a client of a host with these certificates is given.
func clientTLS(p faultproxy.PKI) *pool.TLS {
	return &pool.TLS{CA: p.CA, Cert: p.Cert, Key: p.Key}
}
