// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

const (
	// changeSlots bounds the calls that make one host work, over all portals:
	// more at a time gain nothing, and Docker 20.10 has been seen to lock up in
	// its network part while 23 containers and more ended at once.
	changeSlots = 8
	// stopSlots bounds the calls that wait for a container to end, apart from the
	// others: one that takes minutes to end must not hold up what is to start.
	stopSlots = 8
	// probeSlots bounds the health commands that run on one host at a time.
	probeSlots = 4
)

// slots bounds how many of something go on at a time on each host.
type slots struct {
	size   int
	byHost sync.Map // host name → chan struct{}
}

// take waits for a free slot of a host and returns what gives it back.
func (s *slots) take(ctx context.Context, host string) (release func(), err error) {
	v, _ := s.byHost.LoadOrStore(host, make(chan struct{}, s.size))
	taken, _ := v.(chan struct{})
	select {
	case taken <- struct{}{}:
		return func() { <-taken }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// slotsFor are the slots that an operation of a kind needs, nil for those that
// only wait or have a bound of their own.
func (e *Engine) slotsFor(kind stack.Kind) *slots {
	switch kind {
	case stack.EnsureImage, stack.WaitHealthy, stack.WaitDone, stack.WaitEnd:
		return nil
	case stack.Stop, stack.Restart:
		return &e.stops
	}
	return &e.changes
}
