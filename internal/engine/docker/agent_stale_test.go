// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

func TestStaleAgents(t *testing.T) {
	for name, tc := range map[string]struct {
		role, state string
		age         time.Duration
		want        bool
	}{
		"never started":                    {agent.RoleAgent, "created", time.Hour, true},
		"about to be started":              {agent.RoleAgent, "created", time.Second, false},
		"at work":                          {agent.RoleAgent, "running", time.Hour, false},
		"halted":                           {agent.RoleAgent, "paused", time.Hour, false},
		"ended, by a daemon killed then":   {agent.RoleAgent, "exited", time.Hour, true},
		"removed, by a daemon killed then": {agent.RoleAgent, "dead", time.Hour, true},
		"no agent":                         {pool.RoleGateway, "exited", time.Hour, false},
	} {
		c := pool.Container{State: tc.state, Created: time.Now().Add(-tc.age), Labels: map[string]string{pool.LabelRole: tc.role}}
		if isStaleAgent(c) != tc.want {
			t.Errorf("%s: stale is %t", name, !tc.want)
		}
	}
}
