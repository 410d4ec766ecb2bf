// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"slices"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func TestResultsTellTheHostsAddress(t *testing.T) {
	b := newBed(t)
	check := func(what string, r Result, want ...string) {
		t.Helper()
		if !slices.Equal(r.Addresses, want) {
			t.Errorf("%s: addresses %q, want %q", what, r.Addresses, want)
		}
	}
	check("create", b.mustCreate(), "fake.test")
	r, found, err := b.Read(t.Context(), "acme")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	check("read", r, "fake.test")
	_, r, err = b.Import(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	check("import", r, "fake.test")

	for name := range b.ids() {
		op := &stack.Operation{ID: "remove " + name, Kind: stack.Remove, Container: name}
		if err := b.fake.Run(t.Context(), b.stack(), op); err != nil {
			t.Fatal(err)
		}
	}
	if r, found, err = b.Read(t.Context(), "acme"); err != nil || !found {
		t.Fatal(found, err)
	}
	check("without a container", r)
}
