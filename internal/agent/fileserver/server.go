// SPDX-License-Identifier: MPL-2.0

//go:build linux

// Package fileserver is the file agent: it serves one portal's directory on the
// shared drive to a storage session at the other end of a pipe.
//
// Containers write in that directory, so nothing found there is trusted: every
// path is walked one real directory at a time, no link is followed, and only
// regular files are opened.
package fileserver

import (
	"context"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// Options of one agent.
type Options struct {
	// Root is where the drive is mounted in the container.
	Root string
	// Path is where the drive is mounted on the hosts, for messages.
	Path string
	// Portal to serve.
	Portal string
	// In and Out are the pipe to the session.
	In  io.Reader
	Out io.Writer
	// Timing is DefaultTiming outside of tests.
	Timing Timing
}

// Timing says how long is too long.
type Timing struct {
	// Refresh is how often a held lock is shown to be alive.
	Refresh time.Duration
	// Stale is the age at which a lock that is not refreshed may be broken.
	Stale time.Duration
	// Idle is how long an agent lives that hears nothing from its session.
	Idle time.Duration
}

// DefaultTiming lets a lock miss five refreshes, and a session five pings.
var DefaultTiming = Timing{Refresh: 10 * time.Second, Stale: time.Minute, Idle: 2 * time.Minute}

// server holds the state of one session.
type server struct {
	options Options
	heard   atomic.Int64 // when a call came last, Unix nanoseconds

	// change serialises what writes. It also guards drive and driveID.
	change  sync.Mutex
	drive   dir
	driveID string // empty until the drive was checked

	lockMu sync.Mutex
	lock   *heldLock // nil without a lock
}

// Serve answers the session until the pipe or ctx ends, or nothing was heard
// for too long. A lock that is still held is released then.
func Serve(ctx context.Context, options Options) error {
	if err := stack.ValidateName(options.Portal); err != nil {
		return err
	}
	s := &server{options: options}
	s.heard.Store(time.Now().UnixNano())

	calls := rpc.NewServer()
	if err := calls.RegisterName(wire.Service, &service{s}); err != nil {
		return fmt.Errorf("registering the calls: %w", err)
	}
	if _, err := io.WriteString(options.Out, wire.GreetingLine()); err != nil {
		return fmt.Errorf("greeting the session: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		calls.ServeConn(conn{options.In, options.Out})
	}()
	err := s.wait(ctx, ended)
	s.end()
	return err
}

// wait returns when the session has ended, or when it must.
func (s *server) wait(ctx context.Context, ended <-chan struct{}) error {
	idle := time.NewTimer(s.options.Timing.Idle)
	defer idle.Stop()
	for {
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-idle.C:
			left := s.options.Timing.Idle - time.Since(time.Unix(0, s.heard.Load()))
			if left <= 0 {
				return fmt.Errorf("nothing was heard from the provider for %s", s.options.Timing.Idle)
			}
			idle.Reset(left)
		}
	}
}

// end lets a change under way finish, then gives the lock back.
func (s *server) end() {
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.unlock(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if s.drive.Root != nil {
		s.drive.Close()
	}
}

// conn joins the two halves of the pipe; closing is the process's end.
type conn struct {
	io.Reader
	io.Writer
}

func (conn) Close() error { return nil }
