// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"time"

	"github.com/docker/docker/client"
	"github.com/hashicorp/go-retryablehttp"
)

const (
	// answerTimeout bounds the wait for the header of an answer to requests
	// that a healthy daemon answers in moments, however loaded it is.
	answerTimeout = 3 * time.Minute
	// Repeats of a request that is safe to repeat: about 0.7 s in all, so a
	// daemon that is gone is told soon.
	maxRepeats   = 3
	minRepeatGap = 100 * time.Millisecond
	maxRepeatGap = 400 * time.Millisecond
	// idleConns is how many connections to a host are kept for reuse.
	idleConns = 32
	// soonRequests is how many requests that are soon answered go to a host at a
	// time: more gain nothing there, and each takes a connection here.
	soonRequests = 16
	// sshRequests is the same over ssh, where a request takes its time on the way.
	// Each has a file of sshd's open, of which it has 1024.
	sshRequests = 64
)

// transport carries the requests of one host. It repeats those that are safe
// to repeat after a dropped connection or a 5xx, and bounds the wait for an
// answer. What is not safe to repeat is left to Retry, whose callers look
// first whether it happened.
type transport struct {
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	inner   *http.Transport
	once    http.RoundTripper // inner with its bounds
	repeats http.RoundTripper
}

func newTransport(d *dialer) *transport {
	t := &transport{
		dial: d.dial,
		inner: &http.Transport{
			DialContext:         d.dial,
			MaxIdleConns:        idleConns,
			MaxIdleConnsPerHost: idleConns,
			IdleConnTimeout:     90 * time.Second,
		},
	}
	atATime := soonRequests
	if d.ssh != nil {
		atATime = sshRequests
	}
	t.once = &crowd{&patience{t.inner}, make(chan struct{}, atATime)}
	rc := retryablehttp.NewClient()
	rc.HTTPClient = &http.Client{Transport: t.once, CheckRedirect: client.CheckRedirect}
	rc.Logger = nil // its lines would hold whole URLs
	rc.RetryMax = maxRepeats
	rc.RetryWaitMin = minRepeatGap
	rc.RetryWaitMax = maxRepeatGap
	rc.CheckRetry = shouldRepeat
	// The last answer goes to the Docker client, which reads the reason in it.
	rc.ErrorHandler = retryablehttp.PassthroughErrorHandler
	t.repeats = &retryablehttp.RoundTripper{Client: rc}
	return t
}

// httpClient wraps the transport for the Docker client. That one needs an
// *http.Transport, for its dialer serves attach and exec; so this registers
// itself as what carries "http" there.
func (t *transport) httpClient() *http.Client {
	outer := &http.Transport{DialContext: t.dial}
	outer.RegisterProtocol("http", t)
	return &http.Client{Transport: outer, CheckRedirect: client.CheckRedirect}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if safeToRepeat(req) {
		return t.repeats.RoundTrip(req)
	}
	return t.once.RoundTrip(req)
}

func (t *transport) closeIdle() { t.inner.CloseIdleConnections() }

// idempotentPosts are calls that end in the same state however often they
// arrive: a second one is answered with 304, or with an error that says that
// it is done. Starting is not among them, as a short task would run twice.
var idempotentPosts = regexp.MustCompile(`/containers/[^/]+/(stop|restart|unpause|update|rename|exec)$|/networks/[^/]+/(connect|disconnect)$`)

func safeToRepeat(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		return true
	case http.MethodPost:
		return idempotentPosts.MatchString(req.URL.Path)
	}
	return false
}

// shouldRepeat repeats after a dropped or refused connection and after a 5xx.
// It gives up when the caller did, and after a time-out: the next attempt
// would take as long.
func shouldRepeat(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if err != nil {
		return ctx.Err() == nil && transientConn(err), ctx.Err()
	}
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // what was answered goes to whoever still reads it
	}
	return resp.StatusCode >= http.StatusInternalServerError && resp.StatusCode != http.StatusNotImplemented, nil
}

// longRequests are answered when something happened in the world: a container
// stopped, an image arrived. Only their context bounds them.
var longRequests = regexp.MustCompile(`/containers/[^/]+/(stop|restart|wait|attach)$|/images/create$|/events$`)

// crowd bounds how many requests wait for an answer at a time, those aside that
// wait for something to happen.
type crowd struct {
	next  http.RoundTripper
	slots chan struct{}
}

func (c *crowd) RoundTrip(req *http.Request) (*http.Response, error) {
	if longRequests.MatchString(req.URL.Path) {
		return c.next.RoundTrip(req)
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
		return c.next.RoundTrip(req)
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// patience bounds the wait for an answer's header, not the answer's body.
type patience struct{ next http.RoundTripper }

func (p *patience) RoundTrip(req *http.Request) (*http.Response, error) {
	if longRequests.MatchString(req.URL.Path) {
		return p.next.RoundTrip(req)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(answerTimeout, func() {
		cancel(fmt.Errorf("the daemon did not answer %s %s within %s", req.Method, req.URL.Path, answerTimeout))
	})
	resp, err := p.next.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		if req.Context().Err() == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &cancelOnClose{resp.Body, func() { cancel(nil) }}
	return resp, nil
}
