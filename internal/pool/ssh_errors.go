// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSHError says why a host was not reached over ssh, and what to do. Its text
// never has "connection refused" in it, nor is it ever a time-out: the Docker
// client would put words of its own in its place.
type SSHError struct {
	Text string
	Err  error // tells whether a repetition may help; nil: it does not
}

func (e *SSHError) Error() string { return e.Text }
func (e *SSHError) Unwrap() error { return e.Err }

// notConnected explains why there was no TCP connection.
func notConnected(addr string, limit time.Duration, err error) error {
	var name *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return &SSHError{Text: fmt.Sprintf("%s accepted no connection within %s: is the host up, and does a firewall let this machine through?", addr, limit)}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &SSHError{fmt.Sprintf("nothing listens at %s: is sshd running there, and is this its port?", addr), syscall.ECONNREFUSED}
	case errors.As(err, &name):
		return &SSHError{Text: fmt.Sprintf("the name %q cannot be resolved (%s): ~/.ssh/config is not read, so write the host's own name or address", name.Name, name.Err)}
	}
	return &SSHError{fmt.Sprintf("%s cannot be connected to: %v", addr, err), err}
}

// refused explains why a host's key was refused.
func (k *knownHosts) refused(addr string, key ssh.PublicKey, err error) error {
	host, port, _ := net.SplitHostPort(addr)
	is := fmt.Sprintf("the ssh server at %s shows the key %s", addr, fingerprint(key))
	compare := "Compare it with what the host itself says (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there)"
	var mismatch *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &revoked):
		return &SSHError{Text: fmt.Sprintf("%s, which is revoked (%s): do not connect before the host has another", is, k.where(revoked.Revoked))}
	case errors.As(err, &mismatch) && len(mismatch.Want) == 0:
		return &SSHError{Text: fmt.Sprintf("%s, and no key of it is known in %s. %s, and if it is the same, add the line that \"ssh-keyscan -p %s %s\" prints", is, k.source, compare, port, host)}
	case errors.As(err, &mismatch):
		var known []string
		for _, w := range mismatch.Want {
			what := fingerprint(w.Key)
			if k.isAuthority(w) {
				what = "the authority " + what
			}
			known = append(known, fmt.Sprintf("%s (%s)", what, k.where(w)))
		}
		return &SSHError{Text: fmt.Sprintf("%s, and known is another: %s. Somebody may be between you and the host, or it was made anew. %s, and only if it is the same, replace the line", is, strings.Join(known, ", "), compare)}
	}
	return &SSHError{Text: fmt.Sprintf("%s, which is not accepted: %v (%s)", is, err, k.source)}
}

// handshakeFailed explains why the host did not let us in.
func (l *sshLink) handshakeFailed(signers []ssh.Signer, err error) error {
	t := l.target
	text := err.Error()
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case strings.Contains(text, "unable to authenticate"), strings.Contains(strings.ToLower(text), "too many authentication failures"):
		tried := make([]string, len(signers))
		for i, s := range signers {
			tried[i] = fingerprint(s.PublicKey())
		}
		return &SSHError{Text: fmt.Sprintf("sshd at %s does not let user %q in. Tried was the method publickey with %s%s: is this user the right one, does its ~/.ssh/authorized_keys on the host have one of these keys, and does sshd allow publickey for it?",
			t.addr, t.user, strings.Join(tried, ", "), l.keys.skipped())}
	case errors.As(err, &negotiation):
		return &SSHError{Text: fmt.Sprintf("sshd at %s is too old or configured otherwise: there is no common algorithm (%v)", t.addr, negotiation)}
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return &SSHError{fmt.Sprintf("%s closed the connection during the ssh handshake: is it sshd that listens there, has it room for more connections (MaxStartups), does it ban this machine?", t.addr), err}
	}
	return &SSHError{fmt.Sprintf("the ssh handshake with %s failed: %v", t.addr, err), err}
}

// lost is the error of what was under way on a connection that ended.
func lost(addr string, reason error) error {
	return &SSHError{fmt.Sprintf("the ssh connection to %s was lost (%v)", addr, reason), io.ErrUnexpectedEOF}
}

// Exit codes of the command that finds out why a socket was not opened.
const (
	socketMissing = 10
	socketClosed  = 11
	socketOpens   = 12
)

// notForwarded explains why sshd did not connect to the engine's socket.
func (c *sshConn) notForwarded(refusal *ssh.OpenChannelError) error {
	t := c.target
	forbidden := "sshd must allow it: AllowStreamLocalForwarding yes, no DisableForwarding, and in authorized_keys neither restrict nor no-port-forwarding"
	missing := fmt.Sprintf("there must be a Docker Engine that listens at %s; another path is given by ssh.socket", t.socket)
	group := fmt.Sprintf("user %q must be allowed to open it, as by \"usermod -aG docker %s\" on the host", t.user, t.user)
	is := fmt.Sprintf("sshd at %s lets user %q in, but does not connect to Docker's socket %s", t.addr, t.user, t.socket)
	if refusal.Reason == ssh.Prohibited {
		return &SSHError{Text: is + ", as that is forbidden: " + forbidden}
	}
	if c.forwarded.Load() {
		return &SSHError{fmt.Sprintf("Docker does not listen at %s on %s any more: is it being restarted?", t.socket, t.addr), syscall.ECONNREFUSED}
	}
	switch c.look() {
	case socketMissing:
		return &SSHError{is + ", which is not there: " + missing, syscall.ECONNREFUSED}
	case socketClosed:
		return &SSHError{Text: is + ": " + group}
	case socketOpens:
		return &SSHError{is + ", though the user may open it. Either no Docker Engine listens there at this moment, or sshd forbids it: " + forbidden, syscall.ECONNREFUSED}
	}
	return &SSHError{is + ": " + strings.Join([]string{missing, group, forbidden}, "; "), syscall.ECONNREFUSED}
}
