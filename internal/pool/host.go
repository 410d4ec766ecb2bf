// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
	"golang.org/x/sync/singleflight"
)

// MinAPIVersion is the Engine API of Docker 20.10, the oldest that is served.
const MinAPIVersion = "1.41"

// probeTimeout bounds the first request to a host, so that a host that is
// down or hangs is told within seconds.
var probeTimeout = 10 * time.Second

// Host is one Docker Engine. It is dialled when it is first used, and is safe
// for concurrent use.
type Host struct {
	Name string
	// Endpoint without a password, should one be in it.
	Endpoint string
	// Socket is the path of the engine's socket on the host itself, empty when
	// the host is not reached by one.
	Socket string
	// Address under which others reach the host, empty when it is not known.
	Address string
	Labels  map[string]string
	// Drain says that nothing new is to be placed on the host.
	Drain bool

	dialer    *dialer
	transport *transport

	mu      sync.Mutex
	client  *client.Client // nil until a probe succeeded
	connect singleflight.Group

	list    sharedList
	watcher watcher

	kernel struct {
		sync.Mutex
		known *Kernel // nil until the host was asked
	}
}

// newHost checks the configuration of a host. Its errors name the attribute.
func newHost(name string, cfg HostConfig) (*Host, error) {
	attr := "hosts." + name
	d, err := newDialer(attr, cfg)
	if err != nil {
		return nil, err
	}
	h := &Host{
		Name: name, Endpoint: d.shown(), Socket: d.socket(), Address: cmp.Or(cfg.Address, d.host()), Labels: cfg.Labels, Drain: cfg.Drain,
		dialer: d, transport: newTransport(d),
	}
	h.watcher.host = h
	return h, nil
}

// UnreachableError tells that a host did not answer.
type UnreachableError struct {
	Host, Endpoint string
	Err            error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach Docker on host %q at %s: %v", e.Host, e.Endpoint, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Client returns the host's API client. The first call probes the host and
// negotiates the API version; it fails within seconds with an
// *UnreachableError when the host does not answer. A later call probes again
// only if no call succeeded yet. Calls that come together share one probe, so
// that a host which hangs holds each of them up once.
func (h *Host) Client(ctx context.Context) (*client.Client, error) {
	h.mu.Lock()
	c := h.client
	h.mu.Unlock()
	if c != nil {
		return c, nil
	}
	// A caller that gives up does not take the probe away from the others.
	ch := h.connect.DoChan("", func() (any, error) { return h.open(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-ch:
		if r.Err != nil {
			return nil, r.Err
		}
		c, _ := r.Val.(*client.Client)
		return c, nil
	}
}

// open makes the client and probes the host.
func (h *Host) open(ctx context.Context) (*client.Client, error) {
	c, err := client.NewClientWithOpts(
		// The scheme is http also over TLS: the dialer does the handshake, so
		// that attach and exec, which take over a connection, use it as well.
		client.WithHTTPClient(h.transport.httpClient()),
		client.WithScheme("http"),
		withAddress(h.dialer),
	)
	if err != nil {
		return nil, fmt.Errorf("host %q: %w", h.Name, err)
	}
	if err := h.probe(ctx, c); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.client = c
	return c, nil
}

// withAddress tells the client where it is without letting it replace the
// dialer of its transport, as client.WithHost alone would.
func withAddress(d *dialer) client.Opt {
	return func(c *client.Client) error {
		if err := client.WithHost(d.address())(c); err != nil {
			return err
		}
		return client.WithDialContext(d.dial)(c)
	}
}

// probe pings the host and settles the API version.
func (h *Host) probe(ctx context.Context, c *client.Client) error {
	limit := probeTimeout
	probeCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ping, err := c.Ping(probeCtx)
	var overSSH *SSHError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return &UnreachableError{h.Name, h.Endpoint, fmt.Errorf("no answer within %s", limit)}
	case errors.As(err, &overSSH):
		return &UnreachableError{h.Name, h.Endpoint, overSSH} // it says all
	case err != nil:
		return &UnreachableError{h.Name, h.Endpoint, err}
	case ping.APIVersion == "":
		return &UnreachableError{h.Name, h.Endpoint, errors.New("what answers there is not a Docker Engine")}
	case versions.LessThan(ping.APIVersion, MinAPIVersion):
		return fmt.Errorf("docker on host %q at %s is too old: it speaks API %s, and %s (Docker 20.10) is the least that works: upgrade it", h.Name, h.Endpoint, ping.APIVersion, MinAPIVersion)
	case ping.OSType != "" && ping.OSType != "linux":
		return fmt.Errorf("docker on host %q at %s runs %s containers: portals need Linux ones", h.Name, h.Endpoint, ping.OSType)
	}
	c.NegotiateAPIVersionPing(ping)
	return nil
}

// reserved is the memory that containers reserve, in bytes.
func reserved(list []Container) int64 {
	var sum int64
	for _, c := range list {
		// A label that is missing or broken reserves nothing.
		n, _ := strconv.ParseInt(c.Labels[LabelMemory], 10, 64)
		sum += n
	}
	return sum
}

// close ends the event stream and drops connections: all of ssh, the idle ones
// of others.
func (h *Host) close() {
	h.watcher.close()
	h.transport.closeIdle()
	if h.dialer.ssh != nil {
		h.dialer.ssh.close()
	}
}
