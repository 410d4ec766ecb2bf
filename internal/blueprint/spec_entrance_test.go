// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// chain is a certificate in PEM form, as a test changes it.
func chain(t *testing.T, change func(*x509.Certificate)) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test"}, BasicConstraintsValid: true,
		DNSNames:  []string{"learn.acme.com", "*.learn.acme.com"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}
	if change != nil {
		change(leaf)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// files is mode = "files" with one certificate.
func files(text string) *stack.TLS {
	return &stack.TLS{Mode: stack.TLSFiles, Certificates: map[string]stack.Certificate{"main": {Chain: text}}}
}

func acme(a stack.ACME) *stack.TLS { return &stack.TLS{Mode: stack.TLSACME, ACME: &a} }

// wantProblem asserts that one of the problems is this one.
func wantProblem(t *testing.T, found Problems, attribute, hint string) {
	t.Helper()
	if !slices.ContainsFunc(found, func(p Problem) bool {
		return p.Attribute == attribute && strings.Contains(p.Summary+": "+p.Detail, hint)
	}) {
		t.Errorf("want %q at %q in:\n%s", hint, attribute, found)
	}
}

func TestEntranceProblems(t *testing.T) {
	internal := &stack.TLS{Mode: stack.TLSInternal}
	for name, tt := range map[string]struct {
		change          func(*stack.Spec)
		attribute, hint string
	}{
		"alias with a scheme":       {func(s *stack.Spec) { s.Aliases = []string{"https://a.b"} }, "aliases", "scheme"},
		"empty alias":               {func(s *stack.Spec) { s.Aliases = []string{""} }, "aliases", "it is empty"},
		"alias with a wildcard":     {func(s *stack.Spec) { s.Aliases = []string{"*.acme.com"} }, "aliases", "part of a hostname"},
		"redirect in capitals":      {func(s *stack.Spec) { s.Redirects = []string{"WWW.acme.com"} }, "redirects", "www.acme.com"},
		"alias that is the domain":  {func(s *stack.Spec) { s.Aliases = []string{s.Domain} }, "aliases", "in domain already"},
		"alias that is the studio":  {func(s *stack.Spec) { s.Aliases = []string{s.StudioDomain} }, "aliases", "in studio_domain already"},
		"alias and redirect":        {func(s *stack.Spec) { s.Aliases, s.Redirects = []string{"a.b"}, []string{"a.b"} }, "redirects", "in aliases already"},
		"redirect of the domain":    {func(s *stack.Spec) { s.Redirects = []string{s.Domain} }, "redirects", "in domain already"},
		"HTTP port":                 {func(s *stack.Spec) { s.HTTPPort = -1 }, "http_port", "65535"},
		"HTTPS port":                {func(s *stack.Spec) { s.TLS, s.HTTPSPort = internal, 65536 }, "https_port", "65535"},
		"HTTPS port without TLS":    {func(s *stack.Spec) { s.HTTPSPort = 443 }, "https_port", "no certificates"},
		"HTTPS port with TLS off":   {func(s *stack.Spec) { s.TLS, s.HTTPSPort = &stack.TLS{Mode: stack.TLSOff}, 443 }, "https_port", "no certificates"},
		"one port for both":         {func(s *stack.Spec) { s.TLS, s.HTTPPort, s.HTTPSPort = internal, 8443, 8443 }, "https_port", "8443"},
		"one port for both, unsaid": {func(s *stack.Spec) { s.TLS, s.HTTPPort, s.HTTPSPort = internal, 0, 80 }, "https_port", "80"},
		"proxy without a mask":      {func(s *stack.Spec) { s.TrustedProxies = []string{"10.0.0.1"} }, "trusted_proxies", "CIDR"},
		"proxies everywhere":        {func(s *stack.Spec) { s.TrustedProxies = []string{"0.0.0.0/0"} }, "trusted_proxies", "whole internet"},
		"proxies everywhere, IPv6":  {func(s *stack.Spec) { s.TrustedProxies = []string{"::/0"} }, "trusted_proxies", "whole internet"},
		"name of a gateway":         {func(s *stack.Spec) { s.HTTPPort, s.Gateway = 0, "Front Door" }, "gateway", "lower-case"},
		"its own gateway":           {func(s *stack.Spec) { s.HTTPPort, s.Gateway = 0, s.Name }, "gateway", "the portal itself"},
		"HTTP port, gateway":        {func(s *stack.Spec) { s.Gateway = "front" }, "http_port", `portal_gateway "front"`},
		"HTTPS port, gateway":       {func(s *stack.Spec) { s.Gateway, s.HTTPSPort = "front", 443 }, "https_port", `portal_gateway "front"`},
		"TLS, gateway":              {func(s *stack.Spec) { s.Gateway, s.TLS = "front", internal }, "tls", `portal_gateway "front"`},
		"proxies, gateway":          {func(s *stack.Spec) { s.Gateway, s.TrustedProxies = "front", []string{"10.0.0.0/8"} }, "trusted_proxies", `portal_gateway "front"`},
		"hostname not covered":      {func(s *stack.Spec) { s.TLS, s.Aliases = files(chain(t, nil)), []string{"academy.acme.com"} }, "tls.certificates", "academy.acme.com"},
		"redirect not covered":      {func(s *stack.Spec) { s.TLS, s.Redirects = files(chain(t, nil)), []string{"www.acme.com"} }, "tls.certificates", "www.acme.com"},
		"mode that is unknown":      {func(s *stack.Spec) { s.TLS = &stack.TLS{Mode: "letsencrypt"} }, "tls.mode", "acme, internal, files and off"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := demoSpec()
			tt.change(&spec)
			wantProblem(t, problems(t, spec), tt.attribute, tt.hint)
		})
	}
}

func TestEntrancesThatAreRight(t *testing.T) {
	for name, change := range map[string]func(*stack.Spec){
		"aliases and redirects": func(s *stack.Spec) { s.Aliases, s.Redirects = []string{"a.b", "c.d"}, []string{"www.a.b"} },
		"internal":              func(s *stack.Spec) { s.TLS = &stack.TLS{Mode: stack.TLSInternal} },
		"off":                   func(s *stack.Spec) { s.TLS = &stack.TLS{Mode: stack.TLSOff} },
		"behind proxies":        func(s *stack.Spec) { s.TrustedProxies = []string{"203.0.113.7/32", "2001:db8::/32"} },
		"a gateway":             func(s *stack.Spec) { s.HTTPPort, s.Gateway, s.Front = 0, "front", &stack.Front{HTTPS: true, Port: 443} },
		"covered by a wildcard": func(s *stack.Spec) { s.TLS = files(chain(t, nil)) },
		// What is not covered is asked for.
		"partly covered": func(s *stack.Spec) {
			s.TLS = files(chain(t, nil))
			s.TLS.Mode, s.Aliases = stack.TLSACME, []string{"academy.acme.com"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := demoSpec()
			change(&spec)
			checkInvariants(t, mustBuild(t, spec))
		})
	}
}

// The same is refused of a portal and of a gateway.
func TestTLSProblems(t *testing.T) {
	named := func(name string) *stack.TLS {
		return &stack.TLS{Mode: stack.TLSFiles, Certificates: map[string]stack.Certificate{name: {Chain: chain(t, nil)}}}
	}
	off := files(chain(t, nil))
	off.Mode = stack.TLSOff
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}))
	for name, tt := range map[string]struct {
		tls             *stack.TLS
		attribute, hint string
	}{
		"no certificate":           {&stack.TLS{Mode: stack.TLSFiles}, "tls.certificates", "at least one"},
		"certificates for nothing": {off, "tls.certificates", "Nothing uses certificates"},
		"name with a slash":        {named("a/b"), "tls.certificates.a/b", "lower-case letters"},
		"name that is long":        {named(strings.Repeat("a", 41)), "tls.certificates." + strings.Repeat("a", 41), "at most 40"},
		"not PEM":                  {files("x"), "tls.certificates.main.certificate", "PEM form"},
		"empty":                    {files(""), "tls.certificates.main.certificate", "PEM form"},
		"a key":                    {files(key), "tls.certificates.main.certificate", "PRIVATE KEY instead of a CERTIFICATE"},
		"broken":                   {files("-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----\n"), "tls.certificates.main.certificate", "cannot be read"},
		"an authority's":           {files(chain(t, func(c *x509.Certificate) { c.IsCA = true })), "tls.certificates.main.certificate", "server's own certificate first"},
		"no names":                 {files(chain(t, func(c *x509.Certificate) { c.DNSNames = nil })), "tls.certificates.main.certificate", "subjectAltName"},
		"acme for nothing":         {&stack.TLS{Mode: stack.TLSInternal, ACME: &stack.ACME{}}, "tls.acme", `mode = "acme"`},
		"directory by HTTP":        {acme(stack.ACME{Directory: "http://ca.acme.com/dir"}), "tls.acme.directory", "https://"},
		"directory without a host": {acme(stack.ACME{Directory: "https:///dir"}), "tls.acme.directory", "https://"},
		"directory that is none":   {acme(stack.ACME{Directory: "letsencrypt"}), "tls.acme.directory", "https://"},
		"authority not in PEM":     {acme(stack.ACME{CA: "x"}), "tls.acme.ca", "PEM form"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := demoSpec()
			spec.TLS = tt.tls
			wantProblem(t, problems(t, spec), tt.attribute, tt.hint)
			_, err := BuildGateway(stack.GatewaySpec{Name: "front", TLS: tt.tls}, GatewayOptions{Options: testOptions, Host: "a", Hosts: []string{"a"}})
			var found Problems
			if !errors.As(err, &found) {
				t.Fatalf("a gateway takes it: %v", err)
			}
			wantProblem(t, found, tt.attribute, tt.hint)
		})
	}
}

// A blueprint without a load balancer does none of this, and says so.
func TestEntranceNeedsALoadBalancer(t *testing.T) {
	for attribute, change := range map[string]func(*stack.Spec){
		"aliases":         func(s *stack.Spec) { s.Aliases = []string{"a.b"} },
		"redirects":       func(s *stack.Spec) { s.Redirects = []string{"a.b"} },
		"tls":             func(s *stack.Spec) { s.TLS = &stack.TLS{Mode: stack.TLSInternal} },
		"trusted_proxies": func(s *stack.Spec) { s.TrustedProxies = []string{"10.0.0.0/8"} },
		"gateway":         func(s *stack.Spec) { s.Gateway = "front" },
		"maintenance":     func(s *stack.Spec) { s.Maintenance = true },
	} {
		t.Run(attribute, func(t *testing.T) {
			spec := userSpec(t, "services: {web: {image: web}}\n")
			change(&spec)
			wantProblem(t, problems(t, spec), attribute, "no load balancer")
		})
	}
}

// A load balancer of the user's own must publish HTTPS, and keep its certificates.
func TestTLSNeedsAPortAndAVolume(t *testing.T) {
	const text = "services:\n  edge: {image: caddy, configs: [{source: c, target: /etc/caddy/c.json}], ports: [%p], volumes: [%v]}\nconfigs: {c: {x-portal: {ingress: caddy}}}\n%d"
	compose := func(port, volume, declared string) string {
		return strings.NewReplacer("%p", port, "%v", volume, "%d", declared).Replace(text)
	}
	const port, volume, declared = `{target: 8443, published: "${PORTAL_HTTPS_PORT}"}`, "'certs:/data'", "volumes: {certs: {}}\n"
	for name, tt := range map[string]struct{ compose, hint string }{
		"no port":   {compose("", volume, declared), "nothing publishes HTTPS"},
		"no volume": {compose(port, "", ""), "keeps no certificates"},
		"read-only": {compose(port, "'certs:/data:ro'", declared), "keeps no certificates"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := userSpec(t, tt.compose)
			spec.TLS = &stack.TLS{Mode: stack.TLSInternal}
			wantProblem(t, problems(t, spec), "blueprint", tt.hint)
		})
	}
	spec := userSpec(t, compose(port, volume, declared))
	spec.TLS = &stack.TLS{Mode: stack.TLSInternal}
	if in := mustBuild(t, spec).Ingress; in.Storage != "data/certs/caddy" {
		t.Errorf("certificates are kept in %q", in.Storage)
	}
	spec = userSpec(t, compose(port, "", ""))
	spec.TLS = files(chain(t, nil)) // nothing to keep
	mustBuild(t, spec)
}

// What is published, and in which networks the load balancer is.
func TestWhereVisitorsComeIn(t *testing.T) {
	const own, edge = "acme_default", "front_edge"
	for name, tt := range map[string]struct {
		change   func(*stack.Spec)
		ports    []stack.Port
		networks []string
		url      string
	}{
		"HTTP": {func(s *stack.Spec) { s.HTTPPort = 0 }, []stack.Port{{Container: 8080, Protocol: "tcp"}}, []string{own}, "http://learn.acme.com"},
		"HTTPS": {
			func(s *stack.Spec) { s.HTTPPort, s.TLS = 0, &stack.TLS{Mode: stack.TLSInternal} },
			[]stack.Port{{Container: 8080, Host: 80, Protocol: "tcp"}, {Container: 8443, Host: 443, Protocol: "tcp"}, {Container: 8443, Host: 443, Protocol: "udp"}},
			[]string{own},
			"https://learn.acme.com",
		},
		"gateway": {
			func(s *stack.Spec) {
				s.HTTPPort, s.Gateway, s.Front = 0, "front", &stack.Front{HTTPS: true, Port: 8443}
			},
			nil,
			[]string{own, edge},
			"https://learn.acme.com:8443",
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := demoSpec()
			tt.change(&spec)
			s := mustBuild(t, spec)
			lb := s.Services["load-balancer"]
			if !slices.Equal(lb.Ports, tt.ports) {
				t.Errorf("ports are %+v", lb.Ports)
			}
			if got := sortedKeys(lb.Networks); !slices.Equal(got, tt.networks) {
				t.Errorf("networks are %v", got)
			}
			if s.Ingress.Settings.URL != tt.url {
				t.Errorf("the URL is %q", s.Ingress.Settings.URL)
			}
			for name, other := range s.Services {
				if name != "load-balancer" && other.Networks[edge] != nil {
					t.Errorf("%s is in the gateway's network", name)
				}
			}
		})
	}
}

func TestAliasesLeadWhereTheDomainDoes(t *testing.T) {
	spec := demoSpec()
	spec.Aliases = []string{"academy.acme.com"}
	s := mustBuild(t, spec)
	count := func(host string) (n int) {
		for _, service := range s.Services {
			for _, r := range service.Routes {
				if r.Host == host {
					n++
				}
			}
		}
		return n
	}
	if n := count("academy.acme.com"); n == 0 || n != count("learn.acme.com") {
		t.Errorf("the alias has %d routes, the domain %d", n, count("learn.acme.com"))
	}
	if got := s.Services["lms"].Environment["PORTAL_ALIASES"]; got != "academy.acme.com" {
		t.Errorf("the lms is told of the aliases %q", got)
	}
}
