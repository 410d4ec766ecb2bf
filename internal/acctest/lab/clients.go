// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/sshd"
)

// clientFile is one of those that let a client in: ca.pem, cert.pem and key.pem
// as Docker's DOCKER_CERT_PATH has them, and id_ed25519, id_ed25519.pub,
// known_hosts for ssh.
func (l *Lab) clientFile(name string) string { return filepath.Join(l.ClientDir(), name) }

// ClientDir holds the keys and certificates of a client.
func (l *Lab) ClientDir() string { return filepath.Join(l.Dir, "client") }

// writeClientKeys makes what lets a client in. known_hosts follows when the
// hosts have keys.
func (l *Lab) writeClientKeys() (*authority, error) {
	ca, err := newAuthority("portal lab " + l.bridge())
	if err != nil {
		return nil, err
	}
	if err := ca.issueClient(l.ClientDir(), "client"); err != nil {
		return nil, err
	}
	key, err := sshd.NewKey()
	if err != nil {
		return nil, err
	}
	return ca, writeAll(l.ClientDir(), map[string][]byte{"id_ed25519": []byte(key.Private), "id_ed25519.pub": []byte(key.Public)})
}

// writeProviders writes known_hosts and a provider block for each way to reach
// the hosts.
func (l *Lab) writeProviders() error {
	var known strings.Builder
	for _, h := range l.Hosts {
		line, err := os.ReadFile(h.file("known_hosts"))
		if err != nil {
			return err
		}
		known.Write(line)
	}
	if err := writeAll(l.ClientDir(), map[string][]byte{"known_hosts": []byte(known.String())}); err != nil {
		return err
	}
	for way, entry := range map[string]func(*Host) string{"ssh": (*Host).SSH, "tls": (*Host).TLS} {
		if err := writeAll(filepath.Join(l.Dir, way), map[string][]byte{"provider.tf": []byte(l.Provider(entry))}); err != nil {
			return err
		}
	}
	return nil
}

// SSH is the host's entry in the provider's hosts, over ssh.
func (h *Host) SSH() string {
	return fmt.Sprintf(`%s = {
      endpoint = "ssh://root@%s"
      ssh      = { private_key = file(%q), known_hosts = file(%q) }
      labels   = { zone = %q }
    }`, h.Name, h.Address, h.lab.clientFile("id_ed25519"), h.lab.clientFile("known_hosts"), h.Zone)
}

// TLS is the host's entry in the provider's hosts, over TCP with TLS.
func (h *Host) TLS() string {
	return fmt.Sprintf(`%s = {
      endpoint = "tcp://%s:2376"
      tls      = { ca = file(%q), cert = file(%q), key = file(%q) }
      labels   = { zone = %q }
    }`, h.Name, h.Address, h.lab.clientFile("ca.pem"), h.lab.clientFile("cert.pem"), h.lab.clientFile("key.pem"), h.Zone)
}

// Provider is a provider block of the whole lab, with an entry for each host:
// l.Provider((*Host).SSH).
func (l *Lab) Provider(entry func(*Host) string) string {
	var hosts strings.Builder
	for _, h := range l.Hosts {
		fmt.Fprintf(&hosts, "    %s\n", entry(h))
	}
	return fmt.Sprintf(`provider "portal" {
  hosts = {
%s  }
  storage    = { path = %q }
  registries = { %q = { username = %q, password = %q } }
}
`, hosts.String(), l.Drive, l.Registry.Address, l.Registry.Username, l.Registry.Password)
}
