// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// keyFiles are the private keys that the ssh command looks for in ~/.ssh.
var keyFiles = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

// sshKeys are what a host may be shown to let us in.
type sshKeys struct {
	signers []ssh.Signer
	// agent is the socket of an ssh agent, empty when it is not to be asked.
	agent string
	// encrypted are files whose keys cannot be used without a passphrase.
	encrypted []string
	attr      string
}

// newSSHKeys reads the key that was given, or finds out where there are others.
func newSSHKeys(attr string, given SSH) (*sshKeys, error) {
	k := &sshKeys{attr: attr + ".private_key"}
	if given.PrivateKey != "" {
		signer, err := parseKey([]byte(given.PrivateKey), given.Passphrase)
		var locked *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &locked):
			return nil, fmt.Errorf("%s: it is encrypted: give %s.passphrase as well, or a key without one", k.attr, attr)
		case errors.Is(err, x509.IncorrectPasswordError):
			return nil, fmt.Errorf("%s.passphrase: it does not open %s", attr, k.attr)
		case err != nil:
			return nil, fmt.Errorf("%s: no private key in it that can be read: give the text of a file such as id_ed25519, as with file(\"id_ed25519\")", k.attr)
		}
		k.signers = []ssh.Signer{signer}
		return k, nil
	}
	k.agent = os.Getenv("SSH_AUTH_SOCK")
	if err := k.readFiles(given.Passphrase); err != nil {
		return nil, err
	}
	if k.agent == "" && len(k.signers) == 0 {
		return nil, fmt.Errorf("%s: missing, and there is neither an ssh agent (SSH_AUTH_SOCK) nor a key in ~/.ssh that can be used%s: give a key, or set PORTAL_SSH_KEY", k.attr, k.skipped())
	}
	return k, nil
}

// parseKey reads a private key. The passphrase of one that has none is ignored.
func parseKey(text []byte, passphrase string) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if passphrase != "" && errors.As(err, &locked) {
		return ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase))
	}
	return signer, err
}

// readFiles reads the keys in ~/.ssh. Those that cannot be opened are left
// out: the agent may have them.
func (k *sshKeys) readFiles(passphrase string) error {
	dir := sshDirectory()
	if dir == "" {
		return nil
	}
	for _, name := range keyFiles {
		file := filepath.Join(dir, name)
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", k.attr, err)
		}
		signer, err := parseKey(text, passphrase)
		if err != nil {
			k.encrypted = append(k.encrypted, file)
			continue
		}
		k.signers = append(k.signers, signer)
	}
	return nil
}

func (k *sshKeys) skipped() string {
	if len(k.encrypted) == 0 {
		return ""
	}
	return " (" + strings.Join(k.encrypted, ", ") + " cannot be opened without a passphrase)"
}

// open returns the keys to show, those of the agent first and none twice. The
// agent signs until done is called, or until the deadline.
func (k *sshKeys) open(deadline time.Time) (signers []ssh.Signer, done func(), err error) {
	done = func() {}
	if k.agent != "" {
		var conn net.Conn
		if signers, conn, err = askAgent(k.agent, deadline); err == nil {
			done = func() { conn.Close() }
		} else if len(k.signers) == 0 {
			return nil, done, &SSHError{fmt.Sprintf("the ssh agent at %s (SSH_AUTH_SOCK) does not answer (%v), and there is no other key: start it, or give %s", k.agent, err, k.attr), err}
		}
	}
	seen := map[string]bool{}
	for _, s := range signers {
		seen[string(s.PublicKey().Marshal())] = true
	}
	for _, s := range k.signers {
		if !seen[string(s.PublicKey().Marshal())] {
			signers = append(signers, s)
		}
	}
	if len(signers) == 0 {
		return nil, done, &SSHError{Text: fmt.Sprintf("the ssh agent at %s (SSH_AUTH_SOCK) has no key, and there is no other%s: add one with ssh-add, or give %s", k.agent, k.skipped(), k.attr)}
	}
	return signers, done, nil
}

// askAgent returns the agent's keys, which work while the connection is open.
func askAgent(socket string, deadline time.Time) ([]ssh.Signer, net.Conn, error) {
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("unix", socket)
	if err != nil {
		return nil, nil, err
	}
	if err = conn.SetDeadline(deadline); err == nil {
		var signers []ssh.Signer
		if signers, err = agent.NewClient(conn).Signers(); err == nil {
			return signers, conn, nil
		}
	}
	conn.Close()
	return nil, nil, err
}

// fingerprint shows a key as ssh-keygen -l does.
func fingerprint(key ssh.PublicKey) string {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	return key.Type() + " " + ssh.FingerprintSHA256(key)
}
