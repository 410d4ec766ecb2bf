// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func dkimPEM(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// posted is a portal with a mailer, a relay and a key.
func posted(password string, version int, key string) string {
	return strings.Replace(acme(fmt.Sprintf(`mail = {
    from  = "noreply@acme.test"
    relay = { host = "smtp.acme.test", username = "acme", password_wo = %q, password_wo_version = %d }
    dkim  = { selector = "portal1", private_key_wo = %q, private_key_wo_version = 1 }
  }`, password, version, key)), "testdata/small", "testdata/mail", 1)
}

// expectGiven asserts which secrets the last apply gave, and that the state has
// none of them.
func expectGiven(fake *fakeDeployer, want map[string]string) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		if !maps.Equal(fake.given, want) {
			return fmt.Errorf("given were %v", fake.given)
		}
		state, err := json.Marshal(s)
		if err != nil {
			return err
		}
		for _, secret := range want {
			if strings.Contains(string(state), secret[:8]) {
				return fmt.Errorf("the state shows %q", secret)
			}
		}
		return nil
	}
}

func TestMail(t *testing.T) {
	fake, test := rig(t)
	key := dkimPEM(t)
	changesOnly := func(service string) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction(address1, plancheck.ResourceActionUpdate),
			plancheck.ExpectKnownValue(address1, tfjsonpath.New("stack"), onlyChanged{fake, service}),
		}}
	}
	test.Steps = []resource.TestStep{
		{
			Config: posted("hunter-one", 1, key),
			Check: resource.ComposeTestCheckFunc(expectWrites(fake, "create acme"), expectGiven(fake, map[string]string{
				"portal-mail-password-v1": "hunter-one", "portal-mail-dkim-key-v1": key,
			})),
		},
		{ // The same version: Terraform does not see that the secret is another.
			Config:           posted("hunter-two", 1, key),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			Check:            expectWrites(fake),
		},
		{
			Config:           posted("hunter-two", 2, key),
			ConfigPlanChecks: changesOnly("mailer"),
			Check: resource.ComposeTestCheckFunc(expectWrites(fake, "update acme"), expectGiven(fake, map[string]string{
				"portal-mail-password-v2": "hunter-two",
			})),
		},
		{ // Other changes give nothing.
			Config: strings.Replace(posted("hunter-three", 2, key), "noreply@", "learn@", 1),
			Check:  resource.ComposeTestCheckFunc(expectWrites(fake, "update acme"), expectGiven(fake, map[string]string{})),
		},
		{ // An import knows all but the secrets, and wants nothing.
			Config: strings.Replace(posted("hunter-three", 2, key), "noreply@", "learn@", 1), ResourceName: address1,
			ImportState: true, ImportStateKind: resource.ImportBlockWithID, ImportStateId: "acme",
			ImportPlanChecks: resource.ImportPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		},
		{Config: acme(""), Check: resource.ComposeTestCheckFunc(expectWrites(fake, "update acme"), expectGiven(fake, map[string]string{}))},
	}
	resource.UnitTest(t, test)
}

// onlyChanged checks that a planned stack differs from what runs in one service.
type onlyChanged struct {
	fake    *fakeDeployer
	service string
}

func (c onlyChanged) CheckValue(value any) error {
	planned, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("the stack is %v", value)
	}
	for name, s := range planned {
		digest := s.(map[string]any)["digest"]
		if changed := digest != c.fake.portals["acme"].running[name].Digest; changed != (name == c.service) {
			return fmt.Errorf("%s changes: %t", name, changed)
		}
	}
	return nil
}

func (c onlyChanged) String() string { return c.service + " alone changes" }

func TestMailThatNothingReads(t *testing.T) {
	_, test := rig(t)
	test.Steps = []resource.TestStep{{
		Config:      acme(`mail = { from = "noreply@acme.test" }`),
		ExpectError: regexp.MustCompile(`(?s)The blueprint does not read this.*mail = \{`),
	}}
	resource.UnitTest(t, test)
}

func TestRelayRules(t *testing.T) {
	text, number := types.StringValue, types.Int64Value
	whole := relayModel{Host: text("smtp.acme.test"), Username: text("acme"), PasswordWO: text("hunter-two"), PasswordWOVersion: number(1)}
	for name, tc := range map[string]struct {
		change    func(*relayModel)
		attribute string // with an error; empty for none
		warning   string // attribute
	}{
		"whole":               {func(*relayModel) {}, "", ""},
		"no login":            {func(r *relayModel) { *r = relayModel{Host: r.Host} }, "", ""},
		"unknown":             {func(r *relayModel) { r.PasswordWO, r.Username = types.StringUnknown(), types.StringUnknown() }, "", ""},
		"no password":         {func(r *relayModel) { r.PasswordWO, r.PasswordWOVersion = types.StringNull(), types.Int64Null() }, "password_wo", ""},
		"no user":             {func(r *relayModel) { r.Username = types.StringNull() }, "username", ""},
		"no version":          {func(r *relayModel) { r.PasswordWOVersion = types.Int64Null() }, "password_wo_version", ""},
		"version of nothing":  {func(r *relayModel) { *r = relayModel{Host: r.Host, PasswordWOVersion: number(1)} }, "password_wo_version", ""},
		"login in plain text": {func(r *relayModel) { r.TLS = text("none") }, "tls", ""},
		"nothing to verify":   {func(r *relayModel) { *r = relayModel{Host: r.Host, TLS: text("none"), CA: text("x")} }, "ca", ""},
		"plain":               {func(r *relayModel) { *r = relayModel{Host: text("10.0.0.1"), TLS: text("none")} }, "", ""},
		"an address":          {func(r *relayModel) { r.Host = text("10.0.0.1") }, "", "host"},
		"port of TLS":         {func(r *relayModel) { r.Port = number(465) }, "", "port"},
		"port of STARTTLS":    {func(r *relayModel) { r.Port, r.TLS = number(587), text("tls") }, "", "port"},
		"another port":        {func(r *relayModel) { r.Port, r.TLS = number(2465), text("tls") }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			relay := whole
			tc.change(&relay)
			object, diags := types.ObjectValueFrom(t.Context(), mailType.AttrTypes["relay"].(types.ObjectType).AttrTypes, relay)
			if diags.HasError() {
				t.Fatal(diags)
			}
			var resp validator.ObjectResponse
			at := path.Root("mail").AtName("relay")
			relayRules{}.ValidateObject(context.Background(), validator.ObjectRequest{Path: at, ConfigValue: object}, &resp)
			var found []string
			for _, d := range resp.Diagnostics {
				if strings.Contains(d.Detail(), "hunter-two") {
					t.Errorf("the password is in %q", d.Detail())
				}
				located := d.(interface{ Path() path.Path })
				found = append(found, fmt.Sprintf("%s at %s", d.Severity(), located.Path()))
			}
			want := ""
			if tc.attribute != "" {
				want = "Error at " + at.AtName(tc.attribute).String()
			} else if tc.warning != "" {
				want = "Warning at " + at.AtName(tc.warning).String()
			}
			if got := strings.Join(found, ", "); got != want {
				t.Errorf("found %q instead of %q", got, want)
			}
		})
	}
}

// What an import cannot know of a version is null, as for a mailer without one.
func TestMailOfAStrangeName(t *testing.T) {
	mail, diags := mailOf(t.Context(), &stack.Mail{Relay: &stack.MailRelay{Host: "r", Username: "u", Password: "by-hand"}})
	if diags.HasError() {
		t.Fatal(diags)
	}
	m, diags := decodeMail(t.Context(), mail)
	if diags.HasError() || !m.Relay.PasswordWOVersion.IsNull() {
		t.Errorf("%v, %v", m.Relay, diags)
	}
}
