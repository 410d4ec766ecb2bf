// SPDX-License-Identifier: MPL-2.0

package member

import (
	"context"
	"fmt"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// WebhookURL checks the address of a webhook. It is a secret, and so in no
// message.
func WebhookURL() validator.String { return webhookURL{} }

type webhookURL struct{}

const webhookURLDescription = "a URL that begins with https:// or http://"

func (webhookURL) Description(context.Context) string         { return webhookURLDescription }
func (webhookURL) MarkdownDescription(context.Context) string { return webhookURLDescription }

// ValidateString runs on a value that is set and known.
func (webhookURL) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	u, err := url.Parse(req.ConfigValue.ValueString())
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid value for %s", req.Path),
			`It must be a URL such as "https://hooks.example.com/T0/B0". It is not shown here, as it is a secret.`)
	}
}
