// SPDX-License-Identifier: MPL-2.0

//go:build lab

package e2e_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

// TestLabPool is one pool of three hosts, as starting takes longest.
func TestLabPool(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	t.Run("Drain", e.testDrain)
	if acctest.Thorough {
		t.Run("Ways", e.testWays)
		t.Run("HostDies", e.testHostDies)
	}
}

// testDrain places three portals over three hosts, and moves them by all that
// moves portals.
func (e *estate) testDrain(t *testing.T) {
	acme, globex, initech := house{"acme", 18001, ""}, house{"globex", 18002, ""}, house{"initech", 18003, ""}
	all := []house{acme, globex, initech}
	sentries := map[string]*sentry{}
	for _, p := range all {
		sentries[p.name] = watch(t, e.data(p))
	}
	chat := `
resource "portal_service" "chat" {
  portal  = portal.acme.name
  name    = "chat"
  image   = "portal-test/busybox"
  command = ["sleep", "infinity"]
}
`
	cottage := []string{"db-1", "web-1"}
	tf := acctest.NewTerraform(t, e.config(nil, all...)+chat)
	r := tf.Apply(t)
	e.note(t, all...)
	for _, p := range all {
		says(t, r, "Portal "+p.name+": to run on host h", "the most memory free, ", " of h1, h2, h3.")
		members := cottage
		if p == acme {
			members = []string{"chat-1", "db-1", "web-1"}
		}
		e.whole(t, p, e.home(t, p.name).Name, members...)
	}
	if homes := []string{e.home(t, "acme").Name, e.home(t, "globex").Name, e.home(t, "initech").Name}; len(slices.Compact(slices.Sorted(slices.Values(homes)))) != 3 {
		t.Errorf("three portals are placed on %v", homes)
	}
	planEmpty(t, tf)

	t.Run("drain", func(t *testing.T) {
		from := e.home(t, "globex")
		others := e.ids(t, "acme", "initech")
		tf.Write(t, e.config(map[string]string{from.Name: "drain = true"}, all...)+chat)
		to := e.moves(t, tf, globex, "away from "+from.Name+" (it is drained): the most memory free, ")
		e.whole(t, globex, to.Name, cottage...)
		e.empty(t, from)
		if now := e.ids(t, "acme", "initech"); !maps.Equal(others, now) {
			t.Errorf("other portals had the containers %v, and have %v", others, now)
		}
		t.Logf("no database of globex for %s", sentries["globex"].gap().Round(time.Millisecond))
		planEmpty(t, tf)
	})
	t.Run("constraints", func(t *testing.T) {
		from := e.home(t, "acme")
		to := e.Hosts[(slices.Index(e.Hosts, from)+1)%3]
		acme.more = `constraints = ["node.labels.zone == ` + to.Zone + `", "node.hostname != none"]`
		tf.Write(t, e.config(nil, acme, globex, initech)+chat)
		e.moves(t, tf, acme, "away from "+from.Name+" (\"node.labels.zone == "+to.Zone+"\" does not hold): ", "the only host that is not drained and for which ")
		e.whole(t, acme, to.Name, "chat-1", "db-1", "web-1")
		planEmpty(t, tf)
	})
	t.Run("host", func(t *testing.T) {
		from := e.home(t, "acme")
		to := e.Hosts[(slices.Index(e.Hosts, from)+1)%3]
		acme.more = `host = "` + to.Name + `"`
		tf.Write(t, e.config(nil, acme, globex, initech)+chat)
		e.moves(t, tf, acme, "away from "+from.Name, "chosen by host")
		e.whole(t, acme, to.Name, "chat-1", "db-1", "web-1")
		planEmpty(t, tf)
	})
	for _, p := range all {
		sentries[p.name].one(t, p.name)
		if log := e.read(t, p, "log"); strings.Count(log, "started") != strings.Count(log, "flushed")+1 {
			t.Errorf("a database of %s did not end in order: %s", p.name, log)
		}
	}
	if log := e.read(t, acme, "log"); log != "started flushed started flushed started" {
		t.Errorf("the database of acme wrote %q after two moves", log)
	}
	tf.Destroy(t)
	for _, h := range e.Hosts {
		e.empty(t, h)
	}
}

// ids are those of the portals' containers on all hosts, by host and name.
func (e *estate) ids(t *testing.T, portals ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, h := range e.up() {
		for _, p := range portals {
			for name, id := range e.members(t, h, p) {
				all[h.Name+" "+p+" "+name] = id
			}
		}
	}
	return all
}

// moves plans and applies the move of one portal, of which alone the plan tells,
// and why; it returns where to.
func (e *estate) moves(t *testing.T, tf *acctest.Terraform, p house, why ...string) *lab.Host {
	t.Helper()
	return e.movesFrom(t, tf, p, e.home(t, p.name).Name, why...)
}

// movesFrom is moves for a host that does not answer.
func (e *estate) movesFrom(t *testing.T, tf *acctest.Terraform, p house, from string, why ...string) *lab.Host {
	t.Helper()
	plan := tf.Plan(t)
	change, ok := plan.Changes[p.address()]
	if !ok || len(plan.Changes) != 1 || !slices.Equal(change.Actions, []string{"update"}) {
		t.Fatalf("the plan is not an update of %s alone:\n%s", p.name, plan.Text)
	}
	if change.Before["host"] != from || change.After["host"] == from {
		t.Errorf("%s is planned to move from %v to %v", p.name, change.Before["host"], change.After["host"])
	}
	for _, part := range why {
		if !strings.Contains(words(strings.ReplaceAll(plan.Text, `\"`, `"`)), part) {
			t.Errorf("the plan does not say %q:\n%s", part, plan.Text)
		}
	}
	visits := e.visit(t, p, e.up()...)
	r := tf.Apply(t)
	to := e.home(t, p.name)
	t.Logf("%s moved from %s to %s: the apply took %s, the page was away for %s", p.name, from, to.Name, r.Took.Round(time.Millisecond), visits().Round(time.Millisecond))
	for _, part := range why {
		if state := strings.ReplaceAll(tf.Must(t, "state", "show", "-no-color", p.address()).Output, `\"`, `"`); !strings.Contains(state, part) {
			t.Errorf("the state does not say %q:\n%s", part, state)
		}
	}
	return to
}

// visit asks for a portal's page on two hosts, all the time. What it returns
// ends that, and tells for how long neither had it.
func (e *estate) visit(t *testing.T, p house, hosts ...*lab.Host) func() time.Duration {
	stop, gone := make(chan struct{}), make(chan struct{})
	last, away := time.Now(), time.Duration(0)
	go func() {
		defer close(gone)
		for {
			for _, h := range hosts {
				if page, err := e.page(t.Context(), h, p); err == nil && page == p.domain() {
					away, last = max(away, time.Since(last)), time.Now()
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		<-gone
		return away
	}
}
