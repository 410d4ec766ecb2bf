// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/acme"
)

// certified is a site behind a load balancer, or behind a gateway, that gets its
// certificates from an authority of the test's own.
type certified struct {
	*bed
	authority *acme.Server
	image     string // of the load balancer
	http      int
	https     int
}

const eabID, eabKey = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"

func newCertified(t *testing.T, o acme.Options) *certified {
	t.Helper()
	b := newBed(t)
	text, err := os.ReadFile("testdata/acme/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Blueprint, "compose.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &certified{bed: b, image: loadBalancerImage(t), http: acme.FreePort(t), https: acme.FreePort(t)}
	o.HTTPPort, o.TLSPort = c.http, c.https
	c.authority = acme.Start(t, o)
	return c
}

// tls is the attribute, with the authority and an account there.
func (c *certified) tls() string {
	return fmt.Sprintf(`{
    mode = "acme"
    acme = {
      directory = %q
      email     = "ops@acme.test"
      ca        = %q
      eab       = { key_id = %q, mac_key_wo = %q }
    }
  }`, c.authority.Directory, c.authority.CA, eabID, eabKey)
}

// site is a portal by the given name; more attributes go into it.
func (c *certified) site(name, more string) string {
	return fmt.Sprintf(`
resource "portal" %[1]q {
  name      = "%[2]s"
  domain    = "learn.%[2]s.test"
  blueprint = %[3]q
  images    = { "load-balancer" = %[4]q }
  %[5]s
}
output "certificates" { value = portal.%[1]s.certificates }
`, "acc", name, c.Blueprint, c.image, more)
}

// get asks for a page by HTTPS, and returns the certificate that was shown.
func (c *certified) get(host string) (*x509.Certificate, string, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(c.authority.Root))
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialTLS: func(network, _ string) (net.Conn, error) { //nolint:staticcheck // the address is this machine's, whatever the name
			return tls.DialWithDialer(dialer, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(c.https)), &tls.Config{RootCAs: roots, ServerName: host})
		},
	}}
	r, err := client.Get("https://" + host + "/")
	if err != nil {
		return nil, "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%s: %s %w", host, r.Status, err)
	}
	return r.TLS.PeerCertificates[0], strings.TrimSpace(string(body)), nil
}

// serves waits until a hostname is served with a certificate of the authority
// that is not the given one.
func (c *certified) serves(t *testing.T, host, body string, but *x509.Certificate) *x509.Certificate {
	t.Helper()
	var leaf *x509.Certificate
	eventually(t, "a certificate of "+host, func() bool {
		got, text, err := c.get(host)
		if err != nil || but != nil && got.Equal(but) {
			return false
		}
		if text != body {
			t.Fatalf("%s answers %q instead of %q", host, text, body)
		}
		leaf = got
		return true
	})
	return leaf
}

// status of a hostname's certificate, as Terraform has it after a refresh.
func (c *certified) status(t *testing.T, tf *acctest.Terraform, host string) map[string]any {
	t.Helper()
	tf.Must(t, "apply", "-refresh-only", "-auto-approve", "-input=false", "-no-color")
	var certificates map[string]map[string]any
	if err := json.Unmarshal([]byte(tf.Must(t, "output", "-json", "certificates").Output), &certificates); err != nil {
		t.Fatal(err)
	}
	return certificates[host]
}

// TestCertificates: an authority that is down keeps no portal from coming up; its
// certificates come when it is back, survive restarts, and their end is known.
func TestCertificates(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	c := newCertified(t, acme.Options{ExternalAccounts: map[string]string{eabID: eabKey}})
	c.authority.Stop()
	domain := "learn." + c.Name + ".test"
	c.tf.Write(t, c.ProviderConfig()+c.site(c.Name, fmt.Sprintf("http_port = %d\n  https_port = %d\n  tls = %s", c.http, c.https, c.tls())))
	r := c.tf.Must(t, "apply", "-auto-approve", "-input=false", "-no-color")
	says(t, r, domain+" has no certificate yet", "connection refused", "asks again by itself")
	if got := c.status(t, c.tf, domain); got["status"] != "missing" {
		t.Errorf("without an authority the certificate is %v", got)
	}
	redirect, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(plain(t, c.http, domain))
	if err != nil {
		t.Fatal(err)
	}
	redirect.Body.Close()
	if want := fmt.Sprintf("https://%s:%d/", domain, c.https); redirect.StatusCode != http.StatusPermanentRedirect || redirect.Header.Get("Location") != want {
		t.Errorf("HTTP answers %s to %q instead of a redirect to %s", redirect.Status, redirect.Header.Get("Location"), want)
	}

	// An apply that changes anything lets it ask at once.
	c.authority.Start(t)
	c.tf.Write(t, c.ProviderConfig()+c.site(c.Name, fmt.Sprintf("http_port = %d\n  https_port = %d\n  aliases = [\"www.%s.test\"]\n  tls = %s", c.http, c.https, c.Name, c.tls())))
	c.tf.Must(t, "apply", "-auto-approve", "-input=false", "-no-color")
	leaf := c.serves(t, domain, c.Name, nil)
	got := c.status(t, c.tf, domain)
	if got["status"] != "valid" || got["expires"] != leaf.NotAfter.UTC().Format(time.RFC3339) {
		t.Errorf("the certificate is %v, and ends at %s", got, leaf.NotAfter)
	}
	c.noChange(t)

	if out, err := exec.Command("docker", "restart", c.Container("load-balancer-1")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if again := c.serves(t, domain, c.Name, nil); !again.Equal(leaf) {
		t.Error("a restart asked for another certificate")
	}
	for _, where := range []string{c.tf.State(t), fmt.Sprint(c.Inspect(t, "load-balancer-1"))} {
		if strings.Contains(where, eabKey) {
			t.Error("the key of the account is known outside the drive")
		}
	}
}

// removeGateway removes what a failed test left of a gateway.
func (c *certified) removeGateway(t *testing.T, name string) {
	t.Helper()
	_ = exec.Command("docker", "rm", "-f", name+"-gateway-1").Run()
	_ = exec.Command("docker", "rm", "-f", c.Container("load-balancer-1"), c.Container("web-1")).Run()
	for _, network := range []string{"_default", "_edge"} {
		_ = exec.Command("docker", "network", "rm", name+network).Run()
	}
}

// plain is a request by HTTP for a hostname on this machine.
func plain(t *testing.T, port int, host string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	return r
}
