// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest/acme"
)

// TestGatewayCertificates: the gateway has the certificates of all that is behind
// it, and another when one has expired.
func TestGatewayCertificates(t *testing.T) {
	t.Parallel()
	c := newCertified(t, acme.Options{ExternalAccounts: map[string]string{eabID: eabKey}, Validity: 20 * time.Second})
	gateway := c.Name + "-gw"
	t.Cleanup(func() { c.removeGateway(t, gateway) })
	config := c.ProviderConfig() + fmt.Sprintf(`
resource "portal_gateway" "front" {
  name       = %q
  image      = %q
  http_port  = %d
  https_port = %d
  tls        = %s
}
`, gateway, c.image, c.http, c.https, c.tls()) + strings.Replace(c.site(c.Name, "gateway = portal_gateway.front.name"), "portal.acc.certificates", "portal_gateway.front.certificates", 1)
	c.tf.Write(t, config)
	c.tf.Must(t, "apply", "-auto-approve", "-input=false", "-no-color")
	domain := "learn." + c.Name + ".test"
	leaf := c.serves(t, domain, c.Name, nil)
	if got := c.status(t, c.tf, domain); got["status"] == "missing" {
		t.Errorf("the certificate is %v", got)
	}
	eventually(t, "the end of the certificate", func() bool { return time.Now().After(leaf.NotAfter) })
	if out, err := exec.Command("docker", "restart", gateway+"-gateway-1").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if again := c.serves(t, domain, c.Name, leaf); time.Until(again.NotAfter) < 0 {
		t.Error("an expired certificate is shown")
	}
	c.tf.Must(t, "destroy", "-auto-approve", "-input=false", "-no-color")
}
