// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// defaultHTTPPort needs no mention in a URL.
const defaultHTTPPort = 80

// address is the URL of a hostname that is served on a port of the host, null
// when no port is.
func address(domain string, port int) types.String {
	switch port {
	case 0:
		return types.StringNull()
	case defaultHTTPPort:
		return types.StringValue("http://" + domain)
	default:
		return types.StringValue(fmt.Sprintf("http://%s:%d", domain, port))
	}
}

// setAddresses fills in the URLs for the port that is published.
func (m *model) setAddresses(port int) {
	m.URL = address(m.Domain.ValueString(), port)
	m.StudioURL = address(m.StudioDomain.ValueString(), port)
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
