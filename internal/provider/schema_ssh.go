// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/privateportals/terraform-provider-portal/internal/provider/validate"
)

func sshAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Keys for an `ssh` endpoint. What is left out is taken from the environment, and then from where the `ssh` command has it.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"private_key": schema.StringAttribute{
				MarkdownDescription: "Private key of the user, the text of a file such as `id_ed25519`. Default: the keys of the ssh agent (`SSH_AUTH_SOCK`), then `id_ed25519`, `id_ecdsa` and `id_rsa` in `~/.ssh`. Environment: `PORTAL_SSH_KEY`.",
				Optional:            true,
				Sensitive:           true,
			},
			"passphrase": schema.StringAttribute{
				MarkdownDescription: "Passphrase of the private key, if it is encrypted. Environment, with the key's: `PORTAL_SSH_PASSPHRASE`.",
				Optional:            true,
				Sensitive:           true,
			},
			"known_hosts": schema.StringAttribute{
				MarkdownDescription: "Keys of the host, or of the authority that signs them: lines as in `~/.ssh/known_hosts`, as `ssh-keyscan` prints them. A host whose key is not among them is refused; there is no option to skip that. Default: `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`. Environment: `PORTAL_SSH_KNOWN_HOSTS`.",
				Optional:            true,
			},
			"socket": schema.StringAttribute{
				MarkdownDescription: "Path of the Docker Engine's socket on the host. Default: that of the endpoint, else `/var/run/docker.sock`.",
				Optional:            true,
				Validators:          []validator.String{validate.SocketPath()},
			},
		},
	}
}
