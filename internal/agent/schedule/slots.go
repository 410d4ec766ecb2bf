// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// slots bound how many runs go on together. Those that wait get theirs in the
// order of when they were to start.
type slots struct {
	limit int

	mu      sync.Mutex
	used    int
	waiting []*waiter // in order
}

type waiter struct {
	at    time.Time
	name  string
	ready chan struct{} // closed when it has its slot
}

func newSlots(limit int) *slots { return &slots{limit: max(limit, 1)} }

// acquire waits for a slot, for a run that was to start at a time. Release it
// when acquire returned nil.
func (s *slots) acquire(ctx context.Context, at time.Time, name string) error {
	s.mu.Lock()
	if s.used < s.limit {
		s.used++
		s.mu.Unlock()
		return nil
	}
	w := &waiter{at, name, make(chan struct{})}
	place, _ := slices.BinarySearchFunc(s.waiting, w, byTime)
	s.waiting = slices.Insert(s.waiting, place, w)
	s.mu.Unlock()

	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		s.abandon(w)
		return ctx.Err()
	}
}

// abandon gives up a place in the queue, or the slot that it got meanwhile.
func (s *slots) abandon(w *waiter) {
	s.mu.Lock()
	place := slices.Index(s.waiting, w)
	if place >= 0 {
		s.waiting = slices.Delete(s.waiting, place, place+1)
	}
	s.mu.Unlock()
	if place < 0 {
		s.release()
	}
}

// take takes a slot for a run that goes on already, beyond the limit if need
// be: others wait the longer.
func (s *slots) take() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used++
}

// release gives a slot back.
func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used--
	if s.used < s.limit && len(s.waiting) > 0 {
		s.used++
		close(s.waiting[0].ready)
		s.waiting = s.waiting[1:]
	}
}

func byTime(a, b *waiter) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name))
}
