// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// TestHostnameClaimedTwice lets two portals want one hostname: in one
// configuration, and in two that know nothing of each other.
func TestHostnameClaimedTwice(t *testing.T) {
	t.Parallel()
	g := newTown(t, 2)
	first, second := g.sites[0], g.sites[1]
	claim := func(s *site, gateway string) string {
		return s.resource("second", fmt.Sprintf("gateway = %s\n aliases = [%q]", gateway, first.alias()))
	}
	one := g.ProviderConfig() + g.resource("") + first.resource("first", g.entrance(first))

	g.tf.Write(t, one+claim(second, "portal_gateway.front.name"))
	r := g.tf.Run(t, "plan", "-input=false", "-no-color")
	if r.ExitCode == 0 {
		t.Errorf("the plan accepts that two portals have %s:\n%s", first.alias(), r.Output)
	}
	says(t, r, "Two portals claim one hostname", first.alias(), first.Name, second.Name, g.Name)

	// A gateway that is nowhere is told of in the plan.
	other := acctest.NewTerraform(t, g.ProviderConfig()+claim(second, fmt.Sprintf("%q", g.Name)))
	r = other.Run(t, "plan", "-input=false", "-no-color")
	if r.ExitCode == 0 {
		t.Errorf("the plan accepts a gateway that is not there:\n%s", r.Output)
	}
	says(t, r, "gateway", g.Name, "portal_gateway", "so that it comes first")

	g.tf.Write(t, one)
	g.tf.Apply(t)
	r = other.Fail(t)
	says(t, r, "Portal "+second.Name, first.alias(), "by "+first.Name+" already", "by "+second.Name)
	v := g.visitor(t)
	if got := told(t, v.open(t, first.alias(), "/")); got.Portal != first.Name {
		t.Errorf("%s leads to %s", first.alias(), got.Portal)
	}
	if a := v.get(t, second.domain, "/"); a.status != 404 {
		t.Errorf("%s answers %d", second.domain, a.status)
	}

	// Nothing is in the way of the first, and the second goes on when the
	// hostname is free.
	g.noChange(t)
	g.tf.Write(t, strings.Replace(one, fmt.Sprintf("aliases = [%q]", first.alias()), "", 1))
	g.tf.Apply(t)
	other.Apply(t)
	for host, want := range map[string]string{first.domain: first.Name, first.alias(): second.Name, second.domain: second.Name} {
		if got := told(t, v.open(t, host, "/")); got.Portal != want {
			t.Errorf("%s leads to %s instead of %s", host, got.Portal, want)
		}
	}
	// An update that claims what is taken leaves all as it was.
	g.tf.Write(t, one)
	says(t, g.tf.Fail(t), "Portal "+first.Name, first.alias(), "by "+second.Name+" already")
	if got := told(t, v.open(t, first.alias(), "/")); got.Portal != second.Name {
		t.Errorf("%s leads to %s", first.alias(), got.Portal)
	}
	other.Destroy(t)
	g.tf.Destroy(t)
}
