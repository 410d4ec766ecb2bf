// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Certificate is what a hostname is served with.
type Certificate struct {
	// Issuer is the authority's name.
	Issuer string
	// Expires is zero while there is no certificate.
	Expires time.Time
}

// Missing tells that there is no certificate yet.
func (c Certificate) Missing() bool { return c.Expires.IsZero() }

func certificateOf(leaf *x509.Certificate) Certificate {
	issuer := leaf.Issuer.CommonName
	if issuer == "" {
		issuer = leaf.Issuer.String()
	}
	return Certificate{Issuer: issuer, Expires: leaf.NotAfter}
}

const (
	// certificateWait bounds how long an apply waits for certificates. They may
	// need a DNS record that is made afterwards; the load balancer asks on.
	certificateWait = 30 * time.Second
	// certificateLook is the time between two looks: a shared drive tells nobody
	// of changes.
	certificateLook = 500 * time.Millisecond
)

// Certificates tells of those of a portal's hostnames, nil when TLS ends
// elsewhere.
func (d *Deployer) Certificates(ctx context.Context, portal string) (map[string]Certificate, error) {
	s, err := d.snapshot(ctx, portal)
	if err != nil {
		return nil, err
	}
	p, err := partsOf(portal, s.Records)
	if err != nil {
		return nil, err
	}
	own, ok := p[""]
	if !ok || own.Stack.Ingress == nil {
		return nil, nil
	}
	return d.certificates(ctx, portal, *own.Stack.Ingress, ingress.Hostnames(p.stacks()...))
}

// certificates looks which of the hosts have one.
func (d *Deployer) certificates(ctx context.Context, portal string, in stack.Ingress, hosts []string) (map[string]Certificate, error) {
	t := in.Settings.TLS
	if !t.On() {
		return nil, nil
	}
	out := make(map[string]Certificate, len(hosts))
	issued := map[string][]byte{}
	if in.Storage != "" && t.Mode != stack.TLSFiles {
		var err error
		if issued, err = d.readCertificates(ctx, portal, in.Storage); err != nil {
			return nil, err
		}
	}
	for _, host := range hosts {
		out[host] = Certificate{}
		// One that cannot be read is none: the load balancer gets a new one.
		if leaf, err := ingress.Leaf(string(issued[host])); err == nil {
			out[host] = certificateOf(leaf)
		}
		for _, c := range t.Certificates {
			if leaf, err := ingress.Leaf(c.Chain); err == nil && leaf.VerifyHostname(host) == nil {
				out[host] = certificateOf(leaf)
			}
		}
	}
	return out, nil
}

// awaited are certificates that a load balancer was told to get.
type awaited struct {
	portal     string
	ingress    stack.Ingress
	hosts      []string
	containers []string
	// before are failures of which the containers told before.
	before map[string]certificateFailure
}

// awaitCertificates gives the load balancer the time to get the certificates that
// are missing, and returns what there is then, with warnings of those that could
// not be had.
func (d *Deployer) awaitCertificates(ctx context.Context, a awaited) (map[string]Certificate, []string, error) {
	deadline := time.NewTimer(certificateWait)
	defer deadline.Stop()
	tick := time.NewTicker(certificateLook)
	defer tick.Stop()
	for {
		found, err := d.certificates(ctx, a.portal, a.ingress, a.hosts)
		if err != nil {
			return nil, nil, err
		}
		missing := missingCertificates(found)
		if len(missing) == 0 {
			return found, nil, nil
		}
		if a.ingress.Settings.TLS.Mode == stack.TLSFiles { // nobody is asked
			return found, uncoveredWarnings(a.portal, missing), nil
		}
		failures := d.certificateFailures(ctx, a.containers)
		if !slices.ContainsFunc(missing, func(host string) bool { return failures[host].time <= a.before[host].time }) {
			return found, certificateWarnings(a.portal, missing, failures), nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return found, certificateWarnings(a.portal, missing, failures), nil
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

func missingCertificates(found map[string]Certificate) []string {
	var missing []string
	for _, host := range slices.Sorted(maps.Keys(found)) {
		if found[host].Missing() {
			missing = append(missing, host)
		}
	}
	return missing
}

// uncoveredWarnings tell of hostnames for which no certificate was given.
func uncoveredWarnings(portal string, missing []string) []string {
	var out []string
	for _, host := range missing {
		out = append(out, fmt.Sprintf("%s has no certificate: none of tls.certificates of %s is valid for it, and with mode = \"files\" no other is used. Nobody reaches it by HTTPS until you give one that is.", host, portal))
	}
	return out
}

func certificateWarnings(portal string, missing []string, failures map[string]certificateFailure) []string {
	var out []string
	for _, host := range missing {
		why := failures[host].why
		if why == "" {
			why = fmt.Sprintf("the authority has not answered within %s", certificateWait)
		}
		out = append(out, fmt.Sprintf("%s has no certificate yet: %s. All else of %s is up, and its load balancer asks again by itself, first after a minute and then less and less often; the attribute certificates tells when there is one. The name must lead here in DNS, and the authority must reach the ports 80 and 443.", host, why, portal))
	}
	return out
}
