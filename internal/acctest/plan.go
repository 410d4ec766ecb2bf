// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// Plan is what `terraform plan` says.
type Plan struct {
	// Empty tells that nothing is to be done, outputs included: the exit code
	// of -detailed-exitcode was 0.
	Empty bool
	// Changes are the resources that would be changed, by address.
	Changes map[string]Change
	// Text is what a user reads, JSON what `terraform show -json` prints.
	Text, JSON string
}

// Change is what a plan does to one resource.
type Change struct {
	// Actions are "create", "update", "delete", or two of them.
	Actions []string `json:"actions"`
	// Before is the resource as it is, after the refresh; After is as planned,
	// without what is known after the apply only.
	Before, After map[string]any
}

// Plan plans, and fails the test if Terraform cannot.
func (tf *Terraform) Plan(t *testing.T, args ...string) *Plan {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plan")
	r := tf.Run(t, slices.Concat([]string{"plan", "-detailed-exitcode", "-input=false", "-no-color", "-out=" + file}, args)...)
	if r.ExitCode != 0 && r.ExitCode != 2 {
		t.Fatalf("terraform plan: exit code %d\n%s", r.ExitCode, r.Output)
	}
	p := &Plan{
		Empty:   r.ExitCode == 0,
		Changes: map[string]Change{},
		Text:    r.Output,
		JSON:    tf.Must(t, "show", "-json", file).Stdout,
	}
	var shown struct {
		Changes []struct {
			Address string `json:"address"`
			Change  Change `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(p.JSON), &shown); err != nil {
		t.Fatal(err)
	}
	for _, c := range shown.Changes {
		if !slices.Equal(c.Change.Actions, []string{"no-op"}) {
			p.Changes[c.Address] = c.Change
		}
	}
	return p
}

// Attributes are those that a change touches, sorted.
func (c Change) Attributes() []string { return differences(c.Before, c.After) }

// Services are the members of a portal's stack that a change touches, sorted.
func (c Change) Services() []string {
	before, _ := c.Before["stack"].(map[string]any)
	after, _ := c.After["stack"].(map[string]any)
	return differences(before, after)
}

func differences(before, after map[string]any) []string {
	touched := map[string]bool{}
	for _, side := range []map[string]any{before, after} {
		for key := range side {
			if !reflect.DeepEqual(before[key], after[key]) {
				touched[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(touched))
}
