// SPDX-License-Identifier: MPL-2.0

//go:build long

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// cuts is how many times an apply of an override is killed.
const cuts = 10

// TestOverrideKilledAtAnyMoment kills applies of an override at random moments.
// The file is whole at any time, with the value of before or of after, and the
// next apply finishes: the service has restarted with what is in the file.
func TestOverrideKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	acctest.Long(t)
	b := newBed(t)
	text, err := os.ReadFile("../provider/override/testdata/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Blueprint, "compose.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(n int) string {
		return b.Config("") + fmt.Sprintf("resource \"portal_override\" \"acc\" {\n  portal = portal.acc.name\n  values = { EDXAPP_N = \"value %d\" }\n}\n", n)
	}
	b.tf.Write(t, config(0))
	b.tf.Apply(t)
	b.tf.Write(t, config(1))
	takes := b.tf.Apply(t).Took

	killed := 0
	for n := 2; killed < cuts && n < 5*cuts; n++ {
		b.tf.Write(t, config(n))
		if b.cut(t, time.Duration(rand.Float64()*float64(takes)), n) {
			killed++
		}
		file := b.read(t, overridesFile)
		if !strings.Contains(file, fmt.Sprintf("value %d\"", n)) && !strings.Contains(file, fmt.Sprintf("value %d\"", n-1)) {
			t.Fatalf("the file is neither the old nor the new one:\n%s", file)
		}
		b.tf.Apply(t)
		want := fmt.Sprintf("value %d\"", n)
		if file := b.read(t, overridesFile); !strings.Contains(file, want) {
			t.Errorf("the file has no %s:\n%s", want, file)
		}
		if served := b.read(t, "data", "site", "served"); !strings.Contains(served, want) {
			t.Errorf("the service has not restarted with %s:\n%s", want, served)
		}
		b.noChange(t)
	}
	if killed < cuts {
		t.Errorf("only %d of %d kills came before the end of their apply", killed, cuts)
	}
	b.noAgents(t)
}

// cut begins an apply and kills all of it after a while.
func (b *bed) cut(t *testing.T, after time.Duration, n int) bool {
	t.Helper()
	p := b.tf.Start(t, "apply", "-auto-approve", "-input=false", "-no-color")
	select {
	case <-p.Ended():
	case <-time.After(after):
	}
	killed := p.Kill(t)
	r := p.Wait(t)
	t.Logf("apply %d killed after %s: %t, exit code %d", n, after.Round(time.Millisecond), killed, r.ExitCode)
	return killed
}
