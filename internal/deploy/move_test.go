// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/fake"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// poolBed is a bed with three hosts, and its portal runs on dal-1 with a member.
func poolBed(t *testing.T) *bed {
	b := bareBed(t)
	if _, err := b.Create(t.Context(), b.spec(), b.on("dal-1"), nil); err != nil {
		t.Fatal(err)
	}
	b.mustApply(chat())
	b.fake.Ran()
	return b
}

func bareBed(t *testing.T) *bed {
	drive := t.TempDir()
	e := fake.New(drive, "dal-1", "dal-2", "dal-3")
	return &bed{Deployer: &Deployer{Engine: e, StoragePath: drive, Version: "test"}, t: t, fake: e, drive: drive}
}

// on is the bed's stack, to run on a host.
func (b *bed) on(host string) *stack.Stack {
	st := b.routed()
	st.Host = host
	return st
}

// alone fails the test when anything is started while another host runs any of the
// portal.
func (b *bed) alone(op *stack.Operation) {
	if op.Kind != stack.Start && op.Kind != stack.Restart {
		return
	}
	for host, o := range b.residences() {
		for _, c := range o.Containers {
			if c.State == stack.Running && o.Running() > 0 && host != b.target() {
				b.t.Errorf("%s is run while %s runs on %s", op.ID, c.Name, host)
				return
			}
		}
	}
}

// target is the host that the portal is settled on.
func (b *bed) target() string {
	o, _ := b.fake.ObserveShared(context.Background(), "acme")
	return o.Host
}

func (b *bed) residences() map[string]stack.Observed {
	out := map[string]stack.Observed{}
	for _, host := range b.fake.Hosts() {
		view, _ := b.fake.On(host)
		if o, err := view.Observe(context.Background(), "acme"); err == nil && len(o.Containers) > 0 {
			out[host] = o
		}
	}
	return out
}

// whole fails the test unless all of the portal runs on one host and nothing of it
// is on another.
func (b *bed) whole(host string) {
	b.t.Helper()
	for at, o := range b.residences() {
		if at != host {
			b.t.Errorf("%d containers are left on %s", len(o.Containers), at)
		}
	}
	o := b.residences()[host]
	if want := 1 + 1 + 2 + 1 + 2; len(o.Containers) != want {
		b.t.Errorf("%d containers on %s, want %d", len(o.Containers), host, want)
	}
	for _, c := range o.Containers {
		if c.Task == "" && c.State != stack.Running {
			b.t.Errorf("%s is %s", c.Name, c.State)
		}
	}
	if m := b.read("acme/portal.json"); !strings.Contains(m, `"host": "`+host+`"`) || strings.Contains(m, "leaving") || !strings.Contains(m, `"complete"`) {
		b.t.Errorf("the manifest is %s", m)
	}
}

func TestMove(t *testing.T) {
	b := poolBed(t)
	b.whole("dal-1")
	secret := b.read("acme/secrets/db")
	b.fake.Fail = func(op *stack.Operation) error { b.alone(op); return nil }
	r, err := b.Update(t.Context(), b.spec(), b.on("dal-2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Host != "dal-2" || !slices.Equal(r.Addresses, []string{"dal-2.test"}) || !maps.Equal(r.Services, stack.Summarize(b.routed())) {
		t.Errorf("the result is %+v", r)
	}
	b.whole("dal-2")
	if b.read("acme/secrets/db") != secret {
		t.Error("the secret changed")
	}
	// The images are there before anything stops.
	ran := b.fake.Ran()
	stopped := slices.IndexFunc(ran, func(id string) bool { return strings.HasPrefix(id, "stop ") })
	if i := slices.Index(ran, "image chat:1"); i < 0 || i > stopped {
		t.Errorf("the member's image came after the stop: %v", ran)
	}
	if state, _, err := b.ReadMember(t.Context(), "acme", "service/chat"); err != nil || state.Host != "dal-2" || state.Summary.Status != stack.StatusRunning {
		t.Errorf("the member is %+v, %v", state, err)
	}
}

// A move is cut off at every call in turn, and then goes on, or back, or elsewhere.
func TestMoveKilledAtAnyCall(t *testing.T) {
	for cut := range 45 {
		then := fmt.Sprintf("dal-%d", cut%3+1)
		b := poolBed(t)
		b.killAfter(cut)
		kill := b.fake.Fail
		b.fake.Fail = func(op *stack.Operation) error { b.alone(op); return kill(op) }
		_, cutErr := b.Update(t.Context(), b.spec(), b.on("dal-2"), nil)
		b.fake.Fail = func(op *stack.Operation) error { b.alone(op); return nil }
		read, found, err := b.Read(t.Context(), "acme")
		if err != nil || !found {
			t.Fatalf("cut after %d calls: read %v, %v", cut, found, err)
		}
		if cutErr != nil && read.Host == "dal-2" && maps.Equal(read.Services, stack.Summarize(b.routed())) && len(b.residences()) > 1 {
			t.Errorf("cut after %d calls: what is left on dal-1 is no difference", cut)
		}
		if _, err := b.Update(t.Context(), b.spec(), b.on(then), nil); err != nil {
			t.Fatalf("cut after %d calls, then to %s: %v", cut, then, err)
		}
		b.whole(then)
		if t.Failed() {
			t.Fatalf("cut after %d calls, then to %s", cut, then)
		}
	}
}

// What the plan left open is decided when it is applied.
func TestMoveToWhereThereIsRoom(t *testing.T) {
	b := poolBed(t)
	b.fake.Drained = []string{"dal-1"}
	desired := b.on("")
	desired.Home = "dal-1"
	r, err := b.Update(t.Context(), b.spec(), desired, nil)
	if err != nil || r.Host != "dal-2" || !strings.HasPrefix(r.Placement, "away from dal-1 (it is drained): the most memory free, ") {
		t.Errorf("%+v, %v", r, err)
	}
	b.whole("dal-2")
}

func TestSilentHostIsNotAssumedDead(t *testing.T) {
	b := poolBed(t)
	b.fake.Silent = []string{"dal-1"}
	if _, _, err := b.Read(t.Context(), "acme"); err == nil || !strings.Contains(err.Error(), "dal-1") {
		t.Errorf("read: %v", err)
	}
	_, err := b.Update(t.Context(), b.spec(), b.on("dal-2"), nil)
	wantError(t, err, `"acme"`, `"dal-1"`, "does not answer", "force_move")
	_, err = b.Create(t.Context(), b.spec(), b.on("dal-2"), nil) // the state was lost
	wantError(t, err, "exists already")
	wantError(t, b.Delete(t.Context(), "acme", stack.Delete), "dal-1")
	if b.fake.Silent = nil; len(b.residences()) != 1 {
		t.Errorf("it is on %v", slices.Collect(maps.Keys(b.residences())))
	}
}

// A host that is silent costs portals on other hosts, new and old, nothing.
func TestSilentHostCostsOthersNothing(t *testing.T) {
	b := poolBed(t)
	b.fake.Silent = []string{"dal-3"}
	if _, found, err := b.Read(t.Context(), "acme"); err != nil || !found {
		t.Errorf("read %v, %v", found, err)
	}
	if _, err := b.Update(t.Context(), b.spec(), b.on("dal-2"), nil); err != nil {
		t.Error(err)
	}
	b.whole("dal-2")
	spec, st := b.spec(), b.on("")
	spec.Name, st.Portal, st.Directory = "globex", "globex", b.drive+"/globex"
	delete(st.Services, "lb")
	st.Ingress = nil
	if r, err := b.Create(t.Context(), spec, st, nil); err != nil || r.Host == "dal-3" {
		t.Errorf("created on %q, %v", r.Host, err)
	}
	if err := b.Delete(t.Context(), "globex", stack.Delete); err != nil {
		t.Error(err)
	}
	// Its containers are gone, and the host that has none does not answer.
	view, _ := b.fake.On("dal-2")
	o, _ := view.Observe(t.Context(), "acme")
	if err := b.executeOn(t.Context(), view, &stack.Stack{Portal: "acme"}, stack.Teardown(o)); err != nil {
		t.Fatal(err)
	}
	fresh := &Deployer{Engine: b.fake.Anew(), StoragePath: b.drive, Version: "test"}
	if r, found, err := fresh.Read(t.Context(), "acme"); err != nil || !found || len(r.Services) != 0 {
		t.Errorf("read %+v, %v, %v", r, found, err)
	}
}

// A host that was given up is not asked. When it comes back, what it has is a
// difference, and is removed before anything is started.
func TestHostThatWasGivenUpReturns(t *testing.T) {
	b := poolBed(t)
	without := b.fake.Without("dal-1")
	dead := &Deployer{Engine: without, StoragePath: b.drive, Version: "test"}

	_, _, err := dead.Read(t.Context(), "acme")
	wantError(t, err, `"dal-1"`, "not among the provider's hosts", "drain", "force_move")
	_, err = dead.Update(t.Context(), b.spec(), b.on("dal-2"), nil)
	wantError(t, err, "not among the provider's hosts")

	b.fake.Dead = []string{"dal-1"}
	if r, found, err := dead.Read(t.Context(), "acme"); err != nil || !found || len(r.Services) > 0 {
		t.Errorf("read %+v, %v, %v", r, found, err)
	}
	d, err := dead.Place(t.Context(), b.on(""), b.spec(), "dal-1")
	if err != nil || d.Host != "dal-2" || !strings.Contains(d.Reason, "away from dal-1, which is given up") {
		t.Errorf("placed %+v, %v", d, err)
	}
	if _, err := dead.Update(t.Context(), b.spec(), b.on("dal-2"), nil); err != nil {
		t.Fatal(err)
	}
	b.fake.Dead = nil
	back := &Deployer{Engine: b.fake.Anew(), StoragePath: b.drive, Version: "test"}
	r, _, err := back.Read(t.Context(), "acme")
	if err != nil || r.Host != "dal-2" || !strings.Contains(r.Services["mysql"].Status, "acme-mysql-1 is on host dal-1") {
		t.Errorf("read %+v, %v", r, err)
	}
	if _, err := back.Update(t.Context(), b.spec(), b.on("dal-2"), nil); err != nil {
		t.Fatal(err)
	}
	b.whole("dal-2")
}

func TestPlacementKnowsOfOthersInTheRun(t *testing.T) {
	b := bareBed(t)
	sized := func(name string) (*stack.Stack, stack.Spec) {
		st, spec := b.stack(), b.spec()
		st.Portal, spec.Name = name, name
		st.Services["mysql"].Resources.Memory = 1 << 30
		return st, spec
	}
	got := map[string]int{}
	for _, name := range []string{"a", "b", "c", "a"} {
		st, spec := sized(name)
		d, err := b.Place(t.Context(), st, spec, "")
		if err != nil {
			t.Fatal(err)
		}
		if got[d.Host]++; got[d.Host] > 1 && name != "a" {
			t.Errorf("%s is placed on %s with another one: %s", name, d.Host, d.Reason)
		}
	}
	b.Strategy = placement.Pack
	b.fake.Drained = []string{"dal-1"}
	st, spec := sized("d")
	d, err := b.Place(t.Context(), st, spec, "dal-1")
	if err != nil || d.Host == "dal-1" || !strings.Contains(d.Reason, "away from dal-1 (it is drained): the least memory free") {
		t.Errorf("placed %+v, %v", d, err)
	}
	// A create that was begun goes on where it is.
	b.Strategy, b.fake.Drained = placement.Spread, nil
	st, spec = sized("acme")
	st.Directory, st.Host = b.drive+"/acme", "dal-3"
	b.killAfter(4)
	_, _ = b.Create(t.Context(), spec, st, nil)
	b.fake.Fail = nil
	if d, err := b.Place(t.Context(), st, spec, ""); err != nil || d.Host != "dal-3" {
		t.Errorf("placed %+v, %v", d, err)
	}
}

// TestNotOutOfASwarm: engine docker sees nothing of a portal in a Swarm, and must not
// start it a second time.
func TestNotOutOfASwarm(t *testing.T) {
	b := bareBed(t)
	b.fake = fake.New(b.drive, engine.SwarmHost)
	b.Engine = b.fake
	if _, err := b.Create(t.Context(), b.spec(), b.on(engine.SwarmHost), nil); err != nil {
		t.Fatal(err)
	}
	b.fake = fake.New(b.drive, "dal-1", "dal-2")
	b.Engine = b.fake
	_, err := b.Update(t.Context(), b.spec(), b.on("dal-1"), nil)
	if err == nil || !strings.Contains(err.Error(), `set engine = "swarm"`) {
		t.Errorf("it was brought up with engine docker: %v", err)
	}
	if ran := b.fake.Ran(); len(ran) > 0 {
		t.Errorf("this was run: %v", ran)
	}
}
