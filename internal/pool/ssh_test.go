// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/crypto/ssh"
)

// TestSSHOneConnection does all kinds of things at once over one connection,
// and never more at a time than sshd has files for.
func TestSSHOneConnection(t *testing.T) {
	const waiters, callers = sshRequests + 10, 5 * sshRequests
	s := serveSSH(t, sshEngine(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/json") && strings.Contains(r.URL.Path, "/slow"):
			time.Sleep(20 * time.Millisecond)
			_, _ = io.WriteString(w, "{}")
			return true
		case strings.HasSuffix(r.URL.Path, "/wait"):
			<-r.Context().Done() // a container that never ends
			return true
		}
		return false
	}), nil)
	h := s.host(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := h.Client(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	for range waiters {
		// They wait for long, and hold up nobody.
		ended.Go(func() {
			_, errs := c.ContainerWait(ctx, "x", container.WaitConditionNotRunning)
			<-errs //nolint:errcheck // it ends with the context
		})
	}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := c.ContainerInspect(ctx, "slow"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.accepted.Load(); n != 1 {
		t.Errorf("%d connections instead of 1", n)
	}
	// Those that are being closed, or were opened in vain, are open as well.
	if most := s.most.Load(); most > waiters+3*sshRequests {
		t.Errorf("%d channels at a time", most)
	}
	if h.Endpoint != "ssh://ops@"+s.addr+s.socket || h.Socket != s.socket || h.Address != "127.0.0.1" {
		t.Errorf("the host is %q, %q, %q", h.Endpoint, h.Socket, h.Address)
	}
	cancel()
	ended.Wait()
}

// TestSSHConnectionDrops cuts the connection while a request is under way. What
// may be repeated is, on a new connection; what may not says what happened.
func TestSSHConnectionDrops(t *testing.T) {
	var calls atomic.Int32
	arrived := make(chan struct{}, 10)
	s := serveSSH(t, sshEngine(func(w http.ResponseWriter, r *http.Request) bool {
		inspect, start := strings.HasSuffix(r.URL.Path, "/containers/x/json"), strings.HasSuffix(r.URL.Path, "/start")
		if (inspect || start) && calls.Add(1) == 1 {
			arrived <- struct{}{}
			<-r.Context().Done()
			return true
		}
		if inspect {
			_, _ = io.WriteString(w, "{}")
		}
		return inspect
	}), nil)
	c, err := s.host(t, nil).Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-arrived; s.drop() }()
	if _, err := c.ContainerInspect(t.Context(), "x"); err != nil {
		t.Errorf("an inspection was not repeated: %v", err)
	}
	if n := s.accepted.Load(); n != 2 {
		t.Errorf("%d connections instead of 2", n)
	}

	calls.Store(0)
	go func() { <-arrived; s.drop() }()
	err = c.ContainerStart(t.Context(), "x", container.StartOptions{})
	if err == nil || !strings.Contains(err.Error(), "the ssh connection to "+s.addr+" was lost") || !IsTransient(err) {
		t.Errorf("got %v", err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("a start was repeated without a look: %d calls", n)
	}
}

// TestSSHHostFallsSilent takes a host that stops to answer and comes back.
func TestSSHHostFallsSilent(t *testing.T) {
	soon(t)
	arrived := make(chan struct{}, 10)
	var s *sshServer
	s = serveSSH(t, sshEngine(func(_ http.ResponseWriter, r *http.Request) bool {
		start := strings.HasSuffix(r.URL.Path, "/start")
		if start {
			s.mute.Store(true)
			arrived <- struct{}{}
			<-r.Context().Done()
		}
		return start
	}), nil)
	h := s.host(t, nil)
	c, err := h.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	err = c.ContainerStart(t.Context(), "x", container.StartOptions{})
	if err == nil || !strings.Contains(err.Error(), "no sign of life") {
		t.Errorf("got %v", err)
	}
	// While it is silent, each call is told in time.
	if _, err := h.FreshList(t.Context()); err == nil || !strings.Contains(err.Error(), "did not finish the ssh handshake") {
		t.Errorf("got %v", err)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
	<-arrived
	s.mute.Store(false)
	if _, err := h.FreshList(t.Context()); err != nil {
		t.Errorf("it does not go on: %v", err)
	}
}

// TestSSHAttach takes over a connection, and ends its input before its output.
func TestSSHAttach(t *testing.T) {
	s := serveSSH(t, sshEngine(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/attach") {
			return false
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		text, _ := io.ReadAll(rw) // until the end of the input
		_, _ = fmt.Fprintf(conn, "%d bytes", len(text))
		return true
	}), nil)
	c, err := s.host(t, nil).Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.ContainerAttach(t.Context(), "x", container.AttachOptions{Stream: true, Stdin: true, Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const size = 3 << 20 // more than a channel's window
	if _, err := conn.Conn.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn.Reader); err != nil || string(answer) != fmt.Sprintf("%d bytes", size) {
		t.Errorf("got %q, %v", answer, err)
	}
	if n := s.accepted.Load(); n != 1 {
		t.Errorf("%d connections instead of 1", n)
	}
}

// TestSSHCloseEndsARead closes a channel whose other side never speaks.
func TestSSHCloseEndsARead(t *testing.T) {
	s := serveSSH(t, sshEngine(nil), nil)
	h := s.host(t, nil)
	conn, err := h.dialer.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	s.mute.Store(true)
	ended := make(chan error)
	go func() {
		_, err := bufio.NewReader(conn).ReadByte()
		ended <- err
	}()
	conn.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it read something")
		}
	case <-time.After(10 * time.Second):
		t.Error("the read goes on")
	}
}

// TestSSHUnreachable takes hosts that cannot be reached, each in its own way:
// all are told within seconds, by name, with what to do.
func TestSSHUnreachable(t *testing.T) {
	soon(t)
	reason := func(r ssh.RejectionReason) func(*sshServer) { return func(s *sshServer) { s.refusal = &r } }
	closed := func(code uint32) func(*sshServer) {
		return func(s *sshServer) { reason(ssh.ConnectionFailed)(s); s.exitCode = code }
	}
	for name, c := range map[string]struct {
		prepare func(*sshServer)
		change  func(*testing.T, *HostConfig)
		want    []string
	}{
		"nothing listens": {nil, func(t *testing.T, h *HostConfig) {
			at(t, h, func(l net.Listener) { l.Close() })
		}, []string{"nothing listens at 127.0.0.1:", "is sshd running"}},
		"hangs after TCP": {nil, func(t *testing.T, h *HostConfig) {
			at(t, h, func(l net.Listener) { t.Cleanup(func() { l.Close() }) })
		}, []string{"did not finish the ssh handshake within 500ms"}},
		"is no sshd": {nil, func(t *testing.T, h *HostConfig) {
			at(t, h, func(l net.Listener) {
				t.Cleanup(func() { l.Close() })
				go func() { _ = http.Serve(l, http.NotFoundHandler()) }()
			})
		}, []string{"the ssh handshake", "is it sshd"}},
		"closes at once": {nil, func(t *testing.T, h *HostConfig) {
			at(t, h, func(l net.Listener) {
				t.Cleanup(func() { l.Close() })
				go func() {
					for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
						conn.Close()
					}
				}()
			})
		}, []string{"closed the connection during the ssh handshake", "MaxStartups"}},
		"hangs at authentication": {func(s *sshServer) { s.hangAuth = true }, nil, []string{`did not let user "ops" in within 500ms`}},
		"other user's key": {nil, func(t *testing.T, h *HostConfig) {
			h.SSH.PrivateKey = newSSHKey(t).pem
		}, []string{`does not let user "ops" in`, "publickey with ssh-ed25519 SHA256:", "authorized_keys"}},
		"unknown host": {nil, func(_ *testing.T, h *HostConfig) {
			h.SSH.KnownHosts = strings.ReplaceAll(h.SSH.KnownHosts, "127.0.0.1", "127.0.0.2")
		}, []string{"shows the key ssh-ed25519 SHA256:", "no key of it is known in hosts.dal-1.ssh.known_hosts", "ssh-keyscan -p "}},
		"other host key": {func(s *sshServer) {}, func(t *testing.T, h *HostConfig) {
			fields := strings.Fields(h.SSH.KnownHosts)
			h.SSH.KnownHosts = "# dal\n" + fields[0] + " " + string(ssh.MarshalAuthorizedKey(newRSAKey(t).PublicKey()))
		}, []string{"shows the key ssh-ed25519 SHA256:", "known is another: ssh-rsa SHA256:", "hosts.dal-1.ssh.known_hosts, line 2"}},
		"revoked host key": {nil, func(_ *testing.T, h *HostConfig) {
			h.SSH.KnownHosts = "@revoked " + h.SSH.KnownHosts
		}, []string{"which is revoked"}},
		"no forwarding":     {reason(ssh.Prohibited), nil, []string{"that is forbidden", "AllowStreamLocalForwarding"}},
		"no socket":         {closed(socketMissing), nil, []string{"which is not there", "ssh.socket"}},
		"not in the group":  {closed(socketClosed), nil, []string{"usermod -aG docker ops"}},
		"socket opens":      {closed(socketOpens), nil, []string{"though the user may open it", "AllowStreamLocalForwarding"}},
		"no shell to ask":   {reason(ssh.ConnectionFailed), nil, []string{"usermod -aG docker ops", "AllowStreamLocalForwarding", "ssh.socket"}},
		"name not resolved": {nil, func(_ *testing.T, h *HostConfig) { h.Endpoint = "ssh://ops@dal-1.invalid" }, []string{`"dal-1.invalid" cannot be resolved`, "~/.ssh/config"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveSSH(t, sshEngine(nil), c.prepare)
			h := s.host(t, func(h *HostConfig) {
				if c.change != nil {
					c.change(t, h)
				}
			})
			begin := time.Now()
			_, err := h.Client(t.Context())
			if !IsUnreachable(err) {
				t.Fatalf("got %v", err)
			}
			for _, want := range append(c.want, `cannot reach Docker on host "dal-1" at ssh://ops@`) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("it took %s to say so", d)
			}
		})
	}
}

// at puts a listener of the test's own in the place of the server.
func at(t *testing.T, h *HostConfig, use func(net.Listener)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.Endpoint = "ssh://ops@" + l.Addr().String()
	use(l)
}
