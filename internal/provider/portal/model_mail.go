// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/privateportals/terraform-provider-portal/internal/provider/member"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// mailModel is the attribute mail.
type mailModel struct {
	Relay *relayModel  `tfsdk:"relay"`
	From  types.String `tfsdk:"from"`
	DKIM  *dkimModel   `tfsdk:"dkim"`
}

type relayModel struct {
	Host              types.String `tfsdk:"host"`
	Port              types.Int64  `tfsdk:"port"`
	TLS               types.String `tfsdk:"tls"`
	CA                types.String `tfsdk:"ca"`
	Username          types.String `tfsdk:"username"`
	PasswordWO        types.String `tfsdk:"password_wo"`
	PasswordWOVersion types.Int64  `tfsdk:"password_wo_version"`
}

type dkimModel struct {
	Domain              types.String `tfsdk:"domain"`
	Selector            types.String `tfsdk:"selector"`
	PrivateKeyWO        types.String `tfsdk:"private_key_wo"`
	PrivateKeyWOVersion types.Int64  `tfsdk:"private_key_wo_version"`
}

var mailType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"relay": types.ObjectType{AttrTypes: map[string]attr.Type{
		"host":                types.StringType,
		"port":                types.Int64Type,
		"tls":                 types.StringType,
		"ca":                  types.StringType,
		"username":            types.StringType,
		"password_wo":         types.StringType,
		"password_wo_version": types.Int64Type,
	}},
	"from": types.StringType,
	"dkim": types.ObjectType{AttrTypes: map[string]attr.Type{
		"domain":                 types.StringType,
		"selector":               types.StringType,
		"private_key_wo":         types.StringType,
		"private_key_wo_version": types.Int64Type,
	}},
}}

// What the files of mail's secrets are called.
const (
	mailPassword = "mail-password"
	mailDKIMKey  = "mail-dkim-key"
)

// decodeMail reads the attribute mail, nil when there is none. It must be known.
func decodeMail(ctx context.Context, mail types.Object) (*mailModel, diag.Diagnostics) {
	if mail.IsNull() {
		return nil, nil
	}
	var m mailModel
	diags := mail.As(ctx, &m, basetypes.ObjectAsOptions{})
	return &m, diags
}

// spec is the attribute in the domain's terms; the secrets are the names of their
// files.
func (m *mailModel) spec() *stack.Mail {
	if m == nil {
		return nil
	}
	out := &stack.Mail{From: m.From.ValueString()}
	if r := m.Relay; r != nil {
		out.Relay = &stack.MailRelay{
			Host: r.Host.ValueString(), Port: int(r.Port.ValueInt64()), TLS: stack.MailTLS(r.TLS.ValueString()),
			CA: r.CA.ValueString(), Username: r.Username.ValueString(),
		}
		if !r.PasswordWOVersion.IsNull() {
			out.Relay.Password = stack.GivenName(mailPassword, r.PasswordWOVersion.ValueInt64())
		}
	}
	if d := m.DKIM; d != nil {
		out.DKIM = &stack.DKIM{
			Domain: d.Domain.ValueString(), Selector: d.Selector.ValueString(),
			Key: stack.GivenName(mailDKIMKey, d.PrivateKeyWOVersion.ValueInt64()),
		}
	}
	return out
}

// mailOf is the attribute as an import fills it in. Secrets are in no state.
func mailOf(ctx context.Context, mail *stack.Mail) (types.Object, diag.Diagnostics) {
	if mail == nil {
		return types.ObjectNull(mailType.AttrTypes), nil
	}
	m := mailModel{From: textOrNull(mail.From)}
	if r := mail.Relay; r != nil {
		m.Relay = &relayModel{
			Host: types.StringValue(r.Host), Port: types.Int64Null(), TLS: textOrNull(string(r.TLS)), CA: textOrNull(r.CA),
			Username: textOrNull(r.Username), PasswordWOVersion: member.VersionOf(r.Password),
		}
		if r.Port != 0 {
			m.Relay.Port = types.Int64Value(int64(r.Port))
		}
	}
	if d := mail.DKIM; d != nil {
		m.DKIM = &dkimModel{
			Domain: textOrNull(d.Domain), Selector: types.StringValue(d.Selector), PrivateKeyWOVersion: member.VersionOf(d.Key),
		}
	}
	return types.ObjectValueFrom(ctx, mailType.AttrTypes, m)
}

// given are the contents of mail's secrets by the names of their files.
func (m *mailModel) given() map[string]string {
	out := map[string]string{}
	spec := m.spec()
	if m != nil && m.Relay != nil && spec.Relay.Password != "" {
		out[spec.Relay.Password] = m.Relay.PasswordWO.ValueString()
	}
	if m != nil && m.DKIM != nil {
		out[spec.DKIM.Key] = m.DKIM.PrivateKeyWO.ValueString()
	}
	return out
}
