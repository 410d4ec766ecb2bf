// SPDX-License-Identifier: MPL-2.0

// Package load asks a web server for one file again and again, over
// connections that are kept, and tells how long each answer took. It is made to
// take little of the machine that it shares with the server: a request is
// written as it is, and its answer read by the goroutine that wrote it.
package load

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// Result is what a run showed.
type Result struct {
	Latencies []time.Duration // of each good answer, ascending
	Failed    int             // requests, and connections that could not be made
	Err       error           // of the first failure
	Elapsed   time.Duration   // from the first request to the last answer
}

// Rate is in good answers per second.
func (r Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(len(r.Latencies)) / r.Elapsed.Seconds()
}

// Percentile is the time that this share of the answers (0.99) stayed within.
func (r Result) Percentile(share float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	rank := int(math.Ceil(share * float64(len(r.Latencies))))
	return r.Latencies[min(max(rank, 1), len(r.Latencies))-1]
}

// Run makes the connections, asks once on each, and then lets each of them ask
// again the moment it was answered, for as long as it is told. A connection
// that failed asks no more, so that failures end a run early and are few.
func Run(ctx context.Context, file File, connections int, duration time.Duration) Result {
	clients, result := connectAll(ctx, file, connections)
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	each := make([]Result, len(clients))
	begin := time.Now()
	var group sync.WaitGroup
	for i, c := range clients {
		group.Go(func() { each[i] = c.askUntil(ctx, begin.Add(duration)) })
	}
	group.Wait()
	result.Elapsed = time.Since(begin)
	for _, r := range each {
		result.Latencies = append(result.Latencies, r.Latencies...)
		result.fail(r.Failed, r.Err)
	}
	slices.Sort(result.Latencies)
	return result
}

// connectAll makes the connections side by side, and counts those that fail.
func connectAll(ctx context.Context, file File, connections int) (clients []*client, failures Result) {
	var lock sync.Mutex
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			c, err := connect(ctx, file)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failures.fail(1, err)
				return
			}
			clients = append(clients, c)
		})
	}
	group.Wait()
	return clients, failures
}

func (r *Result) fail(n int, err error) {
	r.Failed += n
	if r.Err == nil {
		r.Err = err
	}
}

// askUntil asks again and again until it is late, or a request fails.
func (c *client) askUntil(ctx context.Context, end time.Time) (r Result) {
	if err := c.conn.SetDeadline(end.Add(patience)); err != nil {
		r.fail(1, err)
		return r
	}
	for now := time.Now(); now.Before(end); {
		if err := ctx.Err(); err != nil {
			r.Err = err
			return r
		}
		if err := c.ask(); err != nil {
			r.fail(1, err)
			return r
		}
		answered := time.Now()
		r.Latencies = append(r.Latencies, answered.Sub(now))
		now = answered
	}
	return r
}

// Wait asks on new connections until the file is there, and fails with the last
// refusal when the context ends before.
func Wait(ctx context.Context, file File) error {
	var refusal error
	for {
		c, err := connect(ctx, file)
		if err == nil {
			return c.close()
		}
		if refusal == nil || ctx.Err() == nil {
			refusal = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), refusal)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
