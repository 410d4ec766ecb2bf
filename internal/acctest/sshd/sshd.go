// SPDX-License-Identifier: MPL-2.0

// Package sshd prepares OpenSSH's server for tests, with keys of their own. Who
// starts it decides in which namespaces it runs.
package sshd

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Program must be started by its whole path: it starts itself again for each
// connection.
const Program = "/usr/sbin/sshd"

// Key is a pair of keys in OpenSSH's formats: the private one as PEM, the
// public one as a line of authorized_keys.
type Key struct{ Private, Public string }

// NewKey makes an ed25519 key without a passphrase.
func NewKey() (Key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make an ssh key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return Key{}, fmt.Errorf("write an ssh key: %w", err)
	}
	shown, err := ssh.NewPublicKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("write an ssh key: %w", err)
	}
	return Key{string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(shown))}, nil
}

// Server is an sshd that is to be started.
type Server struct {
	// Dir holds its files. It exists, and is readable by whom it lets in.
	Dir string
	// Address that it listens at: an IP address and a port.
	Address string
	// Key is whom it lets in, a line of authorized_keys.
	Key string
	// Options are more lines for its configuration.
	Options []string
}

// Prepare makes the server's own key and its configuration, and returns its
// line for known_hosts.
func (s Server) Prepare() (knownHosts string, err error) {
	own, err := NewKey()
	if err != nil {
		return "", err
	}
	config := fmt.Sprintf(`ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
UsePAM no
StrictModes no
LogLevel VERBOSE
PasswordAuthentication no
%s
`, s.Address, s.file("host"), s.file("authorized_keys"), strings.Join(s.Options, "\n"))
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"host", own.Private, 0o600},
		{"config", config, 0o600},
		{"authorized_keys", s.Key, 0o644}, // read when sshd has become the user
	} {
		if err := os.WriteFile(s.file(f.name), []byte(f.text), f.mode); err != nil {
			return "", fmt.Errorf("prepare an sshd: %w", err)
		}
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(own.Public))
	if err != nil {
		return "", fmt.Errorf("read the key of an sshd: %w", err)
	}
	return knownhosts.Line([]string{s.Address}, public) + "\n", nil
}

// Command starts the server in the foreground; it logs to standard error.
func (s Server) Command() []string { return []string{Program, "-D", "-e", "-f", s.file("config")} }

func (s Server) file(name string) string { return filepath.Join(s.Dir, name) }
