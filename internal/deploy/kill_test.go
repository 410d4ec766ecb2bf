// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// errKilled stands for the end of the provider's process: from a random call
// on nothing succeeds any more, undoing included.
var errKilled = errors.New("killed")

// TestKilledAtAnyCallTheNextOneFinishes cuts creates, updates and destroys off
// at every call in turn. The next one must finish, with nothing doubled or
// left over and the same secrets.
func TestKilledAtAnyCallTheNextOneFinishes(t *testing.T) {
	for cut := range 40 {
		b := newBed(t)
		b.killAfter(rand.IntN(cut + 1))
		_, err := b.Create(t.Context(), b.spec(), b.stack(), nil)
		b.fake.Fail = nil
		if err != nil {
			b.mustCreate()
		}
		secret := b.read("acme/secrets/db")

		st := b.stack()
		for _, s := range st.Services {
			s.Image += "-new"
		}
		b.killAfter(cut)
		_, _ = b.Update(t.Context(), b.spec(), st, nil)
		b.fake.Fail = nil
		r, err := b.Update(t.Context(), b.spec(), st, nil)
		if err != nil {
			t.Fatalf("cut after %d calls: %v", cut, err)
		}
		if want := stack.Summarize(st); !maps.Equal(r.Services, want) {
			t.Fatalf("cut after %d calls: services are %v, want %v", cut, r.Services, want)
		}
		if n := len(b.ids()); n != 4 {
			t.Fatalf("cut after %d calls: %d containers, want 4: %v", cut, n, b.ids())
		}

		b.killAfter(rand.IntN(cut + 1))
		_ = b.Delete(t.Context(), "acme", stack.Retain)
		b.fake.Fail = nil
		if err := b.Delete(t.Context(), "acme", stack.Retain); err != nil {
			t.Fatal(err)
		}
		if o, _ := b.fake.Observe(context.Background(), "acme"); len(o.Containers)+len(o.Networks) > 0 {
			t.Fatalf("cut after %d calls: left over %v", cut, o)
		}
		if b.read("acme/secrets/db") != secret {
			t.Fatal("the secret changed")
		}
	}
}

// killAfter lets a number of calls succeed and fails all that follow.
func (b *bed) killAfter(calls int) {
	left := make(chan struct{}, calls)
	for range calls {
		left <- struct{}{}
	}
	b.fake.Fail = func(*stack.Operation) error {
		select {
		case <-left:
			return nil
		default:
			return errKilled
		}
	}
}
