// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// gatewayRounds is how many towns are killed at create, at update and at destroy.
const gatewayRounds = 1

// TestGatewayKilledAtAnyMoment kills the provider while it works on a gateway and
// a portal behind it. The next run must finish what was begun.
func TestGatewayKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &crasher{random: rand.New(rand.NewPCG(seed, 0)), killed: map[string]int{}}
	var takes timings
	g := newTown(t, 1)
	takes.create = g.tf.Apply(t).Took
	g.move(t)
	takes.update = g.tf.Apply(t).Took
	takes.destroy = g.tf.Destroy(t).Took
	t.Run("rounds", func(t *testing.T) {
		for n := range gatewayRounds {
			t.Run(fmt.Sprint(n+1), func(t *testing.T) {
				t.Parallel()
				c.town(t, takes)
			})
		}
	})
	t.Logf("killed: %v", c.killed)
	if c.total() == 0 {
		t.Error("every run ended before its moment")
	}
}

// move lets the next apply replace the gateway, by another port, and change the
// hostnames of its first site.
func (g *town) move(t *testing.T) {
	t.Helper()
	g.http = freePort(t)
	s := g.sites[0]
	g.tf.Write(t, strings.Replace(g.config(s), s.alias(), "moved."+s.alias(), 1))
}

// town takes a gateway and a site through their life, each step killed once.
func (c *crasher) town(t *testing.T, takes timings) {
	g := newTown(t, 1)
	s := g.sites[0]
	leads := func(to ...string) {
		t.Helper()
		v := g.visitor(t)
		for _, host := range to {
			if got := told(t, v.open(t, host, "/")); got.Portal != s.Name {
				t.Errorf("%s leads to %s", host, got.Portal)
			}
		}
		g.noChange(t)
	}
	c.cut(t, g.bed, "create", takes.create, "apply")
	g.finish(t)
	leads(s.domain, s.alias())

	g.move(t)
	c.cut(t, g.bed, "update", takes.update, "apply")
	g.finish(t)
	leads(s.domain, "moved."+s.alias())
	if a := g.visitor(t).get(t, s.alias(), "/"); a.status != 404 {
		t.Errorf("a hostname that was given up answers %d", a.status)
	}

	c.cut(t, g.bed, "destroy", takes.destroy, "destroy")
	g.tf.Destroy(t)
	s.has(t)
	g.has(t)
	g.noLock(t)
}

// finish applies again. What was complete, but killed before its state was saved,
// is imported first, as the error says.
func (g *town) finish(t *testing.T) {
	t.Helper()
	for range 3 {
		r := g.tf.Run(t, "apply", "-auto-approve", "-input=false", "-no-color")
		switch {
		case r.ExitCode == 0:
			return
		case !strings.Contains(r.Output, "exists already"):
			t.Fatalf("terraform apply: exit code %d\n%s", r.ExitCode, r.Output)
		case strings.Contains(r.Output, fmt.Sprintf("gateway %q", g.Name)):
			g.tf.Must(t, "import", "-input=false", "-no-color", gatewayAddress, g.Name)
		default:
			g.tf.Must(t, "import", "-input=false", "-no-color", "portal.site1", g.sites[0].Name)
		}
	}
	t.Fatal("it is still not done after two imports")
}
