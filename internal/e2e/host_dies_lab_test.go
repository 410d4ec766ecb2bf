// SPDX-License-Identifier: MPL-2.0

//go:build lab

package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

// soon bounds how long a run may take that fails for a host which does not
// answer: the provider waits 10 s for it, Terraform starts it twice, and the
// machine may be busy.
const soon = 45 * time.Second

// testHostDies cuts a host off, gives it up against advice, kills it, gives it
// up for good, and lets it return.
func (e *estate) testHostDies(t *testing.T) {
	acme, globex, initech := house{"acme", 18001, ""}, house{"globex", 18002, ""}, house{"initech", 18003, ""}
	cottage := []string{"db-1", "web-1"}
	s := watch(t, e.data(acme))
	shared := acctest.NewTerraform(t, e.config(nil, acme, globex))
	shared.Apply(t)
	own := acctest.NewTerraform(t, e.config(nil, initech))
	own.Apply(t)
	e.note(t, acme, globex, initech)
	dead := e.home(t, "acme")
	hosts := map[string]*lab.Host{"acme": dead, "globex": e.home(t, "globex"), "initech": e.home(t, "initech")}
	if hosts["globex"] == dead || hosts["initech"] == dead {
		t.Fatal("acme is not alone on its host")
	}
	givenUp := map[string]string{dead.Name: "force_move = true"}

	t.Run("cut off", func(t *testing.T) {
		must(t, dead.CutOff(t.Context()))
		began := e.ids(t, "acme", "globex")
		for _, command := range [][]string{{"plan"}, {"apply", "-auto-approve"}} {
			r := shared.Run(t, append(command, "-input=false", "-no-color")...)
			if r.ExitCode != 1 || r.Took > soon {
				t.Errorf("%s: exit code %d after %s\n%s", command[0], r.ExitCode, r.Took, r.Output)
			}
			t.Logf("%s failed after %s:\n%s", command[0], r.Took.Round(time.Millisecond), r.Output)
			says(t, r, "Portal acme", `host "`+dead.Name+`"`, "ssh://root@"+dead.Address, "accepted no connection within", "-target", "force_move = true")
			if strings.Contains(r.Output, "Portal globex") {
				t.Errorf("the error names globex as well:\n%s", r.Output)
			}
		}
		// In the same configuration the others are planned and applied on their own.
		r := planEmpty(t, shared, "-target=portal.globex")
		t.Logf("the plan of globex alone took %s", r.Took.Round(time.Millisecond))
		shared.Write(t, e.config(nil, acme, house{"globex", 18002, `services = { web = { environment = { GREETING = "bonjour" } } }`}))
		r = shared.Apply(t, "-target=portal.globex")
		t.Logf("the apply of globex alone took %s", r.Took.Round(time.Millisecond))
		shared.Write(t, e.config(nil, acme, globex))
		shared.Apply(t, "-target=portal.globex")
		// In another one they are as usual, and so are new ones.
		r = planEmpty(t, own)
		t.Logf("a plan elsewhere took %s", r.Took.Round(time.Millisecond))
		hooli := house{"hooli", 18004, ""}
		own.Write(t, e.config(nil, initech, hooli))
		r = own.Apply(t)
		t.Logf("a new portal elsewhere took %s", r.Took.Round(time.Millisecond))
		e.note(t, hooli)
		if e.home(t, "hooli") == dead {
			t.Error("a new portal was placed on a host that is cut off")
		}
		e.whole(t, hooli, e.home(t, "hooli").Name, cottage...)
		own.Write(t, e.config(nil, initech))
		own.Apply(t)
		now := e.ids(t, "acme", "globex")
		for name, id := range began {
			changed := strings.HasSuffix(name, " globex web-1") // by its own applies
			if now[name] != id && !changed {
				t.Errorf("%s was touched", name)
			}
		}
	})
	t.Run("given up while it runs", func(t *testing.T) {
		shared.Write(t, e.config(givenUp, acme, globex))
		apply := shared.Start(t, "apply", "-auto-approve", "-input=false", "-no-color")
		eventually(t, "a second database that waits for the lease", func() bool {
			for _, h := range e.Hosts {
				if h != dead && strings.Contains(e.log(t, h, "acme-db-1"), `on host "`+dead.Name+`"`) {
					return true
				}
			}
			return false
		})
		// It fails after three minutes, when the database has given up four times.
		apply.Kill(t)
		s.one(t, "acme")
		must(t, dead.Reconnect(t.Context()))
		if page, err := e.page(t.Context(), dead, acme); err != nil || page != acme.domain() {
			t.Errorf("the page on the host that was cut off is %q: %v", page, err)
		}
		shared.Write(t, e.config(nil, acme, globex))
		plan := shared.Plan(t)
		t.Logf("the host is there again:\n%s", plan.Text)
		shared.Apply(t)
		planEmpty(t, shared)
		e.whole(t, acme, e.home(t, "acme").Name, cottage...)
		s.one(t, "acme")
	})
	dead = e.home(t, "acme")
	givenUp = map[string]string{dead.Name: "force_move = true"}
	t.Run("killed", func(t *testing.T) {
		must(t, dead.KillHost(t.Context()))
		e.off = []*lab.Host{dead}
		r := shared.Run(t, "plan", "-input=false", "-no-color")
		if r.ExitCode != 1 || r.Took > soon {
			t.Errorf("exit code %d after %s", r.ExitCode, r.Took)
		}
		t.Logf("the plan failed after %s:\n%s", r.Took.Round(time.Millisecond), r.Output)
		says(t, r, "Portal acme", `host "`+dead.Name+`"`, "force_move = true")
		shared.Write(t, e.config(givenUp, acme, globex))
		e.movesFrom(t, shared, acme, dead.Name, "away from "+dead.Name+", which is given up: ")
		e.whole(t, acme, e.home(t, "acme").Name, cottage...)
		t.Logf("no database of acme for %s", s.gap().Round(time.Millisecond))
		planEmpty(t, shared)
	})
	t.Run("returned", func(t *testing.T) {
		home := ""
		for _, h := range e.Hosts {
			if h != dead && len(e.members(t, h, "acme")) > 0 {
				home = h.Name
			}
		}
		must(t, dead.Start(t.Context()))
		e.off = nil
		planEmpty(t, shared) // the host is not asked
		eventually(t, "containers that dockerd starts again", func() bool { return len(e.running(t, dead, "acme")) == 2 })
		shared.Write(t, e.config(nil, acme, globex))
		plan := shared.Plan(t)
		if len(plan.Changes) != 1 {
			t.Errorf("more than acme changes:\n%s", plan.Text)
		}
		for _, member := range cottage {
			if text := "acme-" + member + " is on host " + dead.Name + ", "; !strings.Contains(plan.Text, text) {
				t.Errorf("the plan does not say %q", text)
			}
		}
		t.Logf("the host returned:\n%s", plan.Text)
		r := shared.Apply(t)
		t.Logf("the apply took %s", r.Took.Round(time.Millisecond))
		e.whole(t, acme, home, cottage...)
		e.empty(t, dead)
		planEmpty(t, shared)
	})
	s.one(t, "acme")
	shared.Destroy(t)
	own.Destroy(t)
}
