// SPDX-License-Identifier: MPL-2.0

package backup

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// check finds what is wrong between attributes, as far as they are known.
func (m model) check() diag.Diagnostics {
	var diags diag.Diagnostics
	if m.Repository.IsUnknown() || m.CredentialsWO.IsUnknown() {
		return diags
	}
	given := m.CredentialsWO.Elements()
	sftp := schemeOf(m.Repository.ValueString()) == sftpScheme
	for _, name := range []string{sshPrivateKey, sshKnownHosts} {
		switch _, found := given[name]; {
		case sftp && !found:
			diags.AddAttributeError(path.Root("credentials_wo"), "Missing "+name,
				fmt.Sprintf("A repository by SFTP is opened with a key, and only on a host that is known: give credentials_wo = { %s = …, %s = … }, each the content of such a file. The output of ssh-keyscan is one of known hosts.", sshPrivateKey, sshKnownHosts))
			return diags
		case found && !sftp:
			diags.AddAttributeError(path.Root("credentials_wo"), "Unused "+name,
				fmt.Sprintf("%s is for a repository by SFTP alone: leave it out, or give repository = \"sftp:user@host:/path\".", name))
		}
	}
	return diags
}
