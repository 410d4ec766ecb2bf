// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// contender is one way to do the work. Each id is a stack of its own.
type contender interface {
	name() string
	through(socket string, counted bool)          // the engine's, or a counter's before it
	prepare(ctx context.Context, id string) error // not timed
	create(ctx context.Context, id string) error
	read(ctx context.Context, id string) error // finds nothing to do
	destroy(ctx context.Context, id string) error
}

// samples are the times of one thing, a sample a round.
type samples []time.Duration

func (s samples) median() time.Duration { return median(s) }

// median is the middle value, or the mean of the middle two; 0 of none.
func median[T time.Duration | float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// add times do.
func (s *samples) add(do func() error) error {
	begin := time.Now()
	err := do()
	*s = append(*s, time.Since(begin))
	return err
}

// result is what was measured of one contender.
type result struct {
	contender             contender
	create, read, destroy samples
	// API requests of one create, no-op and destroy.
	requests [3]int64
}

// round lets a contender make, read and destroy one stack.
func (r *result) round(ctx context.Context, id string) error {
	if err := r.contender.prepare(ctx, id); err != nil {
		return fmt.Errorf("%s: prepare: %w", r.contender.name(), err)
	}
	if err := r.create.add(func() error { return r.contender.create(ctx, id) }); err != nil {
		return fmt.Errorf("%s: create: %w", r.contender.name(), err)
	}
	if err := r.read.add(func() error { return r.contender.read(ctx, id) }); err != nil {
		return fmt.Errorf("%s: no-op: %w", r.contender.name(), err)
	}
	if err := r.destroy.add(func() error { return r.contender.destroy(ctx, id) }); err != nil && !miscounted(err) {
		return fmt.Errorf("%s: destroy: %w", r.contender.name(), err)
	}
	return nil
}

// miscounted tells of a network that the engine refuses to remove though
// nothing is attached to it. Docker 20.10 loses count of a network's endpoints
// now and then when containers start side by side, and finds it again when it
// is restarted. It is nobody's fault here, and the last step of a destroy.
func miscounted(err error) bool {
	return err != nil && strings.Contains(strings.Join(strings.Fields(err.Error()), " "), "has active endpoints")
}

// countRequests does one more round, through the counter and not timed.
func (r *result) countRequests(ctx context.Context, c *counter, id string) error {
	if err := r.contender.prepare(ctx, id); err != nil {
		return err
	}
	steps := []func(context.Context, string) error{r.contender.create, r.contender.read, r.contender.destroy}
	for i, step := range steps {
		requests, _, err := c.count(func() error { return step(ctx, id) })
		if err != nil && !miscounted(err) {
			return fmt.Errorf("%s through the counting proxy: %w", r.contender.name(), err)
		}
		r.requests[i] = requests
	}
	return nil
}

// manyResult is what was measured of plans of many portals.
type manyResult struct {
	portals           int
	plan, floor       samples
	start             samples // Terraform's own start, with as many portals
	requests, bytes   int64   // of one plan
	provider, command int64   // peak memory in bytes of the provider and of Terraform
}

// measureMany makes n portals, on top of those that are there, and times a
// plan that finds nothing to do beside the floor's own read of as much.
func (b *bench) measureMany(ctx context.Context, n int) (manyResult, error) {
	m := manyResult{portals: n}
	names := b.terraform.names(n)
	if err := b.terraform.apply(ctx, names); err != nil {
		return m, err
	}
	reader := &floor{workload: b.workload, docker: b.docker, parallel: 10}
	b.terraform.peak, b.terraform.helperPeak = 0, 0
	for round := range b.rounds {
		b.log("%d portals, round %d of %d", n, round+1, b.rounds)
		if err := m.floor.add(func() error { return reader.read(ctx, "") }); err != nil {
			return m, err
		}
		if err := m.plan.add(func() error { return b.terraform.plan(ctx, names) }); err != nil {
			return m, err
		}
		if err := m.start.add(func() error { return b.terraform.start(ctx, names) }); err != nil {
			return m, err
		}
	}
	b.terraform.through(b.counter.socket, true)
	defer b.terraform.through(b.socket, false)
	var err error
	m.requests, m.bytes, err = b.counter.count(func() error { return b.terraform.plan(ctx, names) })
	m.provider, m.command = b.terraform.helperPeak, b.terraform.peak
	return m, err
}

// roundID is the id of a round's stack.
func roundID(round int) string { return "r" + strconv.Itoa(round) }
