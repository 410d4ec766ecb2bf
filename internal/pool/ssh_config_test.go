// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

func TestSSHTarget(t *testing.T) {
	for endpoint, want := range map[string]sshTarget{
		"ssh://ops@10.0.0.11":                       {"ops", "10.0.0.11:22", sshSocket},
		"ssh://ops@10.0.0.11:2222/":                 {"ops", "10.0.0.11:2222", sshSocket},
		"ssh://dal-1.example.com":                   {currentUser(), "dal-1.example.com:22", sshSocket},
		"ssh://ops@[2001:db8::7]":                   {"ops", "[2001:db8::7]:22", sshSocket},
		"ssh://ops@dal-1/run/user/1000/docker.sock": {"ops", "dal-1:22", "/run/user/1000/docker.sock"},
	} {
		if got, err := parseSSH(endpoint, ""); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", endpoint, got, err)
		}
	}
	if got, err := parseSSH("ssh://ops@dal-1", "/run/d.sock"); err != nil || got.socket != "/run/d.sock" || got.endpoint() != "ssh://ops@dal-1:22/run/d.sock" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSSHRefuses(t *testing.T) {
	cleanEnvironment(t)
	home := sshHome(t)
	key, known := newSSHKey(t), "dal-1 "+string(ssh.MarshalAuthorizedKey(newSSHKey(t).PublicKey()))
	const secret = "do-not-show"
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("open"))
	if err != nil {
		t.Fatal(err)
	}
	locked := string(pem.EncodeToMemory(block))
	good := SSH{PrivateKey: key.pem, KnownHosts: known}
	with := func(change func(*SSH)) *SSH {
		s := good
		change(&s)
		return &s
	}
	for name, c := range map[string]struct {
		endpoint string
		ssh      *SSH
		want     string
	}{
		"good":                {"ssh://ops@dal-1", &good, ""},
		"with a passphrase":   {"ssh://ops@dal-1", with(func(s *SSH) { s.PrivateKey, s.Passphrase = locked, "open" }), ""},
		"passphrase for none": {"ssh://ops@dal-1", with(func(s *SSH) { s.Passphrase = secret }), ""},
		"ssh on a socket":     {"unix:///d.sock", &good, "hosts.dal-1.ssh: only an ssh:// endpoint uses it"},
		"no host":             {"ssh:///d.sock", &good, "hosts.dal-1.endpoint: \"ssh:///d.sock\" is not an address for ssh"},
		"a password":          {"ssh://ops:" + secret + "@dal-1", &good, "hosts.dal-1.endpoint: it holds a password"},
		"two sockets":         {"ssh://dal-1/a.sock", with(func(s *SSH) { s.Socket = "/b.sock" }), "hosts.dal-1.ssh.socket: it is /b.sock"},
		"relative socket":     {"ssh://dal-1", with(func(s *SSH) { s.Socket = "b.sock" }), "hosts.dal-1.ssh.socket: \"b.sock\" is not an absolute path"},
		"no key":              {"ssh://dal-1", with(func(s *SSH) { s.PrivateKey = "" }), "hosts.dal-1.ssh.private_key: missing"},
		"not a key":           {"ssh://dal-1", with(func(s *SSH) { s.PrivateKey = secret }), "hosts.dal-1.ssh.private_key: no private key in it"},
		"passphrase missing":  {"ssh://dal-1", with(func(s *SSH) { s.PrivateKey = locked }), "give hosts.dal-1.ssh.passphrase"},
		"passphrase wrong":    {"ssh://dal-1", with(func(s *SSH) { s.PrivateKey, s.Passphrase = locked, secret }), "hosts.dal-1.ssh.passphrase: it does not open"},
		"no known hosts":      {"ssh://dal-1", with(func(s *SSH) { s.KnownHosts = "" }), "hosts.dal-1.ssh.known_hosts: missing, and there is no " + filepath.Join(home, "known_hosts")},
		"known hosts empty":   {"ssh://dal-1", with(func(s *SSH) { s.KnownHosts = "# none\n" }), "hosts.dal-1.ssh.known_hosts: no line"},
		"known hosts broken":  {"ssh://dal-1", with(func(s *SSH) { s.KnownHosts = known + "dal-2 ssh-ed25519 " + secret }), "hosts.dal-1.ssh.known_hosts: line 2 is not"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Config{Hosts: map[string]HostConfig{"dal-1": {Endpoint: c.endpoint, SSH: c.ssh}}})
			if c.want == "" && err == nil {
				return
			}
			if err == nil || c.want == "" || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// TestSSHKnownHosts reaches a host by each way of writing down its key, and is
// shown the key that is known where the host has several.
func TestSSHKnownHosts(t *testing.T) {
	authority := newECDSAKey(t)
	for name, c := range map[string]struct {
		prepare func(*testing.T, *sshServer)
		known   func(s *sshServer) string
	}{
		"host and port": {nil, func(s *sshServer) string { return s.knownLine() }},
		"hashed":        {nil, func(s *sshServer) string { return hashed(s.addr, s.hostKeys[0]) }},
		"among others": {nil, func(s *sshServer) string {
			return "# dal\n\nother " + line(s.hostKeys[0]) + "[127.0.0.*]:*,x " + line(s.hostKeys[0]) + s.knownLine()
		}},
		"the rarest of three": {func(t *testing.T, s *sshServer) {
			s.hostKeys = []sshKey{newRSAKey(t), newSSHKey(t), newECDSAKey(t)}
		}, func(s *sshServer) string { return s.knownLine() }},
		"signed by an authority": {func(t *testing.T, s *sshServer) {
			s.certs = []ssh.Signer{certificate(t, s.hostKeys[0], authority, "127.0.0.1")}
		}, func(s *sshServer) string {
			return "@cert-authority " + knownhosts.Normalize(s.addr) + " " + line(authority)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveSSH(t, sshEngine(nil), func(s *sshServer) {
				if c.prepare != nil {
					c.prepare(t, s)
				}
			})
			h := s.host(t, func(h *HostConfig) { h.SSH.KnownHosts = c.known(s) })
			if _, err := h.Client(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("signed for another host", func(t *testing.T) {
		s := serveSSH(t, sshEngine(nil), func(s *sshServer) {
			s.certs = []ssh.Signer{certificate(t, s.hostKeys[0], authority, "127.0.0.9")}
		})
		h := s.host(t, func(h *HostConfig) {
			h.SSH.KnownHosts = "@cert-authority " + knownhosts.Normalize(s.addr) + " " + line(authority)
		})
		if _, err := h.Client(t.Context()); err == nil || !strings.Contains(err.Error(), "which is not accepted") {
			t.Errorf("got %v", err)
		}
	})
}

// line is a key without a host before it.
func line(key sshKey) string { return string(ssh.MarshalAuthorizedKey(key.PublicKey())) }

func hashed(addr string, key sshKey) string {
	return knownhosts.HashHostname(knownhosts.Normalize(addr)) + " " + line(key)
}

func certificate(t *testing.T, key, authority sshKey, host string) ssh.Signer {
	t.Helper()
	cert := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{host}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// TestSSHOfTheUser gives the host nothing: the keys are where the ssh command
// has them.
func TestSSHOfTheUser(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *sshServer, string){
		"a file": func(t *testing.T, s *sshServer, home string) {
			write(t, filepath.Join(home, "id_ed25519"), "an unreadable one")
			write(t, filepath.Join(home, "id_rsa"), s.user.pem)
		},
		"an agent": func(t *testing.T, s *sshServer, home string) {
			serveAgent(t, s.user.pem)
		},
		"a file, for the agent is gone": func(t *testing.T, s *sshServer, home string) {
			t.Setenv("SSH_AUTH_SOCK", filepath.Join(home, "none"))
			write(t, filepath.Join(home, "id_ecdsa"), s.user.pem)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveSSH(t, sshEngine(nil), nil)
			h := s.host(t, func(h *HostConfig) {
				home := sshHome(t)
				write(t, filepath.Join(home, "known_hosts"), "dal-1 1024 35 12345\ndal-2 ssh-made-up AAAA\n"+s.knownLine())
				prepare(t, s, home)
				h.SSH = nil
				h.Endpoint += s.socket
			})
			if _, err := h.Client(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// serveAgent is an ssh agent with one key, for this test's environment.
func serveAgent(t *testing.T, key string) {
	t.Helper()
	private, err := ssh.ParseRawPrivateKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	t.Setenv("SSH_AUTH_SOCK", socket)
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()
}
