// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func pemOf(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestMail(t *testing.T) {
	const good = ""
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	curve, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return pemOf(t, "PRIVATE KEY", der, err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &curve.PublicKey, curve)
	certificate := pemOf(t, "CERTIFICATE", der, err)
	pkcs1 := pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weak), nil)

	for _, tc := range []struct {
		rule  validator.String
		value string
		want  string // part of the error
	}{
		{Email(), "noreply@acme.com", good},
		{Email(), "Learn.Team+x_1@mail.acme.com", good},
		{Email(), "acme.com", "the address alone"},
		{Email(), "Acme <noreply@acme.com>", "the address alone"},
		{Email(), "a..b@acme.com", "the address alone"},
		{Email(), "$x@acme.com", "the address alone"},
		{Email(), "noreply@acme.com\nx", "domain"},
		{Email(), "noreply@Acme.com", "lower case"},
		{Server(), "smtp.example.com", good},
		{Server(), "10.0.0.25", good},
		{Server(), "::1", "leave port"},
		{Server(), "smtp.example.com:587", "leave port"},
		{Server(), "smtp.example.com\n", "the part"},
		{Selector(), "portal2026", good},
		{Selector(), "a.b", good},
		{Selector(), "Portal", "lower-case"},
		{Selector(), "portal1._domainkey", "lower-case"},
		{OneLine(), "p$ss^w:rd {}\\", good},
		{OneLine(), "", "empty"},
		{OneLine(), "secret-word\n", "trimspace"},
		{Certificates(), certificate + certificate, good},
		{Certificates(), "\n" + certificate + "\n\n", good},
		{Certificates(), "smtp.pem", "BEGIN CERTIFICATE"},
		{Certificates(), certificate + "more", "BEGIN CERTIFICATE"},
		{Certificates(), certificate + pkcs1, "RSA PRIVATE KEY"},
		{Certificates(), pemOf(t, "CERTIFICATE", []byte("x"), nil), "cannot be read"},
		{DKIMKey(), pkcs1, good},
		{DKIMKey(), pkcs8(weak), good},
		{DKIMKey(), pkcs8(edwards), good},
		{DKIMKey(), pkcs8(curve), "RSA or Ed25519"},
		{DKIMKey(), certificate, "CERTIFICATE"},
		{DKIMKey(), "portal1.pem", "one block"},
		{DKIMKey(), pkcs1 + pkcs1, "one block"},
		{DKIMKey(), pemOf(t, "ENCRYPTED PRIVATE KEY", []byte("x"), nil), "passphrase"},
		{DKIMKey(), pemOf(t, "PRIVATE KEY", []byte("secret-word"), nil), "damaged"},
	} {
		var resp validator.StringResponse
		tc.rule.ValidateString(context.Background(), validator.StringRequest{Path: path.Root("x"), ConfigValue: types.StringValue(tc.value)}, &resp)
		got := ""
		for _, d := range resp.Diagnostics {
			got += d.Detail()
		}
		if (got == "") != (tc.want == good) || !strings.Contains(got, tc.want) {
			t.Errorf("%q: %q instead of %q", tc.value, got, tc.want)
		}
		if _, secret := tc.rule.(hidden); secret && strings.Contains(got, "secret-word") {
			t.Errorf("the error shows the value: %s", got)
		}
	}
}
