// SPDX-License-Identifier: MPL-2.0

package portal

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
)

const addressesDescription = "IP addresses or hostnames at which visitors reach the portal, for DNS records of its hostnames: the `address` of the host that runs it, or those of its gateway. Empty when the provider does not know that address."

// addressesValue is the attribute addresses.
func addressesValue(ctx context.Context, addresses []string) (types.List, diag.Diagnostics) {
	return types.ListValueFrom(ctx, types.StringType, append([]string{}, addresses...))
}

// planDNS plans the addresses. They belong to the host or the gateway: a portal
// that stays where it is keeps them.
func (m *model) planDNS(prior *model) {
	if m.samePlace(prior) && m.Gateway.Equal(prior.Gateway) {
		m.Addresses = prior.Addresses
	}
}

// settleDNS fills in what the plan did not know.
func (m *model) settleDNS(ctx context.Context, result deploy.Result) diag.Diagnostics {
	if !m.Addresses.IsUnknown() {
		return nil
	}
	value, diags := addressesValue(ctx, result.Addresses)
	m.Addresses = value
	return diags
}

// observeDNS puts what was found into a state. Without a host the last known
// addresses stay.
func (m *model) observeDNS(ctx context.Context, result deploy.Result) diag.Diagnostics {
	if result.Host == "" {
		return nil
	}
	value, diags := addressesValue(ctx, result.Addresses)
	m.Addresses = value
	return diags
}
