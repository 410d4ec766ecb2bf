// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/singleflight"
)

// sshBounds are how long a host may take.
type sshBounds struct {
	// connect bounds a connection attempt as a whole: TCP, handshake and
	// authentication. It is less than probeTimeout, so that the error says
	// which of them did not end.
	connect time.Duration
	// A connection that does not answer within silence, asked every interval,
	// has ended: what is under way on it fails, and the next call connects anew.
	interval, silence time.Duration
}

var defaultSSHBounds = sshBounds{connect: 8 * time.Second, interval: 15 * time.Second, silence: 15 * time.Second}

const (
	// parallelOpens bounds the channels that are being opened at a time: sshd
	// connects to the socket without waiting, and fails when its queue is full.
	parallelOpens = 16
	// lookTimeout bounds the command that finds out why a socket does not open.
	lookTimeout = 3 * time.Second
	// openMargin is what dial may take beyond a connection attempt.
	openMargin = time.Second
)

// sshLink is the way to one host over ssh. All that is done on the host goes
// through one connection, each in a channel of its own to the engine's socket.
// Channels are no sessions: sshd's MaxSessions does not count them.
type sshLink struct {
	target sshTarget
	bounds sshBounds
	keys   *sshKeys
	known  *knownHosts

	opening chan struct{} // slots
	connect singleflight.Group

	mu      sync.Mutex
	current *sshConn // nil before the first
}

// dial opens a connection to the engine's socket.
func (l *sshLink) dial(ctx context.Context) (net.Conn, error) {
	limit := l.bounds.connect + openMargin
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := l.channel(bounded)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = &SSHError{Text: fmt.Sprintf("sshd at %s is connected, but did not lead to Docker's socket within %s: does the host hang?", l.target.addr, limit)}
	}
	return conn, err
}

// channel opens a channel. A connection to the host that turns out to have
// ended is replaced: nothing was sent yet.
func (l *sshLink) channel(ctx context.Context) (net.Conn, error) {
	for again := false; ; again = true {
		c, err := l.connection(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := l.openOn(ctx, c)
		if err == nil || again || c.reason() == nil {
			return conn, err
		}
	}
}

func (l *sshLink) openOn(ctx context.Context, c *sshConn) (net.Conn, error) {
	select {
	case l.opening <- struct{}{}:
		defer func() { <-l.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return c.open(ctx)
}

// connection returns the connection to the host, and makes it if there is none.
// Those that wait share one attempt.
func (l *sshLink) connection(ctx context.Context) (*sshConn, error) {
	if c := l.living(); c != nil {
		return c, nil
	}
	// A caller that gives up does not take the attempt away from the others.
	ch := l.connect.DoChan("", func() (any, error) {
		if c := l.living(); c != nil {
			return c, nil // made since the caller looked
		}
		c, err := l.open(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.current = c
		return c, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-ch:
		c, _ := r.Val.(*sshConn)
		return c, r.Err
	}
}

// living is the connection to the host, nil while there is none.
func (l *sshLink) living() *sshConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil || l.current.reason() != nil {
		return nil
	}
	return l.current
}

// open connects to the host. Every step of it ends at one deadline.
func (l *sshLink) open(ctx context.Context) (*sshConn, error) {
	deadline := time.Now().Add(l.bounds.connect)
	raw, err := (&net.Dialer{Deadline: deadline, KeepAlive: 30 * time.Second}).DialContext(ctx, "tcp", l.target.addr)
	if err != nil {
		return nil, notConnected(l.target.addr, l.bounds.connect, err)
	}
	c := &sshConn{target: l.target, bounds: l.bounds, over: make(chan struct{})}
	c.look = sync.OnceValue(c.askWhy)
	c.raw = &watchedConn{raw, c}
	if err := l.handshake(c, deadline); err != nil {
		raw.Close()
		return nil, err
	}
	go func() { c.end(c.client.Wait()) }()
	go c.keepAlive()
	return c, nil
}

// handshake proves who the host is, and who we are.
func (l *sshLink) handshake(c *sshConn, deadline time.Time) error {
	signers, done, err := l.keys.open(deadline)
	if err != nil {
		return err
	}
	defer done()
	if err := c.raw.SetDeadline(deadline); err != nil {
		return err
	}
	var refusal error
	var proven atomic.Bool
	conn, channels, requests, err := ssh.NewClientConn(c.raw, l.target.addr, &ssh.ClientConfig{
		User:              l.target.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signers...)},
		HostKeyAlgorithms: l.known.algorithms(l.target.addr),
		HostKeyCallback: func(addr string, remote net.Addr, key ssh.PublicKey) error {
			if err := l.known.check(addr, remote, key); err != nil {
				refusal = l.known.refused(addr, key, err)
				return refusal
			}
			proven.Store(true)
			return nil
		},
	})
	switch {
	case refusal != nil:
		return refusal
	case err != nil && !time.Now().Before(deadline) && proven.Load():
		return &SSHError{Text: fmt.Sprintf("%s did not let user %q in within %s: sshd hangs while it checks the key", l.target.addr, l.target.user, l.bounds.connect)}
	case err != nil && !time.Now().Before(deadline):
		return &SSHError{Text: fmt.Sprintf("%s accepts connections, but did not finish the ssh handshake within %s: does the host hang, and is it sshd that listens there?", l.target.addr, l.bounds.connect)}
	case err != nil:
		return l.handshakeFailed(signers, err)
	}
	if err := c.raw.SetDeadline(time.Time{}); err != nil {
		return err
	}
	c.client = ssh.NewClient(conn, channels, requests)
	c.established.Store(true)
	return nil
}

// close ends the connection, if there is one.
func (l *sshLink) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != nil {
		l.current.end(net.ErrClosed)
	}
}

// sshConn is one connection to a host.
type sshConn struct {
	target sshTarget
	bounds sshBounds
	raw    net.Conn
	client *ssh.Client
	// look finds out, once, why the socket does not open.
	look        func() int
	established atomic.Bool // client is there
	forwarded   atomic.Bool // sshd has connected to the socket before

	once sync.Once
	why  error         // set before over is closed
	over chan struct{} // closed when the connection has ended
}

// end closes the connection. The first reason counts.
func (c *sshConn) end(reason error) {
	if reason == nil {
		reason = io.EOF
	}
	c.once.Do(func() {
		c.why = reason
		close(c.over)
		c.raw.Close()
	})
}

// reason says why the connection has ended, nil while it has not.
func (c *sshConn) reason() error {
	select {
	case <-c.over:
		return c.why
	default:
		return nil
	}
}

// open opens a channel to the engine's socket.
func (c *sshConn) open(ctx context.Context) (net.Conn, error) {
	conn, err := c.client.DialContext(ctx, "unix", c.target.socket)
	var refusal *ssh.OpenChannelError
	switch {
	case err == nil:
		c.forwarded.Store(true)
		return newSSHChannel(c, conn), nil
	case errors.As(err, &refusal):
		return nil, c.notForwarded(refusal)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	c.end(err)
	return nil, lost(c.target.addr, c.reason())
}

// keepAlive asks the host for signs of life.
func (c *sshConn) keepAlive() {
	tick := time.NewTicker(c.bounds.interval)
	defer tick.Stop()
	for {
		select {
		case <-c.over:
			return
		case <-tick.C:
		}
		bound := time.AfterFunc(c.bounds.silence, func() {
			c.end(fmt.Errorf("no sign of life from the host for %s", c.bounds.silence))
		})
		// Any answer will do, also that the request is not known.
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		bound.Stop()
		if err != nil {
			c.end(err)
			return
		}
	}
}

// askWhy finds out by a command on the host why the socket does not open. It is
// no more than a help: 0 means that it could not be told.
func (c *sshConn) askWhy() int {
	code := make(chan int, 1)
	go func() { code <- c.run(lookCommand(c.target.socket)) }()
	select {
	case n := <-code:
		return n
	case <-time.After(lookTimeout):
		return 0
	}
}

func lookCommand(socket string) string {
	quoted := "'" + strings.ReplaceAll(socket, "'", `'\''`) + "'"
	return fmt.Sprintf("test -e %[1]s || exit %[2]d; test -w %[1]s || exit %[3]d; exit %[4]d", quoted, socketMissing, socketClosed, socketOpens)
}

// run runs a command on the host and returns its exit code, 0 if that is not
// known.
func (c *sshConn) run(command string) int {
	session, err := c.client.NewSession()
	if err != nil {
		return 0
	}
	defer session.Close()
	defer time.AfterFunc(lookTimeout, func() { session.Close() }).Stop()
	var exit *ssh.ExitError
	if errors.As(session.Run(command), &exit) {
		return exit.ExitStatus()
	}
	return 0
}

// watchedConn notes the error that ends a connection before anything that is
// carried by it ends: a channel alone cannot tell a lost connection from the
// end of what it reads.
type watchedConn struct {
	net.Conn
	c *sshConn
}

func (w *watchedConn) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil && w.c.established.Load() {
		w.c.end(err)
	}
	return n, err
}

// sshChannel is a connection to the engine's socket. Unlike a channel of the
// library it ends a Read when it is closed, also while the host does not answer.
type sshChannel struct {
	net.Conn
	output *io.PipeReader
}

func newSSHChannel(c *sshConn, conn net.Conn) *sshChannel {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, conn)
		if reason := c.reason(); reason != nil {
			err = lost(c.target.addr, reason)
		}
		w.CloseWithError(err)
	}()
	return &sshChannel{conn, r}
}

func (s *sshChannel) Read(b []byte) (int, error) { return s.output.Read(b) }

// CloseWrite tells the engine that no more input comes.
func (s *sshChannel) CloseWrite() error {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (s *sshChannel) Close() error {
	s.output.Close()
	return s.Conn.Close()
}
