// SPDX-License-Identifier: MPL-2.0

//go:build lab

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

// clockTask is a task that the Swarm's scheduler runs every minute.
const clockTask = `
resource "portal_task" "tick" {
  portal   = portal.acme.name
  name     = "tick"
  image    = "portal-test/busybox"
  command  = ["sh", "-c", "date >> /ticks/log"]
  user     = "1000:1000"
  volumes  = { "/ticks" = { name = "ticks" } }
  cron     = "* * * * *"
  jitter   = "0s"
}
`

// TestLabSwarmMove lets hosts of engine docker become nodes of a Swarm, and a portal
// move into it by a change of the engine.
func TestLabSwarmMove(t *testing.T) {
	t.Parallel()
	acctest.Long(t)
	c := newColony(t)
	acme := house{name: "acme", port: 18001}
	guard := watch(t, c.data(acme))
	tf := acctest.NewTerraform(t, hostLabels.ReplaceAllString(c.config(nil, acme), "")+clockTask)
	tf.Apply(t)
	c.note(t, acme)
	from := c.home(t, "acme")

	tf.Write(t, c.provider(acme)+clockTask)
	plan := tf.Plan(t)
	change, ok := plan.Changes[acme.address()]
	if !ok || change.Before["host"] != from.Name || change.After["host"] != "swarm" {
		t.Fatalf("the plan does not move acme from %s into the Swarm:\n%s", from.Name, plan.Text)
	}
	r := tf.Apply(t)
	t.Logf("moved from %s into the Swarm in %s; no database for %s", from.Name, r.Took.Round(time.Millisecond), guard.gap().Round(time.Millisecond))
	planEmpty(t, tf)
	guard.one(t, "acme")
	for _, h := range c.Hosts {
		if left := c.members(t, h, "acme"); len(left) > 0 {
			t.Errorf("%s still has %v", h.Name, left)
		}
	}
	if note := c.read(t, acme, "note"); note != "kept by acme" {
		t.Errorf("the note of acme is %q", note)
	}
	if log := c.read(t, acme, "log"); log != "started flushed started" {
		t.Errorf("the database wrote %q", log)
	}
	web := c.nodes(t, "acme-web")
	if len(web) != 1 {
		t.Fatalf("the web server runs on %v", web)
	}
	i := slices.IndexFunc(c.Hosts, func(h *lab.Host) bool { return h.Name == web[0] })
	if page, err := c.page(t.Context(), c.Hosts[i], acme); err != nil || page != acme.domain() {
		t.Errorf("the page on %s is %q: %v", web[0], page, err)
	}

	t.Run("by the clock", func(t *testing.T) {
		before := c.ticks(t)
		eventuallyWithin(t, 3*time.Minute, "the scheduler runs the task twice", func() bool { return c.ticks(t) >= before+2 })
		tf.Apply(t, "-refresh-only")
		planEmpty(t, tf)
		if state := tf.Must(t, "state", "show", "-no-color", "portal_task.tick").Output; !strings.Contains(state, "next_run") {
			t.Errorf("the state tells of no next run:\n%s", state)
		}
	})
	tf.Destroy(t)
	c.deserted(t)
}

// ticks is how often the task has run.
func (c *colony) ticks(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.Drive, "acme/data/ticks/log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}
