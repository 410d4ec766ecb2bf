// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync/atomic"
)

// counter is a socket in front of the engine's that counts what passes.
// Nothing is timed through it.
type counter struct {
	socket   string
	requests atomic.Int64
	bytes    atomic.Int64 // from the engine
	server   *http.Server
}

func newCounter(dir, engine string) (*counter, error) {
	c := &counter{socket: filepath.Join(dir, "counted.sock")}
	listener, err := net.Listen("unix", c.socket)
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "docker"})
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{
		MaxIdleConnsPerHost: services,
		DisableCompression:  true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialUnix(ctx, "unix", nil, &net.UnixAddr{Name: engine, Net: "unix"})
			return countedConn{conn, &c.bytes}, err
		},
	}
	c.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		proxy.ServeHTTP(w, r)
	})}
	go c.server.Serve(listener) //nolint:errcheck // it always ends with ErrServerClosed
	return c, nil
}

// count returns how many requests do made, and how many bytes came back.
func (c *counter) count(do func() error) (requests, bytes int64, err error) {
	r, b := c.requests.Load(), c.bytes.Load()
	err = do()
	return c.requests.Load() - r, c.bytes.Load() - b, err
}

func (c *counter) Close() error { return c.server.Close() }

// countedConn can be closed for writing alone, as attached streams need.
type countedConn struct {
	*net.UnixConn
	read *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.UnixConn.Read(p)
	c.read.Add(int64(n))
	return n, err
}
