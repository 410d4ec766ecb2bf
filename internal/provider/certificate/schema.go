// SPDX-License-Identifier: MPL-2.0

// Package certificate is what the resources portal and portal_gateway have in
// common: where certificates come from, and what became of them.
package certificate

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// TLSAttribute is the attribute tls. description says whose it is, and what holds
// without it.
func TLSAttribute(description string) schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: description + " See the guide [Domains and certificates](../guides/domains-and-certificates).",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"mode": schema.StringAttribute{
				MarkdownDescription: "Where certificates come from. `acme`: from a certificate authority, Let's Encrypt unless `acme` names another; they are renewed in time without Terraform. `internal`: from an authority of its own, on the shared drive, that browsers do not know. `files`: only `certificates`. `off`: plain HTTP, because TLS ends elsewhere.",
				Required:            true,
				Validators: []validator.String{stringvalidator.OneOf(
					string(stack.TLSACME), string(stack.TLSInternal), string(stack.TLSFiles), string(stack.TLSOff),
				)},
			},
			"acme": schema.SingleNestedAttribute{
				MarkdownDescription: "The account with the authority, for `mode = \"acme\"`.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"directory": schema.StringAttribute{
						MarkdownDescription: "URL of the authority's ACME directory. Default: Let's Encrypt.",
						Optional:            true,
					},
					"email": schema.StringAttribute{
						MarkdownDescription: "Where the authority may write to about the account.",
						Optional:            true,
					},
					"ca": schema.StringAttribute{
						MarkdownDescription: "Certificates, in PEM form, that the directory's own certificate is checked with, where it is an authority inside a company. Default: the public authorities.",
						Optional:            true,
					},
					"eab": schema.SingleNestedAttribute{
						MarkdownDescription: "Binds the account to one that the authority gave you (external account binding), as ZeroSSL, Sectigo and Google ask for.",
						Optional:            true,
						Attributes: map[string]schema.Attribute{
							"key_id": schema.StringAttribute{
								MarkdownDescription: "Id of the key.",
								Required:            true,
								Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
							},
							"mac_key_wo": schema.StringAttribute{
								MarkdownDescription: "The key, as the authority gave it (base64url). It goes to the shared drive and is in no plan or state.",
								Required:            true,
								Sensitive:           true,
								WriteOnly:           true,
							},
						},
					},
				},
			},
			"certificates": schema.MapNestedAttribute{
				MarkdownDescription: "Certificates of your own, by a name of your choice. Where one is valid for a hostname, it is used and none is asked for.",
				Optional:            true,
				Validators:          []validator.Map{mapvalidator.SizeAtLeast(1)},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"certificate": schema.StringAttribute{
						MarkdownDescription: "The chain in PEM form, the certificate itself first.",
						Required:            true,
					},
					"private_key_wo": schema.StringAttribute{
						MarkdownDescription: "Its private key in PEM form. It goes to the shared drive and is in no plan or state; another `certificate` brings another key along.",
						Required:            true,
						Sensitive:           true,
						WriteOnly:           true,
					},
				}},
			},
		},
	}
}

// CertificatesAttribute is the attribute that tells what became of them.
func CertificatesAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: "The certificates in use, by hostname, as they were when Terraform last read or applied this resource. Null where it has none, because `tls` is not set or `off`.",
		Computed:            true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"status": schema.StringAttribute{
				MarkdownDescription: "`valid`, `expired`, or `missing` while there is none: an authority is asked again by itself, with mode `files` it is to be given.",
				Computed:            true,
			},
			"issuer": schema.StringAttribute{
				MarkdownDescription: "Who issued it.",
				Computed:            true,
			},
			"expires": schema.StringAttribute{
				MarkdownDescription: "When it expires (RFC 3339, UTC). Certificates of `acme` and `internal` are renewed when a third of their time is left.",
				Computed:            true,
			},
		}},
	}
}

// TrustedProxiesAttribute is the attribute trusted_proxies of who is before it.
func TrustedProxiesAttribute(who string) schema.Attribute {
	return schema.SetAttribute{
		MarkdownDescription: "Networks (CIDR) of the proxies before " + who + ", such as a cloud provider's load balancer or a CDN: what they say of a visitor's address, scheme and hostname (`X-Forwarded-For`, `-Proto`, `-Host`) counts, and nobody else's word does. Without `tls`, visitors are taken to use HTTPS there, at port 443.",
		Optional:            true,
		ElementType:         types.StringType,
		Validators:          []validator.Set{setvalidator.SizeAtLeast(1)},
	}
}
