// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/faultproxy"
)

// Every fifth request is spoilt, and a run may be begun again this often: it
// repeats what fails, but not for ever.
const (
	faultShare = 0.2
	faultRuns  = 8
)

// TestFaultsEverywhere runs a create, an update and a destroy against an engine
// that fails every fifth request, at random. What does not succeed says why,
// and what is begun again is finished.
func TestFaultsEverywhere(t *testing.T) {
	t.Parallel()
	acctest.Long(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	b := newBed(t)
	proxy := faultproxy.New(t, socket)
	endpoint := proxy.ListenUnix(t)
	insist := func(args ...string) {
		t.Helper()
		proxy.Spoil() // forgets the count
		proxy.SpoilAtRandom(rand.New(rand.NewPCG(seed, uint64(len(args[0])))), faultShare)
		defer proxy.SpoilAtRandom(nil, 0)
		for run := 1; ; run++ {
			r := b.tf.Run(t, append(args, "-auto-approve", "-input=false", "-no-color")...)
			if r.ExitCode == 0 {
				t.Logf("%s: run %d succeeded, with %d of %d requests spoilt", args[0], run, proxy.Spoilt(), len(proxy.Requests()))
				return
			}
			if strings.Contains(r.Output, "exists already") {
				t.Fatalf("the create was complete, and failed:\n%s", r.Output)
			}
			says(t, r, "Portal "+b.Name, `"dal-1"`)
			if run == faultRuns {
				t.Fatalf("%s still fails:\n%s", args[0], r.Output)
			}
		}
	}
	b.tf.Write(t, b.on(endpoint, ""))
	insist("apply")
	b.has(t, whole...)
	b.noChange(t)
	secret := b.secret(t)
	if log := b.log(t); log != "started migrated" {
		t.Errorf("the database's log is %q", log)
	}

	b.tf.Write(t, b.on(endpoint, `services = {
		db  = { environment = { TUNED = "yes" } }
		web = { replicas = 2, environment = { GREETING = "bonjour" } }
	}`))
	insist("apply")
	b.has(t, append([]string{"web-2"}, whole...)...)
	b.noChange(t)

	insist("destroy")
	b.has(t)
	b.keepsSecret(t, &secret)
	if log := b.log(t); !strings.HasSuffix(log, "flushed") {
		t.Errorf("the database did not stop in order: %s", log)
	}
}
