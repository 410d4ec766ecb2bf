// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// kills is how often runs are to be killed; each round has up to three.
func kills() int {
	if acctest.Thorough {
		return 20
	}
	return 2
}

// rounds bounds the tries, as some kills come too late.
const rounds = 12

// victims are what is killed: the provider, which Terraform then reports;
// Terraform, whose provider lives on; both, as when the run's machine dies.
var victims = []string{"provider", "terraform", "everything"}

// crasher kills runs at random moments, and counts.
type crasher struct {
	mu       sync.Mutex
	random   *rand.Rand
	killed   map[string]int // by operation
	imported int            // creates that were complete but not in the state
	beds     []*bed
	last     time.Time // of the last kill
}

// total counts the kills so far.
func (c *crasher) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, k := range c.killed {
		n += k
	}
	return n
}

// moment is when to kill an operation that takes about as long as given, and
// whom.
func (c *crasher) moment(takes time.Duration) (time.Duration, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.random.Float64() * float64(takes)), victims[c.random.IntN(len(victims))]
}

func (c *crasher) count(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed[operation]++
	c.last = time.Now()
}

// cut runs terraform and kills it after a random part of the time it takes.
func (c *crasher) cut(t *testing.T, b *bed, operation string, takes time.Duration, args ...string) {
	t.Helper()
	after, victim := c.moment(takes)
	p := b.tf.Start(t, append(args, "-auto-approve", "-input=false", "-no-color")...)
	select {
	case <-p.Ended():
	case <-time.After(after):
	}
	var killed bool
	switch victim {
	case "provider":
		killed = p.KillProvider(t)
	case "terraform":
		killed = p.KillTerraform(t)
	default:
		killed = p.Kill(t)
	}
	r := p.Wait(t)
	if killed {
		c.count(operation)
	}
	t.Logf("%s: kill %s after %s of %s: exit code %d", operation, victim, after.Round(time.Millisecond), takes.Round(time.Millisecond), r.ExitCode)
}

// TestKillAtAnyMoment kills the provider at random moments of create, update
// and destroy. The next run must finish what was begun: nothing doubled, left
// over or lost.
func TestKillAtAnyMoment(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &crasher{random: rand.New(rand.NewPCG(seed, 0)), killed: map[string]int{}}

	takes := timed(t)
	t.Run("rounds", func(t *testing.T) {
		for n := range rounds {
			t.Run(fmt.Sprint(n+1), func(t *testing.T) {
				if acctest.Thorough {
					t.Parallel()
				}
				if c.total() < kills() {
					c.round(t, takes)
				}
			})
		}
	})
	t.Logf("killed: %v; creates that were complete but not in the state, and were imported: %d", c.killed, c.imported)
	c.orphans(t)
	if n := c.total(); n < kills() {
		t.Errorf("only %d of %d kills came before the end of their run", n, kills())
	}
}

// timings are how long operations take that nobody disturbs.
type timings struct{ create, update, destroy time.Duration }

func timed(t *testing.T) timings {
	t.Helper()
	b := newBed(t)
	var took timings
	took.create = b.tf.Apply(t).Took
	b.change(t)
	took.update = b.tf.Apply(t).Took
	took.destroy = b.tf.Destroy(t).Took
	return took
}

// change makes the next apply replace the database, add a second site and
// replace the first.
func (b *bed) change(t *testing.T) {
	t.Helper()
	b.tf.Write(t, b.Config(`services = {
		db  = { environment = { TUNED = "yes" } }
		web = { replicas = 2, environment = { GREETING = "bonjour" } }
	}`))
}

// round takes one portal through its life, each step killed once.
func (c *crasher) round(t *testing.T, takes timings) {
	b := newBed(t)
	c.mu.Lock()
	c.beds = append(c.beds, b)
	c.mu.Unlock()
	c.cut(t, b, "create", takes.create, "apply")
	secret := b.secret(t)
	c.finishCreate(t, b)
	b.has(t, whole...)
	b.noChange(t)
	b.keepsSecret(t, &secret)
	b.leave(t, "kept by its user")

	b.change(t)
	c.cut(t, b, "update", takes.update, "apply")
	b.tf.Apply(t)
	b.has(t, append([]string{"web-2"}, whole...)...)
	b.noChange(t)
	b.keepsSecret(t, &secret)
	if code, out := b.exec(t, "web-2", "cat /tmp/www/greeting"); code != 0 || out != "bonjour" {
		t.Errorf("the second site says %q (exit code %d)", out, code)
	}

	c.cut(t, b, "destroy", takes.destroy, "destroy")
	b.tf.Destroy(t)
	b.has(t)
	b.keepsSecret(t, &secret)
	if text := b.read(t, "data", "db", "note"); text != "kept by its user" {
		t.Errorf("a file was lost: %q", text)
	}
	if log := b.log(t); !strings.HasSuffix(log, "flushed") {
		t.Errorf("the database did not stop in order: %s", log)
	}
	if status := b.read(t, "portal.json"); !strings.Contains(status, `"retained"`) {
		t.Errorf("the manifest is %s", status)
	}
	b.noLock(t)
}

// finishCreate applies again, and counts the imports.
func (c *crasher) finishCreate(t *testing.T, b *bed) {
	t.Helper()
	if b.applyOrImport(t) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.imported++
	}
}

// applyOrImport applies again. A create that was complete, but killed before
// its state was saved, is refused with the import that takes it over; then that
// is done, and true returned.
func (b *bed) applyOrImport(t *testing.T) bool {
	t.Helper()
	r := b.tf.Run(t, "apply", "-auto-approve", "-input=false", "-no-color")
	if r.ExitCode == 0 {
		return false
	}
	says(t, r, b.Name, "exists already", "import {", fmt.Sprintf("id = %q", b.Name))
	if t.Failed() {
		t.FailNow()
	}
	b.tf.Must(t, "import", "-input=false", "-no-color", "portal.acc", b.Name)
	b.noChange(t)
	return true
}

// TestKillBeforeTheStateIsSaved kills a create in the moment between the two:
// the portal is complete, and Terraform does not know it.
func TestKillBeforeTheStateIsSaved(t *testing.T) {
	acctest.Long(t)
	t.Parallel()
	const attempts = 5
	for range attempts {
		b := newBed(t)
		p := b.tf.Start(t, "apply", "-auto-approve", "-input=false", "-no-color")
		manifest := filepath.Join(b.Directory(), "portal.json")
		for complete := false; !complete; time.Sleep(time.Millisecond) {
			text, _ := os.ReadFile(manifest) // not there at first
			complete = strings.Contains(string(text), `"complete"`)
			select {
			case <-p.Ended():
				complete = true
			default:
			}
		}
		p.Kill(t)
		started := b.Started(t)
		imported := b.applyOrImport(t)
		b.has(t, whole...)
		b.untouched(t, started)
		if imported {
			return
		}
	}
	t.Errorf("in %d attempts the state was always saved before the kill", attempts)
}

// secret is the database's password, empty before it is made.
func (b *bed) secret(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.Directory(), "secrets", "db-password"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// keepsSecret asserts that a secret, once made, stays.
func (b *bed) keepsSecret(t *testing.T, known *string) {
	t.Helper()
	now := b.secret(t)
	if len(now) < 16 || *known != "" && now != *known {
		t.Errorf("the secret changed from %q to %q", *known, now)
	}
	*known = now
}

// leave puts a file among the database's.
func (b *bed) leave(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.Directory(), "data", "db", "note"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// noLock asserts that nobody holds the portal's lock.
func (b *bed) noLock(t *testing.T) {
	t.Helper()
	eventually(t, "the end of the lock of "+b.Name, func() bool {
		_, err := os.Stat(filepath.Join(b.Storage, ".locks", b.Name))
		return os.IsNotExist(err)
	})
}

// orphans asserts that agents which were made and never started, because the
// provider was killed between the two calls, are removed by a later run on the
// host. It is a minute before a run may take them for that.
func (c *crasher) orphans(t *testing.T) {
	t.Helper()
	left := func() int {
		n := 0
		for _, b := range c.beds {
			n += len(b.agents(t, "created"))
		}
		return n
	}
	if left() == 0 {
		return
	}
	t.Logf("%d agents were made and never started", left())
	time.Sleep(time.Until(c.last.Add(time.Minute + time.Second)))
	b := newBed(t)
	b.tf.Apply(t)
	b.tf.Destroy(t)
	if n := left(); n != 0 {
		t.Errorf("%d agents that never started are still there", n)
	}
}
