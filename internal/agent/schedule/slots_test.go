// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestSlotThatNobodyTakes is given to one who gives up at that moment, and must
// go on to the next.
func TestSlotThatNobodyTakes(t *testing.T) {
	s := newSlots(1)
	now := time.Now()
	if err := s.acquire(t.Context(), now, "first"); err != nil {
		t.Fatal(err)
	}
	second := &waiter{now, "second", make(chan struct{})}
	s.waiting = append(s.waiting, second)
	s.release()
	<-second.ready
	s.abandon(second)
	if err := s.acquire(t.Context(), now, "third"); err != nil {
		t.Fatal(err)
	}

	given, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.acquire(given, now, "fourth"); !errors.Is(err, context.Canceled) {
		t.Errorf("one that gives up waiting: %v", err)
	}
	// A run that others started counts, beyond the limit too.
	s.take()
	s.release()
	if s.used != 1 || len(s.waiting) != 0 {
		t.Errorf("%d slots are used and %d wait, want 1 and 0", s.used, len(s.waiting))
	}
}
