// SPDX-License-Identifier: MPL-2.0

// Package faultproxy stands between a client and a Docker Engine in tests: it
// passes requests on, keeps a record of them, and spoils the ones it is told
// to.
package faultproxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"
)

// Fault is how a request is spoilt.
type Fault string

const (
	// Answer500 answers with a 500, and passes nothing on.
	Answer500 Fault = "500"
	// DropBefore drops the connection, and passes nothing on.
	DropBefore Fault = "drop before"
	// DropAfter passes the request on, and drops the connection before the
	// answer.
	DropAfter Fault = "drop after"
	// Hang never answers.
	Hang Fault = "hang"
)

// atRandom are the faults that SpoilAtRandom chooses from.
var atRandom = []Fault{Answer500, DropBefore, DropAfter}

// Rule spoils the first request that it matches, once.
type Rule struct {
	Method string
	Path   *regexp.Regexp
	Fault  Fault
	// Message is what Answer500 says, if it matters.
	Message string
}

// Proxy forwards to the engine at a unix socket.
type Proxy struct {
	upstream *http.Transport
	forward  *httputil.ReverseProxy

	mu       sync.Mutex
	rules    []Rule // still to come
	delay    time.Duration
	random   *rand.Rand // nil: none at random
	share    float64    // of the requests that are spoilt at random
	spoilt   int
	requests []string
	released chan struct{}
}

// New makes a proxy before the engine at socket. It ends with the test.
func New(t testing.TB, socket string) *Proxy {
	p := &Proxy{
		upstream: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}},
		released: make(chan struct{}),
	}
	p.forward = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "docker"}) },
		Transport:     p.upstream,
		FlushInterval: -1, // events come as they happen
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	t.Cleanup(func() {
		close(p.released)
		p.upstream.CloseIdleConnections()
	})
	return p
}

// ListenUnix serves on a unix socket of the test's own, and returns the
// endpoint.
func (p *Proxy) ListenUnix(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	p.serve(t, l)
	return "unix://" + path
}

// ListenTLS serves on a local TCP port, and returns the endpoint.
func (p *Proxy) ListenTLS(t testing.TB, cfg *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.serve(t, l)
	return "tcp://" + l.Addr().String()
}

func (p *Proxy) serve(t testing.TB, l net.Listener) {
	// The engine's HTTP is version 1.1: it hands connections over.
	s := &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0), TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
}

// Spoil sets the rules and forgets the record.
func (p *Proxy) Spoil(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules, p.spoilt, p.requests = slices.Clone(rules), 0, nil
}

// SpoilAtRandom spoils a share of all requests from now on, 0 for none, each in
// a way that random chooses as well. Hang is not among them.
func (p *Proxy) SpoilAtRandom(random *rand.Rand, share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.random, p.share = random, share
}

// Delay holds every request up for a while before it is passed on.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Spoilt counts the requests that were spoilt since the last Spoil.
func (p *Proxy) Spoilt() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spoilt
}

// Requests returns what was asked since the last Spoil, as "METHOD /path".
func (p *Proxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

// pick records a request and says how long to hold it up and how to spoil it;
// the empty rule does not.
func (p *Proxy) pick(r *http.Request) (time.Duration, Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r.Method+" "+r.URL.Path)
	for i, rule := range p.rules {
		if rule.Method == r.Method && rule.Path.MatchString(r.URL.Path) {
			p.rules = slices.Delete(p.rules, i, i+1)
			p.spoilt++
			return p.delay, rule
		}
	}
	if p.random != nil && p.random.Float64() < p.share {
		p.spoilt++
		return p.delay, Rule{Fault: atRandom[p.random.IntN(len(atRandom))]}
	}
	return p.delay, Rule{}
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	delay, rule := p.pick(r)
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
	}
	switch rule.Fault {
	case Answer500:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": cmp.Or(rule.Message, "injected fault")})
	case DropBefore:
		panic(http.ErrAbortHandler) // the server closes the connection
	case DropAfter:
		p.lose(r)
		panic(http.ErrAbortHandler)
	case Hang:
		select {
		case <-r.Context().Done():
		case <-p.released:
		}
		panic(http.ErrAbortHandler)
	default:
		p.forward.ServeHTTP(w, r)
	}
}

// endless are requests whose answers go on and on.
var endless = regexp.MustCompile(`/(events|attach|logs)$|/exec/[^/]+/start$`)

// lose passes a request on and throws the answer away.
func (p *Proxy) lose(r *http.Request) {
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = "http", "docker"
	resp, err := p.upstream.RoundTrip(out)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if !endless.MatchString(r.URL.Path) {
		_, _ = io.Copy(io.Discard, resp.Body)
	}
}
