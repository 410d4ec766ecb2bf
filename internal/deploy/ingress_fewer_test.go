// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"slices"
	"testing"
)

// told are the times that the load balancer was told, and stops of a service's
// containers, in their order.
func (b *bed) told(service string) []string {
	b.t.Helper()
	var out []string
	for _, id := range b.fake.Ran() {
		switch id {
		case "exec acme-lb-1 [caddy reload]":
			out = append(out, "told")
		case "stop acme-" + service + "-1", "stop acme-" + service + "-2", "stop acme-" + service + "-3":
			out = append(out, "stop "+id[len(id)-1:])
		}
	}
	return out
}

func TestNobodyIsSentToReplicasThatGo(t *testing.T) {
	b := memberBed(t)
	for _, tc := range []struct {
		replicas int
		want     []string
	}{
		{3, []string{"told"}},
		{1, []string{"told", "stop 2", "stop 3", "told"}},
		{1, []string{"told"}},
		{0, []string{"told", "stop 1", "told"}},
	} {
		st := b.routed()
		st.Services["web"].Replicas = tc.replicas
		if _, err := b.Update(t.Context(), b.spec(), st, nil); err != nil {
			t.Fatal(err)
		}
		got := b.told("web")
		slices.Sort(got[min(1, len(got)):max(1, len(got)-1)]) // they stop side by side
		if !slices.Equal(got, tc.want) {
			t.Errorf("to %d replicas: %v, want %v", tc.replicas, got, tc.want)
		}
	}
	m := chat()
	b.mustApply(m)
	b.fake.Ran()
	m.Replicas = 1
	b.mustApply(m)
	if got, want := b.told("chat"), []string{"told", "stop 2", "told"}; !slices.Equal(got, want) {
		t.Errorf("a member: %v, want %v", got, want)
	}
}
