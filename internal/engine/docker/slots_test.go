// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"testing"
)

func TestSlotsAreBoundedByHost(t *testing.T) {
	s := slots{size: 2}
	for range 2 {
		if _, err := s.take(t.Context(), "dal-1"); err != nil {
			t.Fatal(err)
		}
	}
	full, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.take(full, "dal-1"); !errors.Is(err, context.Canceled) {
		t.Errorf("a third slot of the host: got %v, want it to wait", err)
	}
	release, err := s.take(t.Context(), "dal-2")
	if err != nil {
		t.Fatalf("another host has slots of its own: %v", err)
	}
	release()
}
