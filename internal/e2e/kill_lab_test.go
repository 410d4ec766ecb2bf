// SPDX-License-Identifier: MPL-2.0

//go:build lab && long

package e2e_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

// TestLabKill kills the provider, dockerd, or a whole host at random moments of
// creates, updates and moves. What was killed is started again, and the next apply
// finishes what was begun.
func TestLabKill(t *testing.T) {
	t.Parallel()
	k := &killer{estate: newEstate(t), changes: []string{"update", "move"}}
	k.configure = func() string {
		k.house.more = fmt.Sprintf("host = %q\n%s", k.Hosts[k.on].Name, k.told())
		return k.config(nil, k.house)
	}
	k.converged = func(t *testing.T) {
		k.whole(t, k.house, k.Hosts[k.on].Name, "db-1", "web-1")
		for _, h := range slices.Concat(k.Hosts[:k.on], k.Hosts[k.on+1:]) {
			k.empty(t, h)
		}
	}
	k.destroyed = func(t *testing.T) {
		for _, h := range k.Hosts {
			k.empty(t, h)
		}
	}
	k.run(t)
}

// killer takes one portal after the other through their lives.
type killer struct {
	*estate
	changes   []string         // what is done to a portal that is there
	configure func() string    // the configuration of the house by now
	settle    func(*testing.T) // waits until the pool is whole again; may be nil
	converged func(*testing.T) // asserts that the house is as it is to be
	destroyed func(*testing.T) // asserts that nothing is left of it
	random    *rand.Rand
	killed    map[string]int
	imported  int
	restarted int // Docker, for a port that it kept

	portal int // how many there were
	house  house
	on     int // the host that it is to be on
	word   int // changes with each update
	tf     *acctest.Terraform
	sentry *sentry
}

// within is about how long an operation takes here: kills come at any moment of it.
const within = 9 * time.Second

// run goes on until PORTAL_KILLS operations were killed, 20 by default. Those that
// ended before are followed by a kill as well, which counts as none.
func (k *killer) run(t *testing.T) {
	kills, err := strconv.Atoi(cmp.Or(os.Getenv("PORTAL_KILLS"), "20"))
	must(t, err)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	k.random, k.killed = rand.New(rand.NewPCG(seed, 0)), map[string]int{}
	for n, hits := 1, 0; hits < kills && !t.Failed(); n++ {
		if k.round(t, n) {
			hits++
		}
	}
	t.Logf("killed: %v; creates that were complete but not in the state, and were imported: %d; hosts that kept a port: %d", k.killed, k.imported, k.restarted)
}

// told are attributes of the house that change with the word.
func (k *killer) told() string {
	return fmt.Sprintf("services = { db = { environment = { WORD = \"%d\" } } }", k.word)
}

// round kills one operation, or tells that it had ended before.
func (k *killer) round(t *testing.T, n int) (hit bool) {
	t.Helper()
	operation := "create"
	if k.tf != nil {
		operation = k.changes[k.random.IntN(len(k.changes))]
	}
	from := k.on
	switch operation {
	case "create":
		k.portal++
		k.house = house{name: fmt.Sprintf("portal%d", k.portal), port: 18000 + k.portal}
		k.on = k.random.IntN(3)
		from = k.on
		k.sentry = watch(t, k.data(k.house))
	case "move":
		k.on = (k.on + 1 + k.random.IntN(2)) % 3
	}
	k.word++
	if k.tf == nil {
		k.tf = acctest.NewTerraform(t, k.configure())
	} else {
		k.tf.Write(t, k.configure())
	}
	victim := []string{"provider", "dockerd", "host"}[k.random.IntN(3)]
	host := k.Hosts[[]int{from, k.on}[k.random.IntN(2)]]
	after := time.Duration(k.random.Float64() * float64(within))
	p := k.tf.Start(t, "apply", "-auto-approve", "-input=false", "-no-color")
	select {
	case <-p.Ended():
	case <-time.After(after):
		hit = true
	}
	k.kill(t, p, victim, host)
	killed := time.Now()
	r := p.Wait(t)
	if hit {
		k.killed[operation+" "+victim]++
	}
	t.Logf("%d: %s of %s to %s, kill %s (%s) after %s: exit code %d, %s later", n, operation, k.house.name, k.Hosts[k.on].Name, victim, host.Name, after.Round(time.Millisecond), r.ExitCode, time.Since(killed).Round(time.Millisecond))
	if r.ExitCode > 0 {
		t.Logf("%s", r.Output)
	}
	if victim != "provider" {
		must(t, host.Start(t.Context()))
		if k.settle != nil {
			k.settle(t)
		}
	}
	k.converges(t, operation)
	if k.word%4 == 0 {
		k.tf.Destroy(t)
		k.destroyed(t)
		k.tf = nil
	}
	return hit
}

func (k *killer) kill(t *testing.T, p *acctest.Process, victim string, host *lab.Host) {
	t.Helper()
	switch victim {
	case "provider":
		p.KillProvider(t)
	case "dockerd":
		must(t, host.Kill(t.Context()))
	default:
		must(t, host.KillHost(t.Context()))
	}
}

// converges asserts that one more apply makes all well, and loses nothing.
func (k *killer) converges(t *testing.T, operation string) {
	t.Helper()
	r := k.tf.Run(t, "apply", "-auto-approve", "-input=false", "-no-color")
	// A container that was starting when its host was killed leaves its port behind.
	if strings.Contains(words(r.Output), "restart Docker there") {
		for _, h := range k.Hosts {
			must(t, h.Restart(t.Context()))
		}
		k.restarted++
		r = k.tf.Run(t, "apply", "-auto-approve", "-input=false", "-no-color")
	}
	if r.ExitCode != 0 && operation == "create" {
		says(t, r, k.house.name, "exists already", "import {")
		k.tf.Must(t, "import", "-input=false", "-no-color", k.house.address(), k.house.name)
		k.tf.Apply(t)
		k.imported++
	} else if r.ExitCode != 0 {
		t.Fatalf("the next apply: exit code %d\n%s", r.ExitCode, r.Output)
	}
	if operation == "create" {
		k.note(t, k.house)
	}
	k.converged(t)
	k.sentry.one(t, k.house.name)
	planEmpty(t, k.tf)
	t.Logf("the next apply took %s", r.Took.Round(time.Millisecond))
}
