// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// sshModel is how a host is reached over ssh, as Terraform has it.
type sshModel struct {
	PrivateKey types.String `tfsdk:"private_key"`
	Passphrase types.String `tfsdk:"passphrase"`
	KnownHosts types.String `tfsdk:"known_hosts"`
	Socket     types.String `tfsdk:"socket"`
}

// ssh joins the block with the environment, which is for ssh endpoints alone.
// The passphrase goes with its key: that of the environment is for no key of
// the block.
func (h hostModel) ssh() *pool.SSH {
	given := h.SSH
	if given == nil {
		given = &sshModel{}
	}
	s := pool.SSH{
		PrivateKey: given.PrivateKey.ValueString(), Passphrase: given.Passphrase.ValueString(),
		KnownHosts: given.KnownHosts.ValueString(), Socket: given.Socket.ValueString(),
	}
	if isSSH(h.Endpoint.ValueString()) {
		if s.PrivateKey == "" {
			s.PrivateKey = os.Getenv(envSSHKey)
			s.Passphrase = cmp.Or(s.Passphrase, os.Getenv(envSSHPass))
		}
		s.KnownHosts = cmp.Or(s.KnownHosts, os.Getenv(envSSHKnown))
	}
	if h.SSH == nil && s == (pool.SSH{}) {
		return nil
	}
	return &s
}

func isSSH(endpoint string) bool { return strings.HasPrefix(endpoint, "ssh://") }
