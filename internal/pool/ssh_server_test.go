// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshKey is a key for a test.
type sshKey struct {
	ssh.Signer
	pem string
}

func newSSHKey(t *testing.T) sshKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return asSSHKey(t, private, err)
}

func newRSAKey(t *testing.T) sshKey {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	return asSSHKey(t, private, err)
}

func newECDSAKey(t *testing.T) sshKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return asSSHKey(t, private, err)
}

func asSSHKey(t *testing.T, private any, err error) sshKey {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return sshKey{signer, string(pem.EncodeToMemory(block))}
}

// sshHome makes the home of the user an empty one without an agent, and
// returns its .ssh.
func sshHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("SSH_AUTH_SOCK", "")
	return filepath.Join(home, ".ssh")
}

// sshServer is an ssh server with a Docker Engine behind it, and with faults on
// demand. What is set must be set before its first connection, unless it is
// atomic.
type sshServer struct {
	addr     string
	hostKeys []sshKey
	certs    []ssh.Signer // instead of hostKeys
	user     sshKey       // whom it lets in
	socket   string       // of the engine

	hangAuth bool // never says whether a key will do
	refusal  *ssh.RejectionReason
	exitCode uint32 // of commands; 0: there are no sessions
	mute     atomic.Bool

	accepted atomic.Int32 // connections of users who were let in
	channels atomic.Int32 // open at this moment
	most     atomic.Int32 // most channels at a time

	mu    sync.Mutex
	conns []net.Conn
	ended chan struct{}
}

// serveSSH serves what prepare has made of a server whose engine answers with
// handler.
func serveSSH(t *testing.T, handler http.Handler, prepare func(*sshServer)) *sshServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "ssh-test-") //nolint:usetesting // a unix socket's path may have 108 characters only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &sshServer{hostKeys: []sshKey{newSSHKey(t)}, user: newSSHKey(t), socket: filepath.Join(dir, "docker.sock"), ended: make(chan struct{})}
	if prepare != nil {
		prepare(s)
	}
	engine, err := net.Listen("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(engine) }()
	t.Cleanup(func() { server.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	t.Cleanup(func() {
		close(s.ended)
		listener.Close()
		s.drop()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			go s.serve(conn)
		}
	}()
	return s
}

// drop cuts all connections.
func (s *sshServer) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

func (s *sshServer) serve(raw net.Conn) {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if s.hangAuth {
				<-s.ended
			}
			if string(key.Marshal()) != string(s.user.PublicKey().Marshal()) {
				return nil, os.ErrPermission
			}
			return nil, nil
		},
	}
	for _, k := range s.hostKeys {
		config.AddHostKey(k.Signer)
	}
	for _, c := range s.certs {
		config.AddHostKey(c)
	}
	conn, channels, requests, err := ssh.NewServerConn(&muteConn{raw, s}, config)
	if err != nil {
		raw.Close()
		return
	}
	defer conn.Close()
	s.accepted.Add(1)
	go ssh.DiscardRequests(requests)
	for c := range channels {
		go s.channel(c)
	}
}

// muteConn says nothing any more while its server is mute.
type muteConn struct {
	net.Conn
	s *sshServer
}

func (m *muteConn) Write(b []byte) (int, error) {
	if m.s.mute.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

func (s *sshServer) channel(c ssh.NewChannel) {
	if c.ChannelType() == "session" && s.exitCode != 0 {
		s.session(c)
		return
	}
	if c.ChannelType() != "direct-streamlocal@openssh.com" {
		_ = c.Reject(ssh.Prohibited, "")
		return
	}
	if s.refusal != nil {
		_ = c.Reject(*s.refusal, "open failed")
		return
	}
	var target struct {
		Path      string
		Reserved0 string
		Reserved1 uint32
	}
	if err := ssh.Unmarshal(c.ExtraData(), &target); err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	engine, err := net.Dial("unix", target.Path)
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	ch, requests, err := c.Accept()
	if err != nil {
		engine.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	open := s.channels.Add(1)
	for most := s.most.Load(); open > most && !s.most.CompareAndSwap(most, open); most = s.most.Load() {
	}
	defer s.channels.Add(-1)
	go func() {
		_, _ = io.Copy(engine, ch)
		_ = engine.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(ch, engine)
	ch.Close()
	engine.Close()
}

// session answers the first command with the exit code.
func (s *sshServer) session(c ssh.NewChannel) {
	ch, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	for r := range requests {
		_ = r.Reply(r.Type == "exec", nil)
		if r.Type == "exec" {
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{s.exitCode}))
			return
		}
	}
}

// knownLine is the line of known hosts for the server's first key.
func (s *sshServer) knownLine() string {
	return knownhosts.Line([]string{s.addr}, s.hostKeys[0].PublicKey())
}

// host is the pool's host at the server, the only one.
func (s *sshServer) host(t *testing.T, change func(*HostConfig)) *Host {
	t.Helper()
	cleanEnvironment(t)
	sshHome(t)
	cfg := HostConfig{
		Endpoint: "ssh://ops@" + s.addr,
		SSH:      &SSH{PrivateKey: s.user.pem, KnownHosts: s.knownLine(), Socket: s.socket},
	}
	if change != nil {
		change(&cfg)
	}
	p, err := New(Config{Hosts: map[string]HostConfig{"dal-1": cfg}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p.Hosts()[0]
}

// sshEngine is a Docker Engine that says no more than that it is one. More is
// asked before.
func sshEngine(more func(w http.ResponseWriter, r *http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case more != nil && more(w, r):
		case strings.HasSuffix(r.URL.Path, "/_ping"):
			w.Header().Set("API-Version", MinAPIVersion)
			w.Header().Set("OSType", "linux")
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			_, _ = io.WriteString(w, "[]")
		case strings.HasSuffix(r.URL.Path, "/version"):
			_, _ = io.WriteString(w, `{"KernelVersion":"6.1.0"}`)
		default:
			http.NotFound(w, r)
		}
	})
}

// soon makes the bounds of ssh those of a test.
func soon(t *testing.T) {
	t.Helper()
	before := defaultSSHBounds
	t.Cleanup(func() { defaultSSHBounds = before })
	defaultSSHBounds = sshBounds{connect: 500 * time.Millisecond, interval: 50 * time.Millisecond, silence: 250 * time.Millisecond}
}
