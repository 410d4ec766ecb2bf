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
func (d *Deployer) addresses(host string) []string {
	if address := d.Engine.Address(host); address != "" {
		return []string{address}
	}
	return nil
}
