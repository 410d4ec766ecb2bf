// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"testing"
)

// An answer that was asked for before a change is none to a question after it.
func TestListingAfterAChange(t *testing.T) {
	asked, answer := make(chan struct{}, 2), make(chan *state, 2)
	l := &listing{ask: func(context.Context, string) (*state, error) {
		asked <- struct{}{}
		return <-answer, nil
	}}
	for name, look := range map[string]func(context.Context) (*state, error){
		"of a portal": func(ctx context.Context) (*state, error) { return l.recent(ctx, "acme") },
		"of all":      l.shared,
	} {
		t.Run(name, func(t *testing.T) {
			seen := make(chan *state, 2)
			ask := func() {
				s, err := look(t.Context())
				if err != nil {
					t.Error(err)
				}
				seen <- s
			}
			go ask()
			<-asked
			l.changed()
			go ask()
			<-asked // a question of its own
			before, after := &state{}, &state{}
			answer <- before
			answer <- after
			if a, b := <-seen, <-seen; a == b {
				t.Error("both were told the same")
			}
		})
	}
}
