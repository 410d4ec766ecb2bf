// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
)

// Count is how often an endpoint was asked, and how many bytes its answers had.
type Count struct {
	Requests, Bytes int64
}

// counter counts requests by endpoint.
type counter struct {
	mu      sync.Mutex
	byRoute map[string]*routeCount
}

type routeCount struct{ requests, bytes atomic.Int64 }

// count notes a request, and counts what is written as its answer.
func (c *counter) count(route string, w http.ResponseWriter) http.ResponseWriter {
	c.mu.Lock()
	if c.byRoute == nil {
		c.byRoute = map[string]*routeCount{}
	}
	n := c.byRoute[route]
	if n == nil {
		n = &routeCount{}
		c.byRoute[route] = n
	}
	c.mu.Unlock()
	n.requests.Add(1)
	return &countedWriter{w, n}
}

// Requests returns what was asked since the last ResetRequests, by endpoint:
// "GET /containers/{id}/json".
func (h *Host) Requests() map[string]Count {
	h.counter.mu.Lock()
	defer h.counter.mu.Unlock()
	out := make(map[string]Count, len(h.counter.byRoute))
	for route, n := range h.counter.byRoute {
		out[route] = Count{n.requests.Load(), n.bytes.Load()}
	}
	return out
}

// ResetRequests forgets them.
func (h *Host) ResetRequests() {
	h.counter.mu.Lock()
	defer h.counter.mu.Unlock()
	h.counter.byRoute = nil
}

// AddRequests adds counts by endpoint to a sum.
func AddRequests(sum, more map[string]Count) {
	for route := range maps.Keys(more) {
		was := sum[route]
		sum[route] = Count{was.Requests + more[route].Requests, was.Bytes + more[route].Bytes}
	}
}

// countedWriter counts bytes. Connections that are taken over are not counted.
type countedWriter struct {
	http.ResponseWriter
	n *routeCount
}

func (w *countedWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.n.bytes.Add(int64(n))
	return n, err
}

// Unwrap lets http.ResponseController flush, and take connections over.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
