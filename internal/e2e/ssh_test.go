// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// with is the bed's configuration with these hosts.
func (b *bed) with(more string, hosts ...string) string {
	return strings.Replace(b.Config(more), "storage = ", fmt.Sprintf("hosts = {\n%s\n}\n  storage = ", strings.Join(hosts, "\n")), 1)
}

// TestSSH runs a portal on a host that is reached over a real sshd with the
// least that it allows: one session, one connection that is not let in yet. The
// runner has nothing but Terraform: no ssh, no home, no agent.
func TestSSH(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	sshd := acctest.StartSSHD(t, "root", "MaxSessions 1", "MaxStartups 1")
	path := t.TempDir()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(terraform, filepath.Join(path, "terraform")); err != nil {
		t.Fatal(err)
	}
	b.tf = b.tf.With("HOME=", "PATH="+path, "SSH_AUTH_SOCK=", "DOCKER_HOST=unix:///none")
	b.tf.Write(t, b.with("", sshd.Host("dal-1")))

	// once runs a command that makes one connection per provider process that
	// works on hosts: one to plan, one to apply.
	once := func(args ...string) acctest.Result {
		t.Helper()
		before := sshd.Accepted(t)
		r := b.tf.Must(t, args...)
		if n := sshd.Accepted(t) - before; n != 1 {
			t.Errorf("%s made %d connections instead of 1:\n%s", args[0], n, sshd.Log(t))
		}
		return r
	}
	file := filepath.Join(t.TempDir(), "plan")
	// There is nothing to look at on the host for a portal that is new.
	b.tf.Must(t, "plan", "-out="+file, "-input=false", "-no-color")
	once("apply", "-input=false", "-no-color", file)
	b.has(t, whole...)
	if r := once("plan", "-detailed-exitcode", "-input=false", "-no-color"); !strings.Contains(r.Output, "No changes") {
		t.Errorf("the plan is not empty:\n%s", r.Output)
	}

	// The connection is cut while services are replaced, as often as it comes.
	b.tf.Write(t, b.with(`services = { web = { replicas = 3, environment = { GREETING = "bonjour" } } }`, sshd.Host("dal-1")))
	apply := b.tf.Start(t, "apply", "-auto-approve", "-input=false", "-no-color")
	cut := 0
	for running := true; running; {
		select {
		case <-apply.Ended():
			running = false
		case <-time.After(2 * time.Second):
			cut += sshd.Cut(t)
		}
	}
	r := apply.Wait(t)
	t.Logf("an apply whose connection was cut %d times ended with %d after %s", cut, r.ExitCode, r.Took)
	if cut == 0 {
		t.Error("there was no connection to cut")
	}
	if r.ExitCode != 0 {
		says(t, r, "Portal "+b.Name, "dal-1")
		b.tf.Apply(t)
	}
	b.has(t, append([]string{"web-2", "web-3"}, whole...)...)
	once("plan", "-detailed-exitcode", "-input=false", "-no-color")
	if state := b.tf.State(t); strings.Contains(state, "PRIVATE KEY") {
		t.Error("the state holds the key")
	}

	// The same portal over the local socket.
	b.tf.Write(t, b.with(`services = { web = { replicas = 3, environment = { GREETING = "bonjour" } } }`, `dal-1 = { endpoint = "unix:///var/run/docker.sock" }`))
	b.noChange(t)
	b.tf.Destroy(t)
	b.has(t)
}

// TestSSHCutMidPlan cuts the connection while a plan reads the host.
func TestSSHCutMidPlan(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	sshd := acctest.StartSSHD(t, "root")
	b.tf.Write(t, b.with("", sshd.Host("dal-1")))
	b.tf.Apply(t)
	for range 2 {
		before := sshd.Accepted(t)
		plan := b.tf.Start(t, "plan", "-detailed-exitcode", "-input=false", "-no-color")
		eventually(t, "the plan's connection", func() bool { return sshd.Accepted(t) > before })
		cut := sshd.Cut(t)
		if r := plan.Wait(t); r.ExitCode != 0 {
			t.Errorf("a plan whose %d connections were cut: exit code %d\n%s", cut, r.ExitCode, r.Output)
		}
	}
	b.tf.Destroy(t)
	b.has(t)
}

// TestSSHErrors plans over hosts that do not let the provider in, or hang: it
// says which, and why, within seconds.
func TestSSHErrors(t *testing.T) {
	t.Parallel()
	acctest.PreCheck(t)
	other := acctest.StartSSHD(t, "root")
	for name, tc := range map[string]struct {
		user    string
		options []string
		spoil   func(*testing.T, *acctest.SSHD)
		says    []string
	}{
		"other host key": {"root", nil, func(_ *testing.T, s *acctest.SSHD) {
			s.KnownHosts = strings.Fields(s.KnownHosts)[0] + strings.TrimPrefix(other.KnownHosts, strings.Fields(other.KnownHosts)[0])
		}, []string{"known is another: ssh-ed25519 SHA256:", "hosts.dal-1.ssh.known_hosts, line 1"}},
		"unknown host":  {"root", nil, func(_ *testing.T, s *acctest.SSHD) { s.KnownHosts = other.KnownHosts }, []string{"no key of it is known in hosts.dal-1.ssh.known_hosts", "ssh-keyscan"}},
		"other key":     {"root", nil, func(_ *testing.T, s *acctest.SSHD) { s.PrivateKey = other.PrivateKey }, []string{`does not let user "root" in`, "ssh-ed25519 SHA256:", "authorized_keys"}},
		"no forwarding": {"root", []string{"AllowStreamLocalForwarding no"}, nil, []string{"/var/run/docker.sock", "AllowStreamLocalForwarding yes"}},
		"no group":      {"nobody", nil, nil, []string{`user "nobody"`, "/var/run/docker.sock", "usermod -aG docker nobody"}},
		"down":          {"root", nil, func(t *testing.T, s *acctest.SSHD) { s.Stop(t) }, []string{"nothing listens at 127.0.0.1:"}},
		"hangs":         {"root", nil, func(t *testing.T, s *acctest.SSHD) { t.Cleanup(s.Freeze(t)) }, []string{"did not finish the ssh handshake within"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			s := acctest.StartSSHD(t, tc.user, tc.options...)
			if tc.spoil != nil {
				tc.spoil(t, s)
			}
			b.tf.Write(t, b.with("", s.Host("dal-1")))
			r := b.tf.Fail(t)
			says(t, r, append(tc.says, "Portal "+b.Name, `host "dal-1"`, s.Endpoint)...)
			if r.Took > 40*time.Second {
				t.Errorf("it took %s", r.Took)
			}
			b.has(t)
		})
	}
}

// TestSSHOthersGoOn has hosts beside a portal's own that are down, hang and
// have another key. It costs the portal nothing; what must know all hosts says
// which does not answer.
func TestSSHOthersGoOn(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	const local = `local = { endpoint = "unix:///var/run/docker.sock" }`
	b.tf.Write(t, b.with("", local))
	b.tf.Apply(t)
	alone := b.tf.Must(t, "plan", "-input=false", "-no-color").Took

	down, hangs, other := acctest.StartSSHD(t, "root"), acctest.StartSSHD(t, "root"), acctest.StartSSHD(t, "root")
	down.Stop(t)
	t.Cleanup(hangs.Freeze(t))
	other.KnownHosts = strings.Fields(other.KnownHosts)[0] + strings.TrimPrefix(down.KnownHosts, strings.Fields(down.KnownHosts)[0])
	hosts := []string{down.Host("a-down"), hangs.Host("b-hangs"), other.Host("c-other"), local}
	b.tf.Write(t, b.with("", hosts...))
	b.noChange(t)
	among := b.tf.Must(t, "plan", "-input=false", "-no-color").Took
	t.Logf("a plan took %s with the portal's host alone, and %s with three more that do not answer", alone, among)
	if among > alone+8*time.Second { // less than it takes to give a host up
		t.Errorf("a plan took %s instead of %s", among, alone)
	}
	b.tf.Write(t, b.with(`services = { web = { replicas = 2 } }`, hosts...))
	b.tf.Apply(t)
	b.has(t, append([]string{"web-2"}, whole...)...)

	// A portal that is not made yet may be on any of them.
	second := strings.NewReplacer(`"acc"`, `"second"`, b.Name, b.Name+"-second").Replace(strings.Replace(b.Config(""), b.ProviderConfig(), "", 1))
	b.tf.Write(t, b.with(`services = { web = { replicas = 2 } }`, hosts...)+second)
	says(t, b.tf.Fail(t), "Portal "+b.Name+"-second", `host "a-down"`, "nothing listens at 127.0.0.1:")

	b.tf.Write(t, b.with(`services = { web = { replicas = 2 } }`, hosts...))
	b.tf.Destroy(t)
	b.has(t)
}
