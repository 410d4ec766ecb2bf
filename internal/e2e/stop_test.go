// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// TestTimeToFlush has a database that takes 10 s to write its data when it is
// told to stop.
func TestTimeToFlush(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	b := newBed(t)
	b.EditBlueprint(t, "sleep 1; echo flushed", "sleep 10; echo flushed")
	b.tf.Apply(t)
	b.tf.Write(t, b.Config(`services = { db = { environment = { TUNED = "yes" } } }`))
	b.tf.Apply(t)
	if log := b.log(t); !strings.Contains(log, "flushed started") {
		t.Errorf("the update did not let the database flush before the new one started: %s", log)
	}
	b.tf.Destroy(t)
	if log := b.log(t); !strings.HasSuffix(log, "flushed") || strings.Count(log, "flushed") != 2 {
		t.Errorf("the destroy did not let the database flush: %s", log)
	}
}

// TestFailingTask has a task at deploy that fails, at first when the portal is
// made, then in an update.
func TestFailingTask(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	const good, bad = "echo migrated >> /data/log", "echo no such table: courses; exit 3"
	b := newBed(t)
	b.EditBlueprint(t, good, bad)
	says(t, b.tf.Fail(t), "Portal "+b.Name, "create failed", "migrate", "exit code 3", "no such table: courses")
	if state := b.tf.Must(t, "state", "list").Output; state != "" {
		t.Errorf("the failed create left %q in the state", state)
	}
	b.noneTainted(t)
	started := b.Started(t)
	if len(started) != 1 {
		t.Errorf("%v runs without its migration", started)
	}

	b.EditBlueprint(t, bad, good)
	b.tf.Apply(t)
	b.untouched(t, started)
	b.has(t, whole...)
	b.noChange(t)
	if log := b.log(t); log != "started migrated" {
		t.Errorf("the database's log is %q", log)
	}

	// A change of site and task: the task fails, the old site goes on.
	started = b.Started(t)
	b.EditBlueprint(t, good, bad)
	b.tf.Write(t, b.Config(`services = { web = { environment = { GREETING = "bonjour" } } }`))
	says(t, b.tf.Fail(t), "Portal "+b.Name, "update failed", "migrate", "exit code 3", "no such table: courses")
	b.untouched(t, started)
	b.noneTainted(t)
	if code, out := b.exec(t, "db-1", "wget -q -O - http://web:8000/greeting"); code != 0 || out != "hello" {
		t.Errorf("the old site answers %q (exit code %d)", out, code)
	}

	b.EditBlueprint(t, bad, good)
	b.tf.Apply(t)
	b.untouched(t, started, "web-1")
	b.has(t, whole...)
	b.noChange(t)
	if code, out := b.exec(t, "db-1", "wget -q -O - http://web:8000/greeting"); code != 0 || out != "bonjour" {
		t.Errorf("the new site answers %q (exit code %d)", out, code)
	}
}
