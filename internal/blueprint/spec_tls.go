// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"crypto/x509"
	"net/url"
	"regexp"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// certificateRE is what a given certificate may be called: it is part of a file's
// name.
var certificateRE = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// checkTLS checks what can be told of certificates without their keys. at is the
// attribute.
func (c *collector) checkTLS(at string, t *stack.TLS) {
	if t == nil {
		return
	}
	switch t.Mode {
	case stack.TLSACME, stack.TLSInternal, stack.TLSOff:
	case stack.TLSFiles:
		if len(t.Certificates) == 0 {
			c.problem(at+".certificates", "There is no certificate", "With mode = \"files\" nothing but given certificates is used: give at least one.")
		}
	default:
		c.problem(at+".mode", "The mode is not known", "%q is none of acme, internal, files and off.", t.Mode)
	}
	if t.Mode == stack.TLSOff && len(t.Certificates) > 0 {
		c.problem(at+".certificates", "Nothing uses certificates", "With mode = \"off\" TLS ends elsewhere, or nowhere. Leave the certificates out, or use mode = \"files\".")
	}
	for _, name := range sortedKeys(t.Certificates) {
		c.checkCertificate(at+".certificates."+name, name, t.Certificates[name])
	}
	c.checkACME(at+".acme", t)
}

func (c *collector) checkCertificate(at, name string, given stack.Certificate) {
	if !certificateRE.MatchString(name) {
		c.problem(at, "The certificate's name is not valid", "%q: use lower-case letters, digits and hyphens between them, at most 40.", name)
	}
	leaf, err := ingress.Leaf(given.Chain)
	switch {
	case err != nil:
		c.problem(at+".certificate", "The certificate cannot be read", "%s: %s. Give the chain in PEM form, the certificate itself first.", name, err)
	case leaf.IsCA:
		c.problem(at+".certificate", "The certificate is an authority's", "The first certificate of %s is that of the authority %s. Give the chain with the server's own certificate first.", name, leaf.Subject)
	case len(leaf.DNSNames) == 0:
		c.problem(at+".certificate", "The certificate names no host", "The certificate %s (%s) has no DNS names (subjectAltName), so no browser accepts it.", name, leaf.Subject)
	}
}

func (c *collector) checkACME(at string, t *stack.TLS) {
	a := t.ACME
	if a == nil {
		return
	}
	if t.Mode != stack.TLSACME {
		c.problem(at, "Nothing asks an authority", "With mode = %q no certificates are got by ACME: leave acme out, or use mode = \"acme\".", string(t.Mode))
	}
	if a.Directory != "" {
		if u, err := url.Parse(a.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
			c.problem(at+".directory", "The directory is not valid", "%q is not a URL that begins with https://, such as \"https://acme-v02.api.letsencrypt.org/directory\".", a.Directory)
		}
	}
	if a.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(a.CA)) {
		c.problem(at+".ca", "The authority's certificate cannot be read", "It is not in PEM form (-----BEGIN CERTIFICATE-----).")
	}
}
