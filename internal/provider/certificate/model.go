// SPDX-License-Identifier: MPL-2.0

package certificate

import (
	"context"
	"crypto/tls"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// tlsModel is the attribute tls.
type tlsModel struct {
	Mode         types.String `tfsdk:"mode"`
	ACME         types.Object `tfsdk:"acme"`
	Certificates types.Map    `tfsdk:"certificates"`
}

type acmeModel struct {
	Directory types.String `tfsdk:"directory"`
	Email     types.String `tfsdk:"email"`
	CA        types.String `tfsdk:"ca"`
	EAB       types.Object `tfsdk:"eab"`
}

type eabModel struct {
	KeyID  types.String `tfsdk:"key_id"`
	MACKey types.String `tfsdk:"mac_key_wo"`
}

type pairModel struct {
	Certificate types.String `tfsdk:"certificate"`
	PrivateKey  types.String `tfsdk:"private_key_wo"`
}

var (
	eabType  = types.ObjectType{AttrTypes: map[string]attr.Type{"key_id": types.StringType, "mac_key_wo": types.StringType}}
	acmeType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"directory": types.StringType, "email": types.StringType, "ca": types.StringType, "eab": eabType,
	}}
	pairType = types.ObjectType{AttrTypes: map[string]attr.Type{"certificate": types.StringType, "private_key_wo": types.StringType}}

	// TLSType is the type of the attribute tls.
	TLSType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"mode": types.StringType, "acme": acmeType, "certificates": types.MapType{ElemType: pairType},
	}}
)

// read takes an attribute apart, which must be known but for its secrets.
func read(ctx context.Context, value types.Object) (t tlsModel, a acmeModel, e eabModel, pairs map[string]pairModel, diags diag.Diagnostics) {
	diags.Append(value.As(ctx, &t, basetypes.ObjectAsOptions{})...)
	if !t.ACME.IsNull() {
		diags.Append(t.ACME.As(ctx, &a, basetypes.ObjectAsOptions{})...)
	}
	if !a.EAB.IsNull() {
		diags.Append(a.EAB.As(ctx, &e, basetypes.ObjectAsOptions{})...)
	}
	if !t.Certificates.IsNull() {
		diags.Append(t.Certificates.ElementsAs(ctx, &pairs, false)...)
	}
	return t, a, e, pairs, diags
}

// Spec is the attribute in the domain's terms, nil when it is not set.
func Spec(ctx context.Context, value types.Object) (*stack.TLS, diag.Diagnostics) {
	if value.IsNull() {
		return nil, nil
	}
	t, a, e, pairs, diags := read(ctx, value)
	out := &stack.TLS{Mode: stack.TLSMode(t.Mode.ValueString())}
	if !t.ACME.IsNull() {
		out.ACME = &stack.ACME{
			Directory: a.Directory.ValueString(), Email: a.Email.ValueString(), CA: a.CA.ValueString(), EABKeyID: e.KeyID.ValueString(),
		}
	}
	for name, p := range pairs {
		if out.Certificates == nil {
			out.Certificates = map[string]stack.Certificate{}
		}
		out.Certificates[name] = stack.Certificate{Chain: p.Certificate.ValueString()}
	}
	return out, diags
}

// Given are the private keys of the configured attribute, by the names of their
// files. What is unknown or null is left out.
func Given(ctx context.Context, configured types.Object) (map[string]string, diag.Diagnostics) {
	if configured.IsNull() || configured.IsUnknown() {
		return nil, nil
	}
	_, _, e, pairs, diags := read(ctx, configured)
	given := map[string]string{}
	add := func(name string, value types.String) {
		if value.ValueString() != "" {
			given[name] = value.ValueString()
		}
	}
	if e.KeyID.ValueString() != "" {
		add(ingress.EABKeyFile(stack.ACME{EABKeyID: e.KeyID.ValueString()}), e.MACKey)
	}
	for name, p := range pairs {
		add(ingress.KeyFile(name, stack.Certificate{Chain: p.Certificate.ValueString()}), p.PrivateKey)
	}
	return given, diags
}

// Check finds keys that do not belong to their certificates, as far as both are
// known. A certificate that is wrong by itself is the domain's to refuse.
func Check(ctx context.Context, configured types.Object) diag.Diagnostics {
	if configured.IsNull() || configured.IsUnknown() {
		return nil
	}
	_, _, _, pairs, diags := read(ctx, configured)
	for name, p := range pairs {
		if p.Certificate.IsUnknown() || p.PrivateKey.IsUnknown() {
			continue
		}
		if _, err := ingress.Leaf(p.Certificate.ValueString()); err != nil {
			continue
		}
		// The error tells no part of the key.
		if _, err := tls.X509KeyPair([]byte(p.Certificate.ValueString()), []byte(p.PrivateKey.ValueString())); err != nil {
			diags.AddAttributeError(path.Root("tls").AtName("certificates").AtMapKey(name).AtName("private_key_wo"),
				"The key does not belong to the certificate",
				"The private key of "+name+" cannot be used with its certificate: "+err.Error()+". Give the key, in PEM form and without a password, that the certificate was made for.")
		}
	}
	return diags
}

// Value is the attribute of a domain's value, as an import needs it.
func Value(ctx context.Context, t *stack.TLS, diags *diag.Diagnostics) types.Object {
	if t == nil {
		return types.ObjectNull(TLSType.AttrTypes)
	}
	m := tlsModel{Mode: types.StringValue(string(t.Mode)), ACME: types.ObjectNull(acmeType.AttrTypes), Certificates: types.MapNull(pairType)}
	if t.ACME != nil {
		m.ACME = acmeValue(ctx, *t.ACME, diags)
	}
	if len(t.Certificates) > 0 {
		pairs := map[string]pairModel{}
		for name, c := range t.Certificates {
			pairs[name] = pairModel{Certificate: types.StringValue(c.Chain), PrivateKey: types.StringNull()}
		}
		value, d := types.MapValueFrom(ctx, pairType, pairs)
		diags.Append(d...)
		m.Certificates = value
	}
	value, d := types.ObjectValueFrom(ctx, TLSType.AttrTypes, m)
	diags.Append(d...)
	return value
}

func acmeValue(ctx context.Context, a stack.ACME, diags *diag.Diagnostics) types.Object {
	m := acmeModel{
		Directory: textOrNull(a.Directory), Email: textOrNull(a.Email), CA: textOrNull(a.CA), EAB: types.ObjectNull(eabType.AttrTypes),
	}
	if a.EABKeyID != "" {
		value, d := types.ObjectValueFrom(ctx, eabType.AttrTypes, eabModel{KeyID: types.StringValue(a.EABKeyID), MACKey: types.StringNull()})
		diags.Append(d...)
		m.EAB = value
	}
	value, d := types.ObjectValueFrom(ctx, acmeType.AttrTypes, m)
	diags.Append(d...)
	return value
}

func textOrNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// Path is the path in the attribute tls that the domain names with dots:
// "mode", "acme.directory", "certificates.<name>.certificate".
func Path(name string) path.Path {
	p := path.Root("tls")
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if i == 1 && parts[0] == "certificates" {
			p = p.AtMapKey(part)
			continue
		}
		p = p.AtName(part)
	}
	return p
}
