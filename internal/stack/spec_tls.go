// SPDX-License-Identifier: MPL-2.0

package stack

// TLSMode says where the certificates of hostnames come from.
type TLSMode string

const (
	// TLSACME gets certificates from a certificate authority by ACME (RFC 8555),
	// and renews them.
	TLSACME TLSMode = "acme"
	// TLSInternal issues certificates by an authority of its own, kept on the
	// shared drive.
	TLSInternal TLSMode = "internal"
	// TLSFiles uses given certificates, and no others.
	TLSFiles TLSMode = "files"
	// TLSOff speaks plain HTTP: TLS ends elsewhere, or nowhere.
	TLSOff TLSMode = "off"
)

// TLS says where certificates come from. Private keys are no part of it: they
// are on the shared drive alone.
type TLS struct {
	Mode TLSMode `json:"mode"`
	// ACME is set for TLSACME.
	ACME *ACME `json:"acme,omitempty"`
	// Certificates are given ones by a name of the user's choice. Where one of
	// them fits a hostname, none is asked for.
	Certificates map[string]Certificate `json:"certificates,omitempty"`
}

// On tells whether TLS ends where it is configured.
func (t *TLS) On() bool { return t != nil && t.Mode != TLSOff }

// ACME is an account with a certificate authority.
type ACME struct {
	// Directory is the URL of the authority's directory; empty is Let's Encrypt.
	Directory string `json:"directory,omitempty"`
	// Email of the account, which the authority may write to.
	Email string `json:"email,omitempty"`
	// CA is the PEM text of the authorities that the directory's own certificate
	// is checked with; empty trusts the system's.
	CA string `json:"ca,omitempty"`
	// EABKeyID binds the account to one that the authority knows (RFC 8555,
	// section 7.3.4); its key is on the shared drive. Empty for none.
	EABKeyID string `json:"eab_key_id,omitempty"`
}

// Certificate is a given one: the PEM text of the chain, the leaf first.
type Certificate struct {
	Chain string `json:"chain"`
}

// Front is how visitors reach what stands before a portal.
type Front struct {
	// HTTPS tells whether visitors use it.
	HTTPS bool `json:"https"`
	// Port that they use; 0 when it is chosen by Docker.
	Port int `json:"port,omitempty"`
}
