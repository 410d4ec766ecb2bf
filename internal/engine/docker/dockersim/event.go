// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"encoding/json"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// bus hands events to those that listen.
type bus struct {
	mu        sync.Mutex
	listeners map[chan events.Message]filters.Args
}

// eventBuffer is how many events wait for a listener that is slow; further ones
// are lost to it.
const eventBuffer = 4096

func (b *bus) listen(wanted filters.Args) (messages chan events.Message, stop func()) {
	messages = make(chan events.Message, eventBuffer)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listeners == nil {
		b.listeners = map[chan events.Message]filters.Args{}
	}
	b.listeners[messages] = wanted
	return messages, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, messages)
	}
}

func (b *bus) tell(m events.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l, wanted := range b.listeners {
		if !wanted.ExactMatch("type", string(m.Type)) ||
			!wanted.ExactMatch("event", string(m.Action)) && !wanted.FuzzyMatch("event", string(m.Action)) {
			continue
		}
		select {
		case l <- m:
		default:
		}
	}
}

// publish tells what happened to a container.
func (h *Host) publish(c *simContainer, action events.Action, more map[string]string) {
	attributes := maps.Clone(c.config.Labels)
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["name"], attributes["image"] = c.name, c.config.Image
	maps.Copy(attributes, more)
	now := time.Now()
	h.events.tell(events.Message{
		Type: events.ContainerEventType, Action: action, Scope: "local",
		Actor: events.Actor{ID: c.id, Attributes: attributes},
		Time:  now.Unix(), TimeNano: now.UnixNano(),
	})
}

func (h *Host) streamEvents(w http.ResponseWriter, r *http.Request) (int, any, error) {
	wanted, err := filters.FromJSON(r.URL.Query().Get("filters"))
	if err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "%v", err)
	}
	messages, stop := h.events.listen(wanted)
	defer stop()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w).Flush
	_ = flush()
	enc := json.NewEncoder(w)
	for {
		select {
		case m := <-messages:
			if err := enc.Encode(m); err != nil {
				return 0, nil, nil // the listener has gone
			}
			_ = flush()
		case <-r.Context().Done():
			return 0, nil, nil
		case <-h.ended.Done():
			return 0, nil, nil
		}
	}
}
