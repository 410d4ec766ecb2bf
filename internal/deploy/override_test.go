// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const overridesFile = "acme/overrides/ansible_overrides.yml"

// overrideBed is a bed whose web service restarts on overrides, and runs.
func overrideBed(t *testing.T) *bed {
	b := newBed(t)
	st := b.stack()
	st.Services["web"].RestartOn = []string{stack.RestartOnOverrides}
	st.Directories["overrides"] = stack.Directory{UID: os.Getuid(), GID: os.Getgid(), Mode: 0o770}
	if _, err := b.Create(t.Context(), b.spec(), st, nil); err != nil {
		t.Fatal(err)
	}
	b.fake.Ran()
	return b
}

// writeOverrides replaces the overrides as somebody does who takes no lock.
func (b *bed) writeOverrides(text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.drive, overridesFile), []byte(text), 0o660); err != nil {
		b.t.Fatal(err)
	}
}

// restarts lists the containers that were restarted since the last call.
func (b *bed) restarts() []string {
	var out []string
	for _, id := range b.fake.Ran() {
		if name, ok := strings.CutPrefix(id, "restart "); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (b *bed) mustOverride(o Override) OverrideState {
	b.t.Helper()
	s, err := b.ApplyOverride(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func name(value string) Override {
	return Override{Portal: "acme", SecretsSet: true, Values: map[string]any{"EDXAPP_PLATFORM_NAME": value}}
}

func TestOverrideIsWrittenAndRead(t *testing.T) {
	b := overrideBed(t)
	before := b.read(overridesFile)
	s := b.mustOverride(name("Acme Academy"))
	if got := b.restarts(); !slices.Equal(got, []string{"acme-web-1", "acme-web-2"}) {
		t.Errorf("restarted: %v", got)
	}
	if !strings.Contains(b.read(overridesFile), "Acme Academy") {
		t.Errorf("the file is:\n%s", b.read(overridesFile))
	}
	again, found, err := b.ReadOverride(t.Context(), "acme", s.ID)
	if err != nil || !found || again.Status != OverrideApplied || !overrides.Equal(again.Values, name("Acme Academy").Values) {
		t.Errorf("read %+v, %v, %v", again, found, err)
	}
	if err := b.RemoveOverride(t.Context(), "acme", s.ID); err != nil {
		t.Fatal(err)
	}
	if after := b.read(overridesFile); after != before {
		t.Errorf("the file was\n%s\nand is\n%s", before, after)
	}
	if len(b.restarts()) != 2 {
		t.Error("the removal did not restart the services")
	}
	if _, found, err := b.ReadOverride(t.Context(), "acme", s.ID); found || err != nil {
		t.Errorf("after the removal: %v, %v", found, err)
	}
	if err := b.RemoveOverride(t.Context(), "acme", s.ID); err != nil {
		t.Errorf("a second removal: %v", err)
	}
}

func TestOverrideThatIsThereAlreadyRestartsNothing(t *testing.T) {
	b := overrideBed(t)
	b.writeOverrides("EDXAPP_PLATFORM_NAME: 'Acme Academy' # ours\n")
	b.mustOverride(name("Acme Academy"))
	if got := b.restarts(); len(got) > 0 {
		t.Errorf("restarted: %v", got)
	}
	if got := b.read(overridesFile); got != "EDXAPP_PLATFORM_NAME: 'Acme Academy' # ours\n" {
		t.Errorf("the file was touched: %s", got)
	}
}

func TestOverridesOfOneApplyRestartOnce(t *testing.T) {
	b := overrideBed(t)
	var all sync.WaitGroup
	for _, key := range []string{"A", "B", "C", "D"} {
		all.Go(func() {
			_, err := b.ApplyOverride(t.Context(), Override{Portal: "acme", Values: map[string]any{key: key}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := b.restarts(); len(got) > 4 { // the first may be on its way alone
		t.Errorf("restarted: %v", got)
	}
	doc, err := overrides.Parse([]byte(b.read(overridesFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"A", "B", "C", "D"} {
		if v, _ := doc.Lookup(overrides.Path{key}); v != key {
			t.Errorf("%s is %v", key, v)
		}
	}
}

func TestOverrideOfALeafThatSomebodyHas(t *testing.T) {
	b := overrideBed(t)
	first := b.mustOverride(name("Acme"))
	second := name("Other")
	second.Values["EDXAPP_TIME_ZONE"] = "UTC"
	_, err := b.ApplyOverride(t.Context(), second)
	wantError(t, err, "EDXAPP_PLATFORM_NAME", first.ID, "adopt")

	b.writeOverrides(b.read(overridesFile) + "EDXAPP_SITE: by hand\n")
	third := Override{Portal: "acme", Values: map[string]any{"EDXAPP_SITE": "by terraform"}}
	_, err = b.ApplyOverride(t.Context(), third)
	wantError(t, err, "EDXAPP_SITE", "somebody else", "by hand", "adopt")
	third.Adopt = true
	b.mustOverride(third)
	if !strings.Contains(b.read(overridesFile), "by terraform") {
		t.Errorf("the file is:\n%s", b.read(overridesFile))
	}
}

// A resource that was renamed is removed and made in one apply, in any order.
func TestRemovalMakesRoom(t *testing.T) {
	b := overrideBed(t)
	old := b.mustOverride(name("Acme"))
	b.Deployer = &Deployer{Engine: b.fake, Version: "test"}
	holder := b.hold()
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := b.ApplyOverride(t.Context(), name("Other")); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() {
		if err := b.RemoveOverride(t.Context(), "acme", old.ID); err != nil {
			t.Error(err)
		}
	})
	for b.overrides.queued("acme") < 2 {
		time.Sleep(time.Millisecond)
	}
	holder()
	all.Wait()
	if text := b.read(overridesFile); !strings.Contains(text, "Other") {
		t.Errorf("the file is:\n%s", text)
	}
}

// hold keeps operations of this process on the portal waiting.
func (b *bed) hold() (release func()) {
	b.t.Helper()
	release, err := b.turns.take(b.t.Context(), "acme")
	if err != nil {
		b.t.Fatal(err)
	}
	return release
}

// queued counts the jobs that wait.
func (q *overrideQueues) queued(portal string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting[portal])
}

func TestTheSameOverrideTwiceIsRefused(t *testing.T) {
	b := overrideBed(t)
	b.mustOverride(name("Acme"))
	_, err := b.ApplyOverride(t.Context(), name("Acme"))
	wantError(t, err, "two overrides", `"acme"`)
	// Another process finds what one made whose state was lost.
	b.Deployer = &Deployer{Engine: b.fake, Version: "test"}
	b.mustOverride(name("Acme"))
	b.Deployer = &Deployer{Engine: b.fake, Version: "test"}
	_, err = b.ApplyOverride(t.Context(), name("Another"))
	wantError(t, err, "import")
}

// bad lets the service stay down as long as the file has the text.
func (b *bed) bad(text string) {
	b.fake.Fail = func(op *stack.Operation) error {
		data, err := os.ReadFile(filepath.Join(b.drive, overridesFile))
		if op.Kind == stack.WaitHealthy && err == nil && strings.Contains(string(data), text) {
			return errors.New("it is unhealthy: broken")
		}
		return nil
	}
}

func TestBadOverrideIsTakenBack(t *testing.T) {
	b := overrideBed(t)
	b.writeOverrides("# by hand\nEDXAPP_PLATFORM_NAME: Acme # ours\n")
	good := b.mustOverride(name("Acme"))
	text := b.read(overridesFile)
	b.bad("BROKEN")
	b.restarts()

	o := name("BROKEN")
	o.ID = good.ID
	_, err := b.ApplyOverride(t.Context(), o)
	wantError(t, err, "web", "unhealthy: broken", "former overrides are back", "acme-web-1")
	if b.read(overridesFile) != text {
		t.Errorf("the file is:\n%s", b.read(overridesFile))
	}
	if got := b.restarts(); !slices.Equal(got, []string{"acme-web-1", "acme-web-1"}) {
		t.Errorf("restarted %v: the second replica must serve all the time", got)
	}
	s, _, err := b.ReadOverride(t.Context(), "acme", good.ID)
	if err != nil || s.Status != OverrideApplied || s.Values["EDXAPP_PLATFORM_NAME"] != "Acme" {
		t.Errorf("read %+v, %v", s, err)
	}
}

func TestBadNewOverrideLeavesNothing(t *testing.T) {
	b := overrideBed(t)
	text := b.read(overridesFile)
	b.bad("BROKEN")
	_, err := b.ApplyOverride(t.Context(), name("BROKEN"))
	wantError(t, err, "former overrides are back")
	if b.read(overridesFile) != text {
		t.Errorf("the file is:\n%s", b.read(overridesFile))
	}
	b.mustOverride(name("Fine")) // also in the same process
}

// What another writer puts into the file while the services restart stays, also
// when our change is taken back.
func TestTakingBackKeepsWhatOthersWrote(t *testing.T) {
	b := overrideBed(t)
	b.writeOverrides("OTHER: 1\n")
	b.fake.Fail = func(op *stack.Operation) error {
		text := b.read(overridesFile)
		if op.Kind != stack.WaitHealthy || !strings.Contains(text, "BROKEN") {
			return nil
		}
		b.writeOverrides(strings.Replace(text, "OTHER: 1", "OTHER: 2", 1) + "NEW: true\n")
		return errors.New("broken")
	}
	_, err := b.ApplyOverride(t.Context(), name("BROKEN"))
	wantError(t, err, "broken", "former overrides are back")
	if got := b.read(overridesFile); got != "OTHER: 2\nNEW: true\n" {
		t.Errorf("the file is:\n%s", got)
	}
}

func TestSecretsOfAnOverride(t *testing.T) {
	b := overrideBed(t)
	o := Override{Portal: "acme", SecretsSet: true, Secrets: map[string]any{"EDXAPP_EMAIL_HOST_PASSWORD": "hunter2-hunter2"}}
	s := b.mustOverride(o)
	if !maps.Equal(s.Secrets, map[string]string{"EDXAPP_EMAIL_HOST_PASSWORD": SecretSet}) || len(s.Values) > 0 {
		t.Errorf("state is %+v", s)
	}
	if !strings.Contains(b.read(overridesFile), "hunter2-hunter2") || strings.Contains(b.read("acme/records/overrides.json"), "hunter2") {
		t.Error("the secret belongs into the file, and not into the record")
	}
	b.writeOverrides(strings.Replace(b.read(overridesFile), "hunter2-hunter2", "changed", 1))
	s, _, err := b.ReadOverride(t.Context(), "acme", s.ID)
	if err != nil || s.Secrets["EDXAPP_EMAIL_HOST_PASSWORD"] != SecretChanged {
		t.Errorf("read %+v, %v", s, err)
	}
	// A change of other values leaves the secret as it is.
	b.mustOverride(Override{Portal: "acme", ID: s.ID, Values: map[string]any{"A": "b"}})
	if !strings.Contains(b.read(overridesFile), "changed") {
		t.Errorf("the file is:\n%s", b.read(overridesFile))
	}

	b.fake.Fail = func(op *stack.Operation) error {
		if op.Kind == stack.WaitHealthy {
			return errors.New("cannot log in with top-secret-word")
		}
		return nil
	}
	_, err = b.ApplyOverride(t.Context(), Override{Portal: "acme", ID: s.ID, SecretsSet: true, Secrets: map[string]any{"EDXAPP_EMAIL_HOST_PASSWORD": "top-secret-word"}})
	if err == nil || strings.Contains(err.Error(), "top-secret-word") || !strings.Contains(err.Error(), "cannot log in with (secret)") {
		t.Errorf("the error is %v", err)
	}
}

func TestOverrideOfNoPortal(t *testing.T) {
	b := overrideBed(t)
	o := name("x")
	o.Portal = "nobody"
	_, err := b.ApplyOverride(t.Context(), o)
	wantError(t, err, "no such portal", "nobody")
	if !errors.Is(err, ErrNoPortal) {
		t.Error("it is no ErrNoPortal")
	}
	if err := b.RemoveOverride(t.Context(), "nobody", "nobody/00000000"); err != nil {
		t.Errorf("removing: %v", err)
	}
}

func TestBrokenFileIsLeftAsItIs(t *testing.T) {
	b := overrideBed(t)
	const broken = "A: [1, 2\nB: }\n"
	b.writeOverrides(broken)
	_, err := b.ApplyOverride(t.Context(), name("x"))
	wantError(t, err, "acme/overrides/ansible_overrides.yml", "line")
	if b.read(overridesFile) != broken || len(b.restarts()) > 0 {
		t.Error("something was touched")
	}
}

func TestImportOverride(t *testing.T) {
	b := overrideBed(t)
	b.writeOverrides("A: 1\nM:\n  X: true\n  Y: [a]\nOTHER: 1\n")
	s, err := b.ImportOverride(t.Context(), "acme:A,M")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"A": overrides.Number("1"), "M": map[string]any{"X": true, "Y": []any{"a"}}}
	if !overrides.Equal(s.Values, want) || s.Status != OverrideApplied {
		t.Errorf("imported %+v", s)
	}
	again, err := b.ImportOverride(t.Context(), s.ID)
	if err != nil || again.ID != s.ID || !overrides.Equal(again.Values, want) {
		t.Errorf("imported again %+v, %v", again, err)
	}
	_, err = b.ImportOverride(t.Context(), "acme/ffffffff")
	wantError(t, err, s.ID)
	if len(b.restarts()) > 0 {
		t.Error("an import restarted something")
	}
}

// Cut off at every call, the next apply finishes: the file is whole at any time,
// and at the end all services have restarted with it.
func TestOverrideKilledAtAnyCallIsFinished(t *testing.T) {
	for cut := range 8 {
		b := overrideBed(t)
		old := b.read(overridesFile)
		b.killAfter(cut)
		_, first := b.ApplyOverride(t.Context(), name("new"))
		if text := b.read(overridesFile); text != old && !strings.Contains(text, "new") {
			t.Fatalf("cut after %d calls: the file is\n%s", cut, text)
		}
		b.fake.Fail = nil
		b.restarts()
		b.Deployer = &Deployer{Engine: b.fake, Version: "test"}
		s := b.mustOverride(name("new"))
		if restarted := b.restarts(); first != nil && !slices.Equal(restarted, []string{"acme-web-1", "acme-web-2"}) {
			t.Errorf("cut after %d calls (%v): restarted %v", cut, first, restarted)
		}
		if s.Status != OverrideApplied || s.Values["EDXAPP_PLATFORM_NAME"] != "new" {
			t.Errorf("cut after %d calls: %+v", cut, s)
		}
	}
}
