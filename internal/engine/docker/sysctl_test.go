// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"maps"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

func TestSysctlsThatTheKernelHas(t *testing.T) {
	const migrate = "net.ipv4.tcp_migrate_req"
	wanted := map[string]string{migrate: "1", "net.core.somaxconn": "1024"}
	for _, tt := range []struct {
		kernel pool.Kernel
		has    bool
	}{
		{pool.Kernel{Major: 4, Minor: 18}, false},
		{pool.Kernel{Major: 5, Minor: 13}, false},
		{pool.Kernel{Major: 5, Minor: 14}, true},
		{pool.Kernel{Major: 6, Minor: 1}, true},
	} {
		got := WithoutNewer(wanted, tt.kernel)
		if _, has := got[migrate]; has != tt.has || got["net.core.somaxconn"] != "1024" {
			t.Errorf("on kernel %v: %v", tt.kernel, got)
		}
	}
	if !maps.Equal(wanted, map[string]string{migrate: "1", "net.core.somaxconn": "1024"}) {
		t.Errorf("what the stack wants was changed: %v", wanted)
	}
}
