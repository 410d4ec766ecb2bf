// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// visitor asks a load balancer or a gateway by hostname. No resolver knows the
// hostnames.
type visitor struct {
	// plain and secure are the addresses for HTTP and HTTPS.
	plain, secure string
	// roots are whom the visitor trusts.
	roots *x509.CertPool

	once   sync.Once
	client *http.Client
}

// patience bounds how long a visitor waits for an answer.
const patience = 10 * time.Second

// http is the visitor's client, which follows no redirects and keeps its
// connections.
func (v *visitor) http() *http.Client {
	v.once.Do(func() {
		dialer := &net.Dialer{Timeout: patience}
		v.client = &http.Client{
			Timeout:       patience,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DisableCompression: true, ForceAttemptHTTP2: true,
				TLSClientConfig: &tls.Config{RootCAs: v.roots},
				DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					if strings.HasSuffix(address, ":443") {
						return dialer.DialContext(ctx, network, v.secure)
					}
					return dialer.DialContext(ctx, network, v.plain)
				},
			},
		}
	})
	return v.client
}

// fresh is another visitor of the same places.
func (v *visitor) fresh() *visitor {
	return &visitor{plain: v.plain, secure: v.secure, roots: v.roots}
}

// ask sends a request, and reads all of the answer.
func (v *visitor) ask(req *http.Request) (answer, error) {
	resp, err := v.http().Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// must is ask for a request that has to be answered.
func (v *visitor) must(t *testing.T, req *http.Request) answer {
	t.Helper()
	a, err := v.ask(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return a
}

// get opens a page by HTTP; header are name and value in turn.
func (v *visitor) get(t *testing.T, host, path string, header ...string) answer {
	t.Helper()
	return v.must(t, request(t, http.MethodGet, "http://"+host+path, nil, header...))
}

// open opens a page by HTTPS.
func (v *visitor) open(t *testing.T, host, path string, header ...string) answer {
	t.Helper()
	return v.must(t, request(t, http.MethodGet, "https://"+host+path, nil, header...))
}

func request(t *testing.T, method, url string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	return req
}

// crowd asks for pages all the time, and notes what went wrong, and who answered.
type crowd struct {
	mu     sync.Mutex
	visits int
	// again counts requests that were asked twice.
	again  int
	failed []failure
	// answered by the container that did, since when last asked.
	answered map[string]int
	stop     func()
}

// failure is a visit that came to nothing.
type failure struct {
	began time.Time
	what  string
}

// gather lets visitors come until they are told to go: for each URL one who keeps
// the connection, and one who makes a new one each time. right tells whether an
// answer is; nil wants the site's own.
func gather(t *testing.T, v *visitor, right func(url string, a answer) error, urls ...string) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &crowd{answered: map[string]int{}}
	var all sync.WaitGroup
	for _, url := range urls {
		for _, keeps := range []bool{true, false} {
			who := v.fresh()
			all.Go(func() {
				for ctx.Err() == nil {
					c.visit(who, right, url, keeps)
					select {
					case <-ctx.Done():
					case <-time.After(50 * time.Millisecond):
					}
				}
				who.http().CloseIdleConnections()
			})
		}
	}
	c.stop = func() { cancel(); all.Wait() }
	t.Cleanup(c.stop)
	return c
}

func (c *crowd) visit(v *visitor, right func(string, answer) error, url string, keeps bool) {
	began := time.Now()
	a, err := v.come(url, keeps)
	again := !keeps && errors.Is(err, io.EOF)
	if again {
		a, err = v.come(url, keeps)
	}
	if err == nil {
		err = right(url, a)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visits++
	if again {
		c.again++
	}
	if err != nil {
		c.failed = append(c.failed, failure{began, fmt.Sprintf("%s (kept connection: %t), after %s: %v", url, keeps, time.Since(began).Round(time.Millisecond), err)})
		return
	}
	c.answered[a.header.Get("X-Container")]++
}

// come opens a page, on a connection that is kept or on a new one.
func (v *visitor) come(url string, keeps bool) (answer, error) {
	req, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	req.Close = !keeps
	return v.ask(req)
}

// met are the containers that answered since the last time, sorted.
func (c *crowd) met() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name := range c.answered {
		names = append(names, name)
	}
	clear(c.answered)
	slices.Sort(names)
	return names
}

// unharmed asserts that no visit failed that began at a time or later, and forgets
// those that did.
func (c *crowd) unharmed(t *testing.T, since time.Time) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	n, first := 0, ""
	for _, f := range c.failed {
		if !f.began.Before(since) {
			if n++; n <= 5 {
				first += "\n" + f.began.Format("15:04:05.000") + " " + f.what
			}
		}
	}
	if n > 0 {
		t.Errorf("%d of %d visits failed:%s", n, c.visits, first)
	}
	c.failed = nil
}

// leave ends the visits and asserts that none failed since the last time.
func (c *crowd) leave(t *testing.T) {
	t.Helper()
	c.stop()
	c.unharmed(t, time.Time{})
	if c.visits < 20 {
		t.Errorf("there were %d visits only", c.visits)
	}
	// A server of Go's net/http that is told to end closes new connections whose
	// first request it has not read yet, without an answer. Caddy starts another one
	// for each configuration that it loads, so on a busy machine some visitors ask
	// twice, as HTTP lets them. Those on kept connections do so unseen.
	if c.again > max(1, c.visits/500) {
		t.Errorf("%d of %d visitors had to ask twice", c.again, c.visits)
	}
	t.Logf("%d visits, %d asked twice", c.visits, c.again)
}
