// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"sync"
)

// turns lets the operations of this process on one portal come one after the
// other. The lock on the drive would do that as well, but waits for others no
// longer than a minute or two, and looks only now and then.
type turns struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // by portal, with room for one
}

// take waits for the portal's turn and returns what ends it.
func (t *turns) take(ctx context.Context, portal string) (end func(), err error) {
	t.mu.Lock()
	if t.busy == nil {
		t.busy = map[string]chan struct{}{}
	}
	turn, ok := t.busy[portal]
	if !ok {
		turn = make(chan struct{}, 1)
		t.busy[portal] = turn
	}
	t.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
