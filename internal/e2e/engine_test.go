// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// onEngine makes a portal on an engine of its own.
func onEngine(t *testing.T, options ...string) (*acctest.Engine, *bed) {
	t.Helper()
	acctest.PreCheck(t)
	e := acctest.StartEngine(t, options...)
	return e, bedOf(t, e.NewPortal(t))
}

// TestEngineKilled kills dockerd under a portal that runs. With live-restore
// nothing is to be done when it is back. Without, dockerd itself stops what it
// finds running and, as it takes that for a stop by hand, leaves it: that shows,
// and the next apply starts the same containers again.
func TestEngineKilled(t *testing.T) {
	for name, options := range map[string][]string{"live-restore": {"--live-restore"}, "default": nil} {
		t.Run(name, func(t *testing.T) {
			long.Among(t, name, "default")
			t.Parallel()
			e, b := onEngine(t, options...)
			b.tf.Apply(t)
			before, started := b.ids(t), b.Started(t)
			e.Kill(t)
			down := b.tf.Run(t, "plan", "-input=false", "-no-color")
			says(t, down, "Portal "+b.Name, `host "test"`, e.Endpoint, "dockerd running")
			if down.ExitCode != 1 || down.Took > 20*time.Second {
				t.Errorf("a plan without dockerd: exit code %d after %s", down.ExitCode, down.Took)
			}
			e.Start(t)
			if options == nil {
				plan := b.tf.Plan(t)
				if touched := plan.Changes["portal.acc"].Services(); len(touched) != 3-len(b.Started(t)) {
					t.Errorf("%d containers run, and the plan changes %v", len(b.Started(t)), touched)
				}
				b.tf.Apply(t)
			} else {
				b.untouched(t, started)
			}
			b.noChange(t)
			b.has(t, whole...)
			if after := b.ids(t); !maps.Equal(before, after) {
				t.Errorf("containers were replaced: %v, then %v", before, after)
			}
			if n := len(b.Started(t)); n != 3 {
				t.Errorf("%d containers run instead of 3", n)
			}
			b.tf.Destroy(t)
			b.has(t)
		})
	}
}

// ids are the ids of the portal's containers, by name.
func (b *bed) ids(t *testing.T) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for _, c := range b.all(t) {
		if strings.HasPrefix(c.Names[0], "/"+b.Name+"-") {
			ids[c.Names[0]] = c.ID
		}
	}
	return ids
}

// TestEngineDiesMidway kills dockerd during a create, an update and a destroy.
// Each fails soon and says why; when dockerd is back the next run finishes it.
func TestEngineDiesMidway(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	e, b := onEngine(t)
	// Long enough to be in the middle of it: the task and the database's end.
	b.EditBlueprint(t, "echo migrated", "sleep 5; echo migrated")
	b.EditBlueprint(t, "sleep 1; echo flushed", "sleep 5; echo flushed")

	b.dies(t, e, "create", func() bool { return b.state(t, "migrate") == container.StateRunning }, "apply")
	b.tf.Apply(t)
	b.has(t, whole...)
	b.noChange(t)
	secret := b.secret(t)
	b.leave(t, "kept by its user")

	b.change(t)
	b.dies(t, e, "update", func() bool { return b.state(t, "db-1_previous") != "" || b.ending(t) }, "apply")
	b.tf.Apply(t)
	b.has(t, append([]string{"web-2"}, whole...)...)
	b.noChange(t)

	b.dies(t, e, "destroy", func() bool { return b.state(t, "load-balancer-1") == "" }, "destroy")
	b.tf.Destroy(t)
	b.has(t)
	b.keepsSecret(t, &secret)
	if text := b.read(t, "data", "db", "note"); text != "kept by its user" {
		t.Errorf("a file was lost: %q", text)
	}
}

// state is that of a container, empty if there is none.
func (b *bed) state(t *testing.T, member string) string {
	t.Helper()
	for _, c := range b.all(t) {
		if c.Names[0] == "/"+b.Container(member) {
			return c.State
		}
	}
	return ""
}

// ending tells that the database was told to stop.
func (b *bed) ending(t *testing.T) bool {
	t.Helper()
	top, err := b.Docker.ContainerTop(enginetest.Context(t), b.Container("db-1"), nil)
	if err != nil {
		return false
	}
	for _, p := range top.Processes {
		if strings.HasSuffix(strings.Join(p, " "), "sleep 5") {
			return true
		}
	}
	return false
}

// dies runs terraform, kills dockerd in the middle of it, and starts it again
// when terraform has ended.
func (b *bed) dies(t *testing.T, e *acctest.Engine, operation string, middle func() bool, command string) {
	t.Helper()
	p := b.tf.Start(t, command, "-auto-approve", "-input=false", "-no-color")
	eventually(t, "the middle of the "+operation, func() bool {
		select {
		case <-p.Ended():
			t.Fatalf("the %s ended before dockerd was killed:\n%s", operation, p.Output())
		default:
		}
		return middle()
	})
	e.Kill(t)
	killed := time.Now()
	r := p.Wait(t)
	took := time.Since(killed)
	t.Logf("%s: failed %s after the end of dockerd", operation, took.Round(time.Millisecond))
	if r.ExitCode != 1 || took > 15*time.Second {
		t.Errorf("%s: exit code %d, %s after the end of dockerd", operation, r.ExitCode, took)
	}
	says(t, r, "Portal "+b.Name, operation+" failed", `host "test"`, "dockerd running", "apply again")
	e.Start(t)
	if operation != "destroy" {
		b.noneTainted(t)
	}
}
