// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
)

// Bounds of the pause before the event stream is opened again.
const (
	minReconnect = 100 * time.Millisecond
	maxReconnect = 5 * time.Second
)

// Watch tells that something may have happened to a container. It is a hint to
// look, not a message: it also fires when the event stream was interrupted.
type Watch struct {
	// C receives when it is time to look.
	C <-chan struct{}

	c         chan struct{}
	container string
	watcher   *watcher
}

// watcher shares one event stream among all watches of a host. It opens the
// stream at the first watch and keeps it until close.
type watcher struct {
	host *Host

	mu      sync.Mutex
	watches map[string]map[*Watch]struct{} // by container
	tried   chan struct{}                  // closed when the stream was opened, or could not be
	cancel  context.CancelFunc             // nil while there is no stream
}

// Watch watches a container, given by its full id or its name. What happens
// after Watch returned is not missed, so look at the container after that.
// Call Stop when done.
func (h *Host) Watch(ctx context.Context, ref string) (*Watch, error) {
	cl, err := h.Client(ctx)
	if err != nil {
		return nil, err
	}
	c := make(chan struct{}, 1)
	w := &Watch{C: c, c: c, container: ref, watcher: &h.watcher}
	tried := h.watcher.add(w, cl)
	select {
	case <-tried:
		return w, nil
	case <-ctx.Done():
		w.Stop()
		return nil, ctx.Err()
	}
}

// Stop ends the watch.
func (w *Watch) Stop() {
	w.watcher.mu.Lock()
	defer w.watcher.mu.Unlock()
	set := w.watcher.watches[w.container]
	delete(set, w)
	if len(set) == 0 {
		delete(w.watcher.watches, w.container)
	}
}

// add registers w and makes sure that the stream is being opened.
func (r *watcher) add(w *Watch, c *client.Client) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watches == nil {
		r.watches = make(map[string]map[*Watch]struct{})
	}
	if r.watches[w.container] == nil {
		r.watches[w.container] = make(map[*Watch]struct{})
	}
	r.watches[w.container][w] = struct{}{}
	if r.cancel == nil {
		ctx, cancel := context.WithCancel(context.Background())
		r.cancel, r.tried = cancel, make(chan struct{})
		go r.run(ctx, c, r.tried)
	}
	return r.tried
}

// run keeps the stream open until ctx ends.
func (r *watcher) run(ctx context.Context, c *client.Client, tried chan struct{}) {
	pause := minReconnect
	for first := true; ; first = false {
		opened := time.Now()
		messages, errs := c.Events(ctx, events.ListOptions{Filters: filters.NewArgs(
			filters.Arg("type", string(events.ContainerEventType)),
			filters.Arg("event", string(events.ActionStart)),
			filters.Arg("event", string(events.ActionDie)),
			filters.Arg("event", string(events.ActionPause)),
			filters.Arg("event", string(events.ActionDestroy)),
			filters.Arg("event", string(events.ActionHealthStatus)),
		)})
		if first {
			close(tried)
		} else {
			// What happened while there was no stream is not known.
			r.wakeAll()
		}
		r.dispatch(messages, errs)
		if time.Since(opened) > maxReconnect {
			pause = minReconnect
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, maxReconnect)
	}
}

// dispatch hands on messages until the stream ends.
func (r *watcher) dispatch(messages <-chan events.Message, errs <-chan error) {
	for {
		select {
		case m := <-messages:
			r.wake(m.Actor.ID)
			r.wake(m.Actor.Attributes["name"])
		case <-errs: //nolint:errcheck // whatever ended the stream, it is opened again
			return
		}
	}
}

func (r *watcher) wake(container string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for w := range r.watches[container] {
		w.wake()
	}
}

func (r *watcher) wakeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, set := range r.watches {
		for w := range set {
			w.wake()
		}
	}
}

// wake never blocks: one pending hint is enough.
func (w *Watch) wake() {
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// close ends the stream.
func (r *watcher) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		r.cancel()
		r.cancel = nil
	}
}
