// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"github.com/privateportals/terraform-provider-portal/internal/agent/lease"
)

// Where the engine mounts what a service with a lease needs.
const (
	// LeaseProgram is this program in the service's container.
	LeaseProgram = "/.portal/agent"
	// LeaseDirectory is the lease's directory there.
	LeaseDirectory = "/.portal/lease"
	// ProgramsDirectory is below the shared drive: this program, by its hash, for
	// containers to mount.
	ProgramsDirectory = ".portal-agent"
)

// LeaseCommand returns the arguments that run command, a program with its
// arguments, under the lease of its service. host is what the host is called.
func LeaseCommand(host string, command []string) []string {
	return append([]string{
		LeaseProgram, "agent", "lease", "--dir", LeaseDirectory, "--host", host,
		"--ttl", lease.DefaultTTL.String(), "--",
	}, command...)
}
