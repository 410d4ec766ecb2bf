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

// LeaseHostVariable is the environment variable that tells what the host is called
// where that is not known when the container is described.
const LeaseHostVariable = lease.HostVariable

// LeaseCommand returns the arguments that run command, a program with its
// arguments, under the lease of its service. host is what the host is called; an
// empty one leaves that to LeaseHostVariable.
func LeaseCommand(host string, command []string) []string {
	out := []string{LeaseProgram, "agent", "lease", "--dir", LeaseDirectory}
	if host != "" {
		out = append(out, "--host", host)
	}
	return append(append(out, "--ttl", lease.DefaultTTL.String(), "--"), command...)
}
