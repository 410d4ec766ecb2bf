// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/sshd"
)

// SSHD is Debian's own sshd, for one test, on this machine's loopback. Behind it
// is this machine's Docker Engine. It needs root.
type SSHD struct {
	// Endpoint is the address of the engine over it.
	Endpoint string
	// PrivateKey is one that it lets in, KnownHosts the line for its own.
	PrivateKey, KnownHosts string

	dir     string
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// StartSSHD starts an sshd that lets a user of this machine in by a key. Options
// are more lines for its configuration.
func StartSSHD(t *testing.T, user string, options ...string) *SSHD {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("an sshd of the test's own needs root")
	}
	if _, err := exec.LookPath(sshd.Program); err != nil {
		t.Fatalf("this test needs sshd: %v (make sshd, or apt-get install openssh-server)", err)
	}
	dir, err := os.MkdirTemp("", "acc-sshd-") //nolint:usetesting // sshd wants it readable by the user, below directories of root
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHD{dir: dir}
	t.Cleanup(func() { s.cleanUp(t) })
	// sshd looks for it, whoever made it.
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	server := sshd.Server{Dir: dir, Address: fmt.Sprintf("127.0.0.1:%d", freePort(t)), Options: options}
	key, err := sshd.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	server.Key, s.PrivateKey = key.Public, key.Private
	if s.KnownHosts, err = server.Prepare(); err != nil {
		t.Fatal(err)
	}
	s.Endpoint = fmt.Sprintf("ssh://%s@%s", user, server.Address)
	s.start(t, server.Command())
	return s
}

func (s *SSHD) start(t *testing.T, command []string) {
	t.Helper()
	log, err := os.Create(s.file("log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process = exec.Command(command[0], command[1:]...)
	s.process.Stderr = log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		_ = s.process.Wait() // how it ended shows in its log
	}()
	for deadline := time.Now().Add(startTime); !strings.Contains(s.Log(t), "Server listening"); time.Sleep(20 * time.Millisecond) {
		select {
		case <-s.ended:
			t.Fatalf("sshd ended at start:\n%s", s.Log(t))
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("sshd does not listen:\n%s", s.Log(t))
		}
	}
}

// Host is the entry of this host in the provider's hosts.
func (s *SSHD) Host(name string) string {
	return fmt.Sprintf("%s = { endpoint = %q, ssh = { private_key = %q, known_hosts = %q } }", name, s.Endpoint, s.PrivateKey, s.KnownHosts)
}

// Log is what sshd has written.
func (s *SSHD) Log(t *testing.T) string {
	t.Helper()
	return s.read(t, "log")
}

// Accepted is how many connections it has let in so far.
func (s *SSHD) Accepted(t *testing.T) int {
	t.Helper()
	return strings.Count(s.Log(t), "Accepted publickey for ")
}

// Cut kills the processes that serve connections, and tells how many there
// were. New connections are served.
func (s *SSHD) Cut(t *testing.T) int {
	t.Helper()
	cut := 0
	for _, pid := range children(s.process.Process.Pid) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
			cut++
		} else if !errors.Is(err, syscall.ESRCH) {
			t.Errorf("kill a connection: %v", err)
		}
	}
	return cut
}

// Freeze stops sshd and all that serve connections: they accept and answer
// nothing, as on a host that hangs. What it returns undoes that.
func (s *SSHD) Freeze(t *testing.T) (thaw func()) {
	t.Helper()
	all := append(children(s.process.Process.Pid), s.process.Process.Pid)
	for _, pid := range all {
		all = append(all, children(pid)...)
	}
	each := func(signal syscall.Signal) {
		for _, pid := range all {
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Errorf("signal sshd: %v", err)
			}
		}
	}
	each(syscall.SIGSTOP)
	return func() { each(syscall.SIGCONT) }
}

// Stop ends sshd: nothing listens there any more.
func (s *SSHD) Stop(t *testing.T) {
	t.Helper()
	s.Cut(t)
	_ = s.process.Process.Kill() // it may have ended
	<-s.ended
}

func (s *SSHD) file(name string) string { return filepath.Join(s.dir, name) }

func (s *SSHD) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.file(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *SSHD) cleanUp(t *testing.T) {
	if s.ended != nil {
		if t.Failed() {
			t.Logf("sshd:\n%s", s.Log(t))
		}
		s.Stop(t)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		t.Errorf("remove sshd's files: %v", err)
	}
}

// freePort is one that nothing listens at. Until it is used somebody may take
// it, which is seldom.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a listener of tcp has no other
}
