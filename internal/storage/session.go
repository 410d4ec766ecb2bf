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
	"sync"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

const (
	// pingInterval is how often a session shows that it is alive; the agent
	// ends after two minutes of silence.
	pingInterval = 20 * time.Second
	// farewell bounds the release of the lock in Close.
	farewell = 5 * time.Second
)

// Session is a conversation with one file agent about one portal. It is safe
// for concurrent use; the agent makes one change at a time. When a method's
// context ends, the method returns at once, but the agent may still finish what
// it was asked.
type Session struct {
	portal string
	host   string
	client *rpc.Client
	stop   chan struct{}
	close  func() error
}

// pipe reads through the buffer that took the greeting.
type pipe struct {
	io.Reader
	io.WriteCloser
}

// Open greets the agent at the other end of conn, which runs on host. The
// session owns conn from here on, and closes it also when Open fails.
func Open(ctx context.Context, conn io.ReadWriteCloser, portal, host string) (*Session, error) {
	reader := bufio.NewReader(conn)
	err := await(ctx, func() error { return readGreeting(reader) })
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("starting the file agent of portal %q on host %q: %w", portal, host, err)
	}
	s := &Session{
		portal: portal,
		host:   host,
		client: rpc.NewClient(pipe{Reader: reader, WriteCloser: conn}),
		stop:   make(chan struct{}),
	}
	s.close = sync.OnceValue(s.end)
	go s.ping()
	return s, nil
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

// Close releases the lock if the session holds it, and ends the agent.
func (s *Session) Close() error { return s.close() }

func (s *Session) end() error {
	close(s.stop)
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	// Best effort: the agent releases the lock itself when its input ends.
	_ = s.Unlock(ctx)
	if err := s.client.Close(); err != nil && !errors.Is(err, rpc.ErrShutdown) {
		return fmt.Errorf("closing the file agent of portal %q on host %q: %w", s.portal, s.host, err)
	}
	return nil
}

func (s *Session) ping() {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			s.client.Go(wire.Service+".Ping", wire.None{}, &wire.None{}, make(chan *rpc.Call, 1))
		}
	}
}

// call runs one method of the agent. doing completes "… of portal acme on host
// dal-1: why".
func (s *Session) call(ctx context.Context, doing, method string, args, reply any) error {
	err := await(ctx, func() error { return s.client.Call(wire.Service+"."+method, args, reply) })
	var reported rpc.ServerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &reported):
		err = fromAgent(string(reported))
	case ctx.Err() == nil: // the pipe broke
		err = fmt.Errorf("the connection to the file agent was lost: %w", err)
	}
	return fmt.Errorf("%s of portal %q on host %q: %w", doing, s.portal, s.host, err)
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

// DriveCheck says which drive is expected.
type DriveCheck struct {
	// ID that the drive must have: pinned by the user, or found on containers
	// of the pool. Empty: whatever is there, and an empty directory becomes a
	// new drive unless Existing is set.
	ID string
	// Existing refuses a directory that is no drive yet: for what can only
	// concern a portal that is there.
	Existing bool
}

// Drive checks that the agent sees the portals' shared drive and returns its
// id. It fails with ErrNotDrive on any other directory.
func (s *Session) Drive(ctx context.Context, check DriveCheck) (string, error) {
	var reply wire.DriveReply
	if err := s.call(ctx, "checking the shared drive", "Drive", wire.DriveArgs{ID: check.ID, Existing: check.Existing}, &reply); err != nil {
		return "", err
	}
	return reply.ID, nil
}

// Prepare makes what st needs in the portal's directory: directories with their
// owners, secrets that are not there yet, and files with the secrets filled in.
// What is right already is not touched, so it may be repeated.
func (s *Session) Prepare(ctx context.Context, st *stack.Stack) error {
	args := wire.PrepareArgs{Directories: st.Directories, Secrets: st.Secrets, Files: st.Files}
	return s.call(ctx, "preparing the directory", "Prepare", args, &wire.None{})
}

// Prune removes the rendered files that st no longer refers to.
func (s *Session) Prune(ctx context.Context, st *stack.Stack) error {
	args := wire.PruneArgs{Keep: make([]string, 0, len(st.Files))}
	for path := range st.Files {
		args.Keep = append(args.Keep, path)
	}
	return s.call(ctx, "pruning the files", "Prune", args, &wire.None{})
}

// Archive moves the portal's directory away and returns where it went, as a
// path on the hosts. Without a directory it does nothing and returns "".
func (s *Session) Archive(ctx context.Context) (string, error) {
	var reply wire.ArchiveReply
	if err := s.call(ctx, "archiving the directory", "Archive", wire.None{}, &reply); err != nil {
		return "", err
	}
	return reply.Path, nil
}

// Delete removes the portal's directory and everything in it, and what an
// interrupted Delete left. Without a directory it does nothing.
func (s *Session) Delete(ctx context.Context) error {
	return s.call(ctx, "deleting the directory", "Delete", wire.None{}, &wire.None{})
}
