// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fake

import (
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

func TestContract(t *testing.T) {
	enginetest.RunStates(t, func(t *testing.T) engine.Engine { return New(t.TempDir()) })
}

func TestHosts(t *testing.T) {
	enginetest.RunHosts(t, func(t *testing.T) engine.Engine { return New(t.TempDir(), "dal-2", "dal-1") })
}

func TestHostsAreApart(t *testing.T) {
	e := New(t.TempDir(), "dal-1", "dal-2")
	views := make([]engine.Engine, 2)
	for i, host := range e.Hosts() {
		views[i], _ = e.On(host)
	}
	st := enginetest.NewStack(t)
	enginetest.Add(t, st, "web", nil)
	for i, view := range views { // the same names on both
		enginetest.Up(t, view, st, "web")
		for j, other := range views {
			o, err := other.Observe(t.Context(), st.Portal)
			if err != nil || len(o.Networks) != min(len(o.Containers), 1) || (len(o.Containers) == 1) != (j <= i) {
				t.Errorf("host %d after %d: %+v, %v", j+1, i+1, o, err)
			}
		}
	}
	if o, err := e.Observe(t.Context(), st.Portal); err != nil || o.Host != "dal-1" || len(o.Containers) != 1 || len(o.Networks) != 1 ||
		len(o.Elsewhere) != 1 || o.Elsewhere[0].Host != "dal-2" || len(o.Elsewhere[0].Containers) != 1 {
		t.Errorf("on both: %+v, %v", o, err)
	}
}
