// SPDX-License-Identifier: MPL-2.0

//go:build lab && long

package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// TestLabSwarmKill kills the provider, dockerd of a node, or a whole node at random
// moments of creates and updates on a Swarm.
func TestLabSwarmKill(t *testing.T) {
	t.Parallel()
	c := newColony(t)
	k := &killer{estate: c.estate, changes: []string{"update"}, settle: c.settle}
	k.configure = func() string {
		k.house.more = k.told()
		return c.provider(k.house)
	}
	k.converged = func(t *testing.T) { c.complete(t, k.house) }
	k.destroyed = c.deserted
	k.run(t)
}

// settle waits until all nodes are ready, and the managers have a leader.
func (c *colony) settle(t *testing.T) {
	t.Helper()
	eventuallyWithin(t, 2*time.Minute, "a whole Swarm", func() bool {
		for _, h := range c.Hosts {
			nodes, err := h.Docker().NodeList(enginetest.Context(t), swarm.NodeListOptions{})
			if err != nil || slices.ContainsFunc(nodes, func(n swarm.Node) bool {
				return n.Status.State != swarm.NodeStateReady || n.ManagerStatus == nil || n.ManagerStatus.Reachability != swarm.ReachabilityReachable
			}) {
				return false
			}
		}
		return true
	})
}

// complete asserts that a house runs once, with its page and its data.
func (c *colony) complete(t *testing.T, p house) {
	t.Helper()
	for _, service := range []string{"db", "web"} {
		if nodes := c.nodes(t, p.name+"-"+service); len(nodes) != 1 {
			t.Errorf("%s of %s runs on %v", service, p.name, nodes)
		}
	}
	web := c.nodes(t, p.name+"-web")
	if len(web) != 1 {
		return
	}
	h, err := c.Host(web[0])
	must(t, err)
	if page, err := c.page(t.Context(), h, p); err != nil || page != p.domain() {
		t.Errorf("the page of %s on %s is %q: %v", p.name, h.Name, page, err)
	}
	if note := c.read(t, p, "note"); note != fmt.Sprintf("kept by %s", p.name) {
		t.Errorf("the note of %s is %q", p.name, note)
	}
}
