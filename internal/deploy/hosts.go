// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
)

// HostStatus tells of each host of the pool how it is, sorted by name. One that
// does not answer is a row with its error.
func (d *Deployer) HostStatus(ctx context.Context) []engine.HostStatus {
	return d.Engine.HostStatus(ctx)
}

// addresses are where visitors reach what runs on a host, none when that is not
// known. No host is asked.
func (d *Deployer) addresses(host string) []string { return d.Engine.Addresses(host) }

// address is the one by which other hosts reach a host, empty when it is not known.
func (d *Deployer) address(host string) string {
	if all := d.Engine.Addresses(host); len(all) > 0 {
		return all[0]
	}
	return ""
}
