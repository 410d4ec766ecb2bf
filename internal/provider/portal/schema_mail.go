// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func mailAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How the portal's mailer delivers. Without it, directly to the recipients' mail servers and unsigned, which few of them accept. See the guide [Mail](../guides/mail).",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"relay": relayAttribute(),
			"from": schema.StringAttribute{
				MarkdownDescription: "Address that all mail comes from, for example `noreply@acme.com`: Open edX uses it by default, and the mailer puts it in the place of any other sender. Names beside the address, and Reply-To, stay. Default: `noreply@` and the portal's domain, and senders that are set otherwise are left alone.",
				Optional:            true,
				Validators:          []validator.String{validate.Email()},
			},
			"dkim": dkimAttribute(),
		},
	}
}

func relayAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "SMTP server that takes all mail.",
		Optional:            true,
		Validators:          []validator.Object{relayRules{}},
		Attributes: map[string]schema.Attribute{
			"host": schema.StringAttribute{
				MarkdownDescription: "Its hostname, which its certificate must be for.",
				Required:            true,
				Validators:          []validator.String{validate.Server()},
			},
			"port": schema.Int64Attribute{
				MarkdownDescription: "Its port. Default: `587`; with `tls = \"tls\"` it is `465`, and with `tls = \"none\"` it is `25`.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			},
			"tls": schema.StringAttribute{
				MarkdownDescription: "How the connection is encrypted: `starttls` begins in plain text and sends nothing without STARTTLS; `tls` begins with TLS; `none` encrypts nothing and excludes a login. The certificate is always verified. Default: `starttls`.",
				Optional:            true,
				Validators: []validator.String{
					stringvalidator.OneOf(string(stack.MailStartTLS), string(stack.MailImplicitTLS), string(stack.MailPlain)),
				},
			},
			"ca": schema.StringAttribute{
				MarkdownDescription: "Certificates (PEM) of the authorities that the relay's certificate is verified with. Default: those that the mailer's image trusts.",
				Optional:            true,
				Validators:          []validator.String{validate.Certificates()},
			},
			"username": schema.StringAttribute{
				MarkdownDescription: "User to log in as. Default: no login.",
				Optional:            true,
				Validators:          []validator.String{validate.OneLine()},
			},
			"password_wo": schema.StringAttribute{
				MarkdownDescription: "The user's password. Neither the plan nor the state shows it: it goes to a file on the shared drive that the mailer alone can read. Needs Terraform 1.11.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
				Validators:          []validator.String{validate.OneLine()},
			},
			"password_wo_version": schema.Int64Attribute{
				MarkdownDescription: "A number of your choice. Another one writes `password_wo` anew and replaces the mailer. Required with it.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
		},
	}
}

func dkimAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Signature of all mail (DKIM). Leave it out where the relay signs.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"domain": schema.StringAttribute{
				MarkdownDescription: "Domain that signs. Default: that of `from`, else the portal's.",
				Optional:            true,
				Validators:          []validator.String{validate.Hostname()},
			},
			"selector": schema.StringAttribute{
				MarkdownDescription: "Name of the key: its public half is the TXT record `<selector>._domainkey.<domain>`.",
				Required:            true,
				Validators:          []validator.String{validate.Selector()},
			},
			"private_key_wo": schema.StringAttribute{
				MarkdownDescription: "The private key (PEM): RSA, best with 2048 bits, or Ed25519. Neither the plan nor the state shows it: it goes to a file on the shared drive that the mailer alone can read. Needs Terraform 1.11.",
				Required:            true,
				WriteOnly:           true,
				Sensitive:           true,
				Validators:          []validator.String{validate.DKIMKey()},
			},
			"private_key_wo_version": schema.Int64Attribute{
				MarkdownDescription: "A number of your choice. Another one writes `private_key_wo` anew and replaces the mailer.",
				Required:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
		},
	}
}

// relayRules checks the attributes of a relay against each other.
type relayRules struct{}

const relayRulesDescription = "a relay whose login is whole and encrypted"

func (relayRules) Description(context.Context) string         { return relayRulesDescription }
func (relayRules) MarkdownDescription(context.Context) string { return relayRulesDescription }

// ValidateObject says nothing of what is not known yet.
func (relayRules) ValidateObject(ctx context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	var r relayModel
	resp.Diagnostics.Append(req.ConfigValue.As(ctx, &r, basetypes.ObjectAsOptions{})...)
	if resp.Diagnostics.HasError() {
		return
	}
	wrong := func(attribute, summary, detail string) {
		resp.Diagnostics.AddAttributeError(req.Path.AtName(attribute), summary, detail)
	}
	r.checkLogin(wrong)
	plain := r.TLS.ValueString() == string(stack.MailPlain)
	if plain && !r.CA.IsNull() {
		wrong("ca", "Nothing to verify", `Without TLS the relay shows no certificate. Remove ca, or tls = "none".`)
	}
	resp.Diagnostics.Append(r.doubts(req.Path)...)
}

// checkLogin holds that user, password and version come together, and only
// over TLS.
func (r relayModel) checkLogin(wrong func(attribute, summary, detail string)) {
	switch {
	case !r.Username.IsNull() && r.PasswordWO.IsNull():
		wrong("password_wo", "Missing password_wo", "There is a username and no password to log in with. Give both, or none.")
	case r.Username.IsNull() && !r.PasswordWO.IsNull():
		wrong("username", "Missing username", "There is a password and no user to log in as. Give both, or none.")
	}
	switch {
	case !r.PasswordWO.IsNull() && r.PasswordWOVersion.IsNull():
		wrong("password_wo_version", "Missing password_wo_version",
			"Terraform does not keep password_wo, so it cannot tell when it changes: give password_wo_version = 1 with it, and another number to write another password.")
	case r.PasswordWO.IsNull() && !r.PasswordWOVersion.IsNull():
		wrong("password_wo_version", "Missing password_wo",
			"password_wo_version tells when to write password_wo anew, and there is none. Remove the version.")
	}
	if r.TLS.ValueString() == string(stack.MailPlain) && (!r.Username.IsNull() || !r.PasswordWO.IsNull()) {
		wrong("tls", "A login needs TLS", `With tls = "none" the password would cross the network for all to read. Use "starttls" or "tls", or leave the login out.`)
	}
}

// doubts warns of what is possible and hardly meant.
func (r relayModel) doubts(at path.Path) diag.Diagnostics {
	var diags diag.Diagnostics
	tls, port := stack.MailTLS(r.TLS.ValueString()), r.Port.ValueInt64()
	if r.TLS.IsUnknown() {
		return diags
	}
	if port == 465 && tls != stack.MailImplicitTLS || port == 587 && tls == stack.MailImplicitTLS {
		diags.AddAttributeWarning(at.AtName("port"), "Port and tls seldom go together",
			`Servers begin with TLS on port 465 (tls = "tls") and in plain text on 587 (tls = "starttls"). With the other one no mail would ever be sent.`)
	}
	if _, err := netip.ParseAddr(r.Host.ValueString()); err == nil && tls != stack.MailPlain {
		diags.AddAttributeWarning(at.AtName("host"), "A certificate for an address",
			fmt.Sprintf("Certificates are for names, and the public image of the mailer verifies them for names alone. If the relay has a name, give it instead of %s.", r.Host.ValueString()))
	}
	return diags
}
