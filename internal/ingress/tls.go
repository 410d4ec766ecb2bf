// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// internalCA is the name of Caddy's own authority.
const internalCA = "local"

// Names of files beside the configuration.
const (
	acmeCAFile = "acme-ca.pem"
	eabKeyFile = "eab-key"
)

// CertificateFile is the name of the chain of a given certificate beside the
// configuration. It follows from the content: another certificate is another
// file, so that one that is in use is never changed.
func CertificateFile(name string, c stack.Certificate) string {
	return certificateName(name, c) + ".pem"
}

// KeyFile is the name of the key that belongs to CertificateFile.
func KeyFile(name string, c stack.Certificate) string { return certificateName(name, c) + ".key" }

func certificateName(name string, c stack.Certificate) string {
	sum := sha256.Sum256([]byte(c.Chain))
	return "certificate-" + name + "-" + hex.EncodeToString(sum[:6])
}

// EABKeyFile is the name of the key of an external account binding.
func EABKeyFile(a stack.ACME) string {
	sum := sha256.Sum256([]byte(a.EABKeyID))
	return eabKeyFile + "-" + hex.EncodeToString(sum[:6])
}

// Files lists what lies beside a configuration by the name of the file: what is
// public has its content, a private key has none.
func Files(t *stack.TLS) (public map[string][]byte, private []string) {
	public = map[string][]byte{}
	if !t.On() {
		return public, nil
	}
	for _, name := range slices.Sorted(maps.Keys(t.Certificates)) {
		c := t.Certificates[name]
		public[CertificateFile(name, c)] = []byte(c.Chain)
		private = append(private, KeyFile(name, c))
	}
	if a := t.ACME; a != nil && a.CA != "" {
		public[acmeCAFile] = []byte(a.CA)
	}
	if a := t.ACME; a != nil && a.EABKeyID != "" {
		private = append(private, EABKeyFile(*a))
	}
	return public, private
}

// tlsOf says where the certificates of the hosts come from. Given ones are used
// where they fit.
func tlsOf(t *stack.TLS, hosts []string, folder string) *tlsApp {
	app := &tlsApp{}
	for _, name := range slices.Sorted(maps.Keys(t.Certificates)) {
		c := t.Certificates[name]
		app.Certificates.LoadFiles = append(app.Certificates.LoadFiles, certificateFiles{
			Certificate: inFolder(folder, CertificateFile(name, c)), Key: inFolder(folder, KeyFile(name, c)),
		})
	}
	if t.Mode == stack.TLSFiles {
		return app
	}
	app.Certificates.Automate = uncovered(t, hosts)
	app.Automation = &automation{Policies: []automationPolicy{{Issuers: []issuer{issuerOf(t, folder)}}}}
	return app
}

func issuerOf(t *stack.TLS, folder string) issuer {
	if t.Mode == stack.TLSInternal {
		return issuer{Module: "internal", CA: internalCA}
	}
	i := issuer{Module: "acme"}
	if a := t.ACME; a != nil {
		i.CA, i.Email = a.Directory, a.Email
		if a.CA != "" {
			i.TrustedRootsPEMFiles = []string{inFolder(folder, acmeCAFile)}
		}
		if a.EABKeyID != "" {
			i.ExternalAccount = &externalAccount{KeyID: a.EABKeyID, MACKey: "{file." + inFolder(folder, EABKeyFile(*a)) + "}"}
		}
	}
	return i
}
