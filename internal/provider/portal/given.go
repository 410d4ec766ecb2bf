// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/privateportals/terraform-provider-portal/internal/provider/certificate"
)

// given are the contents of the secrets that a configuration gives, by the names
// of their files, as far as they are to be written: private keys, and of the mail's
// those whose version the state, nil at create, does not have. Terraform does not
// tell whether one of the same version is another, so that is left as it is on the
// drive.
func (m model) given(ctx context.Context, prior *model) (map[string]string, diag.Diagnostics) {
	mail, diags := decodeMail(ctx, m.Mail)
	out := mail.given()
	if prior != nil {
		before, d := decodeMail(ctx, prior.Mail)
		diags.Append(d...)
		for name := range before.given() {
			delete(out, name)
		}
	}
	for name, content := range out {
		if content == "" {
			diags.AddError("A secret has no value", fmt.Sprintf("The write-only value that the file %s is made of turned out to be null or empty. Give one, or leave it out together with its version.", name))
		}
	}
	keys, d := certificate.Given(ctx, m.TLS)
	diags.Append(d...)
	maps.Copy(out, keys)
	return out, diags
}
