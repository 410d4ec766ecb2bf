// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"maps"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// newerSysctls are kernel settings that a service does without where the
// kernel does not have them, and the kernel that brought each. No container
// can be started with a setting that its kernel does not know.
var newerSysctls = map[string]pool.Kernel{
	// Hands connections that wait at a listening socket that is being closed to
	// another socket of that port. Without it some are reset when a server
	// opens its socket anew.
	"net.ipv4.tcp_migrate_req": {Major: 5, Minor: 14},
}

// sysctls are those of the wanted kernel settings that the host's kernel has.
// The host is asked for its kernel only where that matters.
func (t *task) sysctls(ctx context.Context, wanted map[string]string) (map[string]string, error) {
	for name := range newerSysctls {
		if _, ok := wanted[name]; !ok {
			continue
		}
		kernel, err := t.host.Kernel(ctx)
		if err != nil {
			return nil, err
		}
		return WithoutNewer(wanted, kernel), nil
	}
	return wanted, nil
}

// WithoutNewer leaves out what came after a kernel.
func WithoutNewer(wanted map[string]string, kernel pool.Kernel) map[string]string {
	out := maps.Clone(wanted)
	maps.DeleteFunc(out, func(name, _ string) bool {
		least, ok := newerSysctls[name]
		return ok && kernel.Before(least)
	})
	return out
}
