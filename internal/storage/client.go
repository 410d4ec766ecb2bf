// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"strings"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// pingInterval is how often a client shows that it is alive; the agent ends
// after two minutes of silence.
const pingInterval = 20 * time.Second

// client is the connection to one file agent. It is safe for concurrent use.
type client struct {
	service string // that the agent offers
	where   string // for messages: "of portal acme on host dal-1"
	rpc     *rpc.Client
	stop    chan struct{}
}

// pipe reads through the buffer that took the greeting.
type pipe struct {
	io.Reader
	io.WriteCloser
}

// connect greets the agent at the other end of conn. The client owns conn from
// here on; it is closed also when connect fails.
func connect(ctx context.Context, conn io.ReadWriteCloser, service, where string) (*client, error) {
	reader := bufio.NewReader(conn)
	if err := await(ctx, func() error { return readGreeting(reader) }); err != nil {
		conn.Close()
		return nil, fmt.Errorf("starting the file agent %s: %w", where, err)
	}
	c := &client{
		service: service,
		where:   where,
		rpc:     rpc.NewClient(pipe{Reader: reader, WriteCloser: conn}),
		stop:    make(chan struct{}),
	}
	go c.ping()
	return c, nil
}

// readGreeting checks that an agent of the same protocol is at the other end.
func readGreeting(r *bufio.Reader) error {
	var line []byte
	for len(line) < 200 && !strings.HasSuffix(string(line), "\n") {
		b, err := r.ReadByte()
		if err != nil {
			return fmt.Errorf("it ended before it answered (it wrote %q): %w", line, err)
		}
		line = append(line, b)
	}
	if string(line) == wire.GreetingLine() {
		return nil
	}
	if protocol, ok := strings.CutPrefix(string(line), wire.Greeting); ok {
		return fmt.Errorf("it speaks protocol %s and this provider speaks %d: the agent's image is of another build; use the image that belongs to this version of the provider",
			strings.TrimSpace(protocol), wire.Protocol)
	}
	return fmt.Errorf("it did not answer like an agent but with %q", line)
}

// close ends the agent's input, and so the agent. It may be called once.
func (c *client) close() error {
	close(c.stop)
	if err := c.rpc.Close(); err != nil && !errors.Is(err, rpc.ErrShutdown) {
		return fmt.Errorf("closing the file agent %s: %w", c.where, err)
	}
	return nil
}

func (c *client) ping() {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
			c.rpc.Go(c.service+".Ping", wire.None{}, &wire.None{}, make(chan *rpc.Call, 1))
		}
	}
}

// call runs one method of the agent. doing completes "… of portal acme on host
// dal-1: why".
func (c *client) call(ctx context.Context, doing, method string, args, reply any) error {
	err := await(ctx, func() error { return c.rpc.Call(c.service+"."+method, args, reply) })
	var reported rpc.ServerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &reported):
		err = fromAgent(string(reported))
	case ctx.Err() == nil: // the pipe broke
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	return fmt.Errorf("%s %s: %w", doing, c.where, err)
}

// await runs f, and returns early when ctx ends.
func await(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-done:
		return err
	}
}
