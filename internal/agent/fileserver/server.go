// SPDX-License-Identifier: MPL-2.0

//go:build linux

// Package fileserver is the file agent: it serves one portal's directory on the
// shared drive to a storage session at the other end of a pipe, or lets a
// storage reader read all of them.
//
// Containers write in a portal's directory, so nothing found there is trusted:
// every path is walked one real directory at a time, no link is followed, and
// only regular files are opened.
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
	// Portal to serve. An agent without one reads all portals, and writes none.
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
	// Flock is how long a write of the overrides waits for other programs that
	// write them.
	Flock time.Duration
	// Idle is how long an agent lives that hears nothing from its session.
	Idle time.Duration
}

// DefaultTiming lets a lock miss five refreshes, and a session five pings.
var DefaultTiming = Timing{Refresh: 10 * time.Second, Stale: time.Minute, Flock: 5 * time.Second, Idle: 2 * time.Minute}

// server holds the state of one session.
type server struct {
	options Options

	// change serialises what writes. It also guards home's drive and driveID.
	change sync.Mutex
	home
	driveID string // empty until the drive was checked

	lockMu sync.Mutex
	lock   *heldLock // nil without a lock
}

// Serve answers the session until the pipe or ctx ends, or nothing was heard
// for too long. A lock that is still held is released then.
func Serve(ctx context.Context, options Options) error {
	if options.Portal == "" {
		r := &reader{options: options}
		return answer(ctx, options, wire.ReaderService, r, &r.hearing)
	}
	if err := stack.ValidateName(options.Portal); err != nil {
		return err
	}
	s := &server{options: options, home: home{portal: options.Portal}}
	v := &service{s: s}
	err := answer(ctx, options, wire.Service, v, &v.hearing)
	s.end()
	return err
}

// answer offers the methods of receiver under name.
func answer(ctx context.Context, options Options, name string, receiver any, h *hearing) error {
	h.note()
	calls := rpc.NewServer()
	if err := calls.RegisterName(name, receiver); err != nil {
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
	return h.wait(ctx, ended, options.Timing.Idle)
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

// hearing knows when the other end of the pipe last gave a sign of life.
type hearing struct{ last atomic.Int64 } // Unix nanoseconds

func (h *hearing) note() { h.last.Store(time.Now().UnixNano()) }

// Ping tells that the other end is alive.
func (h *hearing) Ping(_ wire.None, _ *wire.None) error {
	h.note()
	return nil
}

// wait returns when the session has ended, or when it must.
func (h *hearing) wait(ctx context.Context, ended <-chan struct{}, patience time.Duration) error {
	idle := time.NewTimer(patience)
	defer idle.Stop()
	for {
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-idle.C:
			left := patience - time.Since(time.Unix(0, h.last.Load()))
			if left <= 0 {
				return fmt.Errorf("nothing was heard from the provider for %s", patience)
			}
			idle.Reset(left)
		}
	}
}

// conn joins the two halves of the pipe; closing is the process's end.
type conn struct {
	io.Reader
	io.Writer
}

func (conn) Close() error { return nil }
