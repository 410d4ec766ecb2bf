// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// uncovered lists the hosts that no given certificate fits.
func uncovered(t *stack.TLS, hosts []string) []string {
	var leaves []*x509.Certificate
	for _, c := range t.Certificates {
		if leaf, err := Leaf(c.Chain); err == nil {
			leaves = append(leaves, leaf)
		}
	}
	out := []string{}
	for _, host := range hosts {
		if !slices.ContainsFunc(leaves, func(leaf *x509.Certificate) bool { return leaf.VerifyHostname(host) == nil }) {
			out = append(out, host)
		}
	}
	return out
}

// Uncovered lists the hosts that have no certificate where only given ones are
// used, nil otherwise.
func Uncovered(t *stack.TLS, hosts []string) []string {
	if !t.On() || t.Mode != stack.TLSFiles {
		return nil
	}
	return uncovered(t, hosts)
}

// Leaf is the first certificate of a chain in PEM.
func Leaf(chain string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(chain))
	switch {
	case block == nil:
		return nil, errors.New("it is not in PEM form (-----BEGIN CERTIFICATE-----)")
	case block.Type != "CERTIFICATE":
		return nil, fmt.Errorf("it begins with a %s instead of a CERTIFICATE", block.Type)
	}
	return x509.ParseCertificate(block.Bytes)
}
