// SPDX-License-Identifier: MPL-2.0

package agent

import "github.com/privateportals/terraform-provider-portal/internal/agent/lease"

func runLease(args []string) int { return lease.Main(args) }
