// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// address is the URL of a hostname, null when nobody comes in.
func address(domain string, entrance stack.Front) types.String {
	if entrance.Port == 0 {
		return types.StringNull()
	}
	return types.StringValue(entrance.URL(domain))
}

// setAddresses fills in the URLs.
func (m *model) setAddresses(entrance stack.Front) {
	m.URL = address(m.Domain.ValueString(), entrance)
	m.StudioURL = address(m.StudioDomain.ValueString(), entrance)
}

// studioDomain is the hostname of the studio when none is given.
func studioDomain(domain string) string { return "studio." + domain }

// publishers names the services that publish a port on the host.
func publishers(desired *stack.Stack) []string {
	var names []string
	for name, s := range desired.Services {
		if len(s.Ports) > 0 && s.Replicas > 0 {
			names = append(names, name)
		}
	}
	return names
}
