// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strings"
)

const (
	sshPort = "22"
	// sshSocket is where a host has its engine's socket unless it is told
	// otherwise.
	sshSocket = "/var/run/docker.sock"
)

// SSH says how a host is reached over ssh. What is empty is looked for where
// the ssh command has it.
type SSH struct {
	// PrivateKey in PEM or in OpenSSH's own form, and its passphrase if it is
	// encrypted. Empty means the keys of the ssh agent and of ~/.ssh.
	PrivateKey, Passphrase string
	// KnownHosts are lines as in ~/.ssh/known_hosts. Empty means that file, and
	// the system's.
	KnownHosts string
	// Socket is the path of the Docker Engine's socket on the host.
	Socket string
}

// sshTarget is what is connected to.
type sshTarget struct {
	user   string
	addr   string // host:port
	socket string
}

// endpoint is the target as it is shown.
func (t sshTarget) endpoint() string {
	u := url.URL{Scheme: "ssh", User: url.User(t.user), Host: t.addr}
	if t.socket != sshSocket {
		u.Path = t.socket
	}
	return u.String()
}

// newSSHLink checks how a host is to be reached over ssh. It reads local files
// at most. attr is the host's attribute, for errors; no error shows a key.
func newSSHLink(attr string, cfg HostConfig) (*sshLink, error) {
	if cfg.TLS != nil {
		return nil, fmt.Errorf("%s.tls: only a tcp:// endpoint uses TLS, and this one is %s", attr, cfg.Endpoint)
	}
	given := SSH{}
	if cfg.SSH != nil {
		given = *cfg.SSH
	}
	target, err := parseSSH(cfg.Endpoint, given.Socket)
	if err != nil {
		return nil, fmt.Errorf("%s.%w", attr, err)
	}
	attr += ".ssh"
	keys, keysErr := newSSHKeys(attr, given)
	known, knownErr := newKnownHosts(attr, given.KnownHosts)
	if err := errors.Join(keysErr, knownErr); err != nil {
		return nil, err
	}
	return &sshLink{target: target, bounds: defaultSSHBounds, keys: keys, known: known, opening: make(chan struct{}, parallelOpens)}, nil
}

// parseSSH reads an endpoint such as ssh://ops@10.0.0.11:22/run/docker.sock.
// Its errors begin with the attribute of the host that is wrong.
func parseSSH(endpoint, socket string) (sshTarget, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return sshTarget{}, fmt.Errorf("endpoint: %q is not an address for ssh: write ssh://<user>@<host>:<port>", endpoint)
	}
	if _, secret := u.User.Password(); secret {
		return sshTarget{}, fmt.Errorf("endpoint: it holds a password, which ssh is not given: use a key, and write ssh://%s@%s", u.User.Username(), u.Host)
	}
	t := sshTarget{user: u.User.Username(), socket: strings.TrimSuffix(u.Path, "/")}
	port := u.Port()
	if port == "" {
		port = sshPort
	}
	t.addr = net.JoinHostPort(u.Hostname(), port)
	if t.user == "" {
		t.user = currentUser()
	}
	switch {
	case socket == "" && t.socket == "":
		t.socket = sshSocket
	case t.socket == "":
		t.socket = socket
	case socket != "" && socket != t.socket:
		return sshTarget{}, fmt.Errorf("ssh.socket: it is %s, and the endpoint %s names another: leave one of them out", socket, endpoint)
	}
	if !path.IsAbs(t.socket) {
		return sshTarget{}, fmt.Errorf("ssh.socket: %q is not an absolute path, such as %s", t.socket, sshSocket)
	}
	return t, nil
}

// currentUser is who runs this program, root where that cannot be told.
func currentUser() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "root"
	}
	// Windows has the domain before it.
	return u.Username[strings.LastIndexByte(u.Username, '\\')+1:]
}

// sshDirectory is ~/.ssh, empty where there is no home.
func sshDirectory() string {
	home, err := os.UserHomeDir()
	if err != nil || home == "" {
		return ""
	}
	return filepath.Join(home, ".ssh")
}
