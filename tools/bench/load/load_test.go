// SPDX-License-Identifier: MPL-2.0

package load

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const answer = "a static answer"

// serve starts a server, and returns its file /answer.
func serve(t *testing.T, encrypted bool, handler http.HandlerFunc) File {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	if encrypted {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return File{
		Target: Target{Address: server.Listener.Addr().String(), Host: "bench.example.com", TLS: encrypted},
		Path:   "/answer", Size: int64(len(answer)),
	}
}

func TestRunAsksOverKeptConnections(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		var requests, connections atomic.Int64
		peers := map[string]bool{}
		lock := make(chan struct{}, 1)
		file := serve(t, encrypted, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			lock <- struct{}{}
			if !peers[r.RemoteAddr] {
				peers[r.RemoteAddr] = true
				connections.Add(1)
			}
			<-lock
			if r.Host != "bench.example.com" || r.URL.Path != "/answer" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = io.WriteString(w, answer)
		})
		result := Run(t.Context(), file, 3, 100*time.Millisecond)
		if result.Failed != 0 || result.Err != nil {
			t.Fatalf("TLS %v: %d failed: %v", encrypted, result.Failed, result.Err)
		}
		if connections.Load() != 3 {
			t.Errorf("TLS %v: %d connections, want 3", encrypted, connections.Load())
		}
		// The first request of each connection is not measured.
		if got, want := int64(len(result.Latencies)), requests.Load()-3; got != want || got == 0 {
			t.Errorf("TLS %v: %d latencies of %d requests", encrypted, got, want)
		}
		if result.Elapsed < 100*time.Millisecond || result.Rate() <= 0 {
			t.Errorf("TLS %v: %.0f requests/s in %s", encrypted, result.Rate(), result.Elapsed)
		}
	}
}

func TestRunCountsFailures(t *testing.T) {
	for name, c := range map[string]struct {
		respond func(w http.ResponseWriter)
		want    string
	}{
		"status": {func(w http.ResponseWriter) { http.Error(w, answer, http.StatusBadGateway) }, "502"},
		"size":   {func(w http.ResponseWriter) { _, _ = io.WriteString(w, answer[1:]) }, "14 bytes and not 15"},
		"close": {func(w http.ResponseWriter) {
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, answer)
		}, "does not keep"},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			file := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
				if requests.Add(1) <= 10 {
					_, _ = io.WriteString(w, answer)
					return
				}
				c.respond(w)
			})
			// Each connection ends at its failure, long before the minute is over.
			result := Run(t.Context(), file, 2, time.Minute)
			if result.Failed != 2 || result.Err == nil || !strings.Contains(result.Err.Error(), c.want) {
				t.Errorf("%d failed, want 2: %v, want %q", result.Failed, result.Err, c.want)
			}
			if len(result.Latencies) != 8 {
				t.Errorf("%d good answers, want 8", len(result.Latencies))
			}
		})
	}
}

func TestRunWithoutServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	result := Run(t.Context(), File{Target: Target{Address: listener.Addr().String()}}, 4, time.Minute)
	if result.Failed != 4 || result.Err == nil || result.Rate() != 0 {
		t.Errorf("%d failed, want 4; %v; %.0f requests/s", result.Failed, result.Err, result.Rate())
	}
}

func TestWait(t *testing.T) {
	var requests atomic.Int64
	file := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, answer)
	})
	if err := Wait(t.Context(), file); err != nil || requests.Load() != 3 {
		t.Errorf("%v after %d requests, want none after 3", err, requests.Load())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	file.Size++
	if err := Wait(ctx, file); err == nil || !strings.Contains(err.Error(), "bytes and not") {
		t.Errorf("%v, want what was wrong last", err)
	}
}

func TestPercentile(t *testing.T) {
	upTo := func(n int) (r Result) {
		for i := range n {
			r.Latencies = append(r.Latencies, time.Duration(i+1))
		}
		return r
	}
	for _, c := range []struct {
		n     int
		share float64
		want  time.Duration
	}{
		{0, 0.5, 0},
		{1, 0.5, 1},
		{1, 0.99, 1},
		{2, 0.5, 1},
		{3, 0.5, 2},
		{100, 0, 1},
		{100, 0.5, 50},
		{100, 0.99, 99},
		{100, 1, 100},
		{101, 0.99, 100},
		{1000, 0.99, 990},
	} {
		if got := upTo(c.n).Percentile(c.share); got != c.want {
			t.Errorf("the %g percentile of %d is %d, want %d", 100*c.share, c.n, got, c.want)
		}
	}
}
