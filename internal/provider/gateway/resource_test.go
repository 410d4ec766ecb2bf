// SPDX-License-Identifier: MPL-2.0

package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const address = "portal_gateway.front"

// front is the gateway with more attributes.
func front(more string) string {
	return fmt.Sprintf("resource \"portal_gateway\" \"front\" {\n  name = \"front\"\n  %s\n}\n", more)
}

// rig is a fake deployer on a host and the factories that serve it.
func rig(t *testing.T, hosts ...string) (*fakeDeployer, resource.TestCase) {
	t.Helper()
	if len(hosts) == 0 {
		hosts = []string{"dal-1"}
	}
	fake := &fakeDeployer{gateways: map[string]deploy.Gateway{}, hosts: hosts}
	return fake, resource.TestCase{
		ProtoV6ProviderFactories: serve(t, &client.Client{Deployer: fake, StoragePath: "/srv/portals"}),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.RequireAbove(tfversion.Version1_11_0)},
	}
}

func expectWrites(fake *fakeDeployer, want ...string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got := fake.writes(); !slices.Equal(got, want) {
			return fmt.Errorf("calls %q instead of %q", got, want)
		}
		return nil
	}
}

func value(want knownvalue.Check, at string, keys ...string) statecheck.StateCheck {
	p := tfjsonpath.New(at)
	for _, key := range keys {
		p = p.AtMapKey(key)
	}
	return statecheck.ExpectKnownValue(address, p, want)
}

func planned(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

var (
	empty   = planned(plancheck.ExpectEmptyPlan())
	running = knownvalue.StringExact(stack.StatusRunning)
)

func TestLifecycle(t *testing.T) {
	fake, test := rig(t)
	test.CheckDestroy = expectWrites(fake, "delete front archive")
	test.Steps = []resource.TestStep{
		{
			Config: front(""),
			ConfigPlanChecks: planned(
				plancheck.ExpectKnownValue(address, tfjsonpath.New("instances").AtMapKey("dal-1").AtMapKey("status"), running),
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("addresses")),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("certificates"), knownvalue.Null()),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(knownvalue.StringExact("front"), "id"), value(knownvalue.StringExact("retain"), "on_destroy"),
				value(knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("10.0.0.1")}), "addresses"),
				value(running, "instances", "dal-1", "status"), value(knownvalue.Null(), "certificates"),
			},
			Check: expectWrites(fake, "create front"),
		},
		{Config: front(""), ConfigPlanChecks: empty, Check: expectWrites(fake)},
		{ // In place: the address stays known.
			Config: front(`http_port = 8080`),
			ConfigPlanChecks: planned(
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address, tfjsonpath.New("addresses"), knownvalue.ListSizeExact(1)),
			),
			Check: expectWrites(fake, "update front"),
		},
		{
			Config:            front(`tls = { mode = "internal" }` + "\n" + `on_destroy = "archive"`),
			ConfigPlanChecks:  planned(plancheck.ExpectUnknownValue(address, tfjsonpath.New("certificates"))),
			ConfigStateChecks: []statecheck.StateCheck{value(knownvalue.MapSizeExact(0), "certificates")},
			Check:             expectWrites(fake, "update front"),
		},
	}
	resource.UnitTest(t, test)
}

// Certificates that come by and by are in the state, and are no drift.
func TestCertificatesAreRead(t *testing.T) {
	fake, test := rig(t)
	certificate := func(expires time.Time) func() {
		return func() {
			fake.change("front", func(g *deploy.Gateway) {
				g.Certificates = map[string]deploy.Certificate{
					"learn.acme.test": {Issuer: "Acme CA", Expires: expires}, "studio.acme.test": {},
				}
			})
		}
	}
	config := front(`tls = { mode = "internal" }`)
	in := func(host, attribute, want string) statecheck.StateCheck {
		return value(knownvalue.StringExact(want), "certificates", host, attribute)
	}
	test.Steps = []resource.TestStep{
		{Config: config, Check: expectWrites(fake, "create front")},
		{
			PreConfig:        certificate(time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC)),
			Config:           config,
			ConfigPlanChecks: empty,
			ConfigStateChecks: []statecheck.StateCheck{
				in("learn.acme.test", "status", "valid"), in("learn.acme.test", "issuer", "Acme CA"),
				in("learn.acme.test", "expires", "2099-01-02T03:04:05Z"), in("studio.acme.test", "status", "missing"),
				value(knownvalue.Null(), "certificates", "studio.acme.test", "expires"),
			},
			Check: expectWrites(fake),
		},
		{
			PreConfig:         certificate(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)),
			Config:            config,
			ConfigPlanChecks:  empty,
			ConfigStateChecks: []statecheck.StateCheck{in("learn.acme.test", "status", "expired")},
			Check:             expectWrites(fake),
		},
	}
	resource.UnitTest(t, test)
}

func TestDrift(t *testing.T) {
	for name, change := range map[string]func(*deploy.Gateway){
		"another status": func(g *deploy.Gateway) {
			s := g.Instances["dal-1"]
			s.Status = "has former routes"
			g.Instances["dal-1"] = s
		},
		"an instance gone": func(g *deploy.Gateway) { delete(g.Instances, "dal-2") },
		"everything gone":  func(g *deploy.Gateway) { clear(g.Instances) },
	} {
		t.Run(name, func(t *testing.T) {
			fake, test := rig(t, "dal-1", "dal-2")
			test.Steps = []resource.TestStep{
				{Config: front(""), Check: expectWrites(fake, "create front")},
				{
					PreConfig:        func() { fake.change("front", change) },
					Config:           front(""),
					ConfigPlanChecks: planned(plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate)),
					ConfigStateChecks: []statecheck.StateCheck{
						value(running, "instances", "dal-1", "status"), value(running, "instances", "dal-2", "status"),
					},
					Check: expectWrites(fake, "update front"),
				},
			}
			resource.UnitTest(t, test)
		})
	}
}

func TestDestroyedElsewhereIsCreatedAgain(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: front(""), Check: expectWrites(fake, "create front")},
		{
			PreConfig:        func() { delete(fake.gateways, "front") },
			Config:           front(""),
			ConfigPlanChecks: planned(plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate)),
			Check:            expectWrites(fake, "create front"),
		},
	}
	resource.UnitTest(t, test)
}

func TestNameReplaces(t *testing.T) {
	fake, test := rig(t)
	test.Steps = []resource.TestStep{
		{Config: front("")},
		{
			Config: strings.Replace(front(""), `name = "front"`, `name = "gate"`, 1),
			ConfigPlanChecks: planned(
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionReplace),
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("addresses")),
			),
			Check: expectWrites(fake, "create front", "delete front retain", "create gate"),
		},
	}
	resource.UnitTest(t, test)
}

func TestFailures(t *testing.T) {
	fake, test := rig(t)
	fake.fail = errors.New("no room")
	test.Steps = []resource.TestStep{
		{Config: front(""), ExpectError: regexp.MustCompile(`(?s)Gateway front: create failed.*no room`)},
		{ // Neither tainted nor replaced: a create again.
			Config:           front(""),
			ConfigPlanChecks: planned(plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate)),
			Check:            expectWrites(fake, "create front", "create front"),
		},
		{
			PreConfig:   func() { fake.fail = errors.New("port taken") },
			Config:      front(`http_port = 8080`),
			ExpectError: regexp.MustCompile(`(?s)Gateway front: update failed.*port taken`),
		},
		{ // The state keeps what was before, so it is still to be done.
			Config:           front(`http_port = 8080`),
			ConfigPlanChecks: planned(plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate)),
			Check:            expectWrites(fake, "update front", "update front"),
		},
		{
			PreConfig:   func() { fake.fail = errors.New("it is the way to the portals acme") },
			Config:      front(`http_port = 8080`),
			Destroy:     true,
			ExpectError: regexp.MustCompile(`(?s)Gateway front: destroy failed.*acme`),
		},
	}
	resource.UnitTest(t, test)
}

func TestImport(t *testing.T) {
	_, test := rig(t)
	config := front(`
  http_port       = 8080
  https_port      = 8443
  image           = "caddy:2.11"
  hosts           = ["dal-1"]
  trusted_proxies = ["203.0.113.0/24"]
  tls = { mode = "acme", acme = { email = "ops@acme.test", directory = "https://ca.acme.test/dir" } }`)
	test.Steps = []resource.TestStep{
		{Config: config},
		{
			Config: config, ResourceName: address, ImportState: true, ImportStateId: "front", ImportStateVerify: true,
		},
		{
			Config: config, ResourceName: address, ImportState: true, ImportStateId: "back",
			ExpectError: regexp.MustCompile(`(?s)Gateway back: import failed.*no such gateway`),
		},
	}
	resource.UnitTest(t, test)
}

// What is wrong is told before anything happens. All mistakes of a kind are in one
// configuration, as all of them are told at once.
func TestMistakesFailInThePlan(t *testing.T) {
	chain, key := pair(t)
	_, other := pair(t)
	files := func(name, chain, key string) string {
		return fmt.Sprintf("tls = {\n mode = \"files\"\n certificates = { %q = {\n certificate = %q\n private_key_wo = %q\n } }\n }", name, chain, key)
	}
	for kind, mistakes := range map[string][]struct{ more, want string }{
		"values": {
			{`tls = { mode = "letsencrypt" }`, "tls.mode value must be one of"},
			{`http_port = 0`, "http_port value must be between 1 and 65535"},
			{`hosts = []`, "hosts set must contain at least 1"},
			{`on_destroy = "burn"`, "on_destroy value must be one of"},
		},
		"meanings": {
			{"http_port = 8080\nhttps_port = 8080\ntls = { mode = \"internal\" }", "http_port and https_port both want the port 8080"},
			{`https_port = 443`, `leave https_port out`},
			{`hosts = ["dal-9"]`, `no host "dal-9"`},
			{`trusted_proxies = ["10.0.0.1"]`, "CIDR"},
			{files("other", chain, other), "The private key of other cannot be used"},
			{files("none", chain, "x"), "The private key of none cannot be used"},
			{files("text", "x", key), "text: it is not in PEM form"},
			{`tls = { mode = "files" }`, "There is no certificate"},
			{files("Main.", chain, key), `"Main.": use lower-case letters`},
			{`tls = { mode = "internal", acme = {} }`, "Nothing asks an authority"},
		},
	} {
		t.Run(kind, func(t *testing.T) {
			fake, test := rig(t)
			var config strings.Builder
			for i, m := range mistakes {
				fmt.Fprintf(&config, "resource \"portal_gateway\" \"g%d\" {\n name = \"g%d\"\n %s\n}\n", i, i, m.more)
			}
			said := ""
			test.ErrorCheck = func(err error) error {
				said = strings.Join(regexp.MustCompile(`[\s│╷╵]+`).Split(err.Error(), -1), " ")
				return nil
			}
			test.Steps = []resource.TestStep{{Config: config.String(), PlanOnly: true}}
			resource.UnitTest(t, test)
			for _, m := range mistakes {
				if !strings.Contains(said, m.want) {
					t.Errorf("nobody says %q of %s:\n%s", m.want, m.more, said)
				}
			}
			if calls := fake.writes(); len(calls) > 0 {
				t.Errorf("calls %q", calls)
			}
		})
	}
}

// Keys reach the deployer, and are in no state.
func TestKeysAreGiven(t *testing.T) {
	chain, key := pair(t)
	fake, test := rig(t)
	config := front(fmt.Sprintf("tls = {\n mode = \"acme\"\n acme = { eab = {\n key_id = \"kid-1\"\n mac_key_wo = \"tell-nobody\"\n } }\n certificates = { main = {\n certificate = %q\n private_key_wo = %q\n } }\n }", chain, key))
	given := func(s *terraform.State) error {
		found := map[string]bool{}
		for name, content := range fake.given {
			found[content] = true
			if !strings.HasPrefix(name, "certificate-main-") && !strings.HasPrefix(name, "eab-key-") {
				return fmt.Errorf("a file is called %s", name)
			}
		}
		if len(found) != 2 || !found[key] || !found["tell-nobody"] {
			return fmt.Errorf("given are %d values, not the key and the MAC key", len(found))
		}
		if text := s.String(); strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "tell-nobody") {
			return errors.New("the state shows a secret")
		}
		return nil
	}
	test.Steps = []resource.TestStep{
		{Config: config, Check: given},
		{Config: config, ConfigPlanChecks: empty},
	}
	resource.UnitTest(t, test)
}

// Without hosts nothing is known of what will run, and that is no error.
func TestHostsThatAreNotKnownYet(t *testing.T) {
	_, test := rig(t)
	test.ProtoV6ProviderFactories = serve(t, &client.Client{})
	test.Steps = []resource.TestStep{{
		Config: front(""), PlanOnly: true, ExpectNonEmptyPlan: true,
	}}
	resource.UnitTest(t, test)
}

// pair is a certificate and its key, in PEM form.
func pair(t *testing.T) (chain, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"learn.acme.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}
