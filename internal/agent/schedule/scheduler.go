// SPDX-License-Identifier: MPL-2.0

// Package schedule starts the tasks of portals on one Docker host when they are
// due. It runs in an agent's container with the host's Docker socket and the
// shared drive.
//
// What is to be started, and when, is on the tasks' containers; what happened
// is Docker's own knowledge of them, and a history of each task on the drive.
// So the scheduler may end at any moment: a run goes on without it, and the
// next scheduler waits for its end and records it.
//
// Docker's events are taken as hints to look and never as news: one that is
// lost costs time, and nothing else.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Times of the scheduler's main loop.
const (
	// relistEvery is how long events alone are trusted to tell of new tasks.
	relistEvery = time.Minute
	// gather is how long changes are collected before the containers are
	// listed: an apply makes many.
	gather = 200 * time.Millisecond
	// checkDrive is how often the drive is looked for, and driveGrace how long it
	// may be away. A mount of the host that came later than the scheduler's
	// container is seen in a new start of that only.
	checkDrive = 30 * time.Second
	driveGrace = 2 * time.Minute
	// dockerGrace is how long Docker may give no answer. A dockerd that was
	// started anew has made its socket anew, and what is mounted is the old one.
	dockerGrace = 5 * time.Minute
	// parting is what the scheduler allows for a record that is being written
	// when it ends.
	parting = 5 * time.Second
)

// Bounds of calls, and of the pause before one that failed is repeated.
const (
	// callTimeout bounds a call to Docker that should take moments.
	callTimeout = 30 * time.Second

	minPause = 250 * time.Millisecond
	maxPause = 15 * time.Second
)

// Options of a Scheduler. All but Now and Tick are needed.
type Options struct {
	Docker   Docker
	Drive    Drive
	Notifier Notifier
	// Path is where the drive is on the hosts: only tasks of portals there are
	// started. Empty: all are.
	Path string
	// Host is the name that notices call this host by.
	Host string
	// Limit is how many runs the scheduler lets go on together.
	Limit int
	Log   *slog.Logger
	// Alive is called every few seconds while the scheduler works.
	Alive func()
	// Now is the clock that due times are by; nil: time.Now.
	Now func() time.Time
	// Tick is after how long a change of the clock is seen at the latest; zero:
	// 10 s.
	Tick time.Duration
}

// Scheduler starts tasks. Use Run once.
type Scheduler struct {
	Options
	slots *slots
	// workers by the ID of their container, and the newest of each task.
	workers map[string]*worker
	newest  map[string]*worker
	// refused are containers whose labels are wrong, by ID: one line of log each.
	refused map[string]bool
}

// New makes a scheduler.
func New(options Options) *Scheduler {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Tick == 0 {
		options.Tick = 10 * time.Second
	}
	return &Scheduler{
		Options: options,
		slots:   newSlots(options.Limit),
		workers: map[string]*worker{},
		newest:  map[string]*worker{},
		refused: map[string]bool{},
	}
}

// Run works until ctx ends, which is no error. It fails when the drive or Docker
// is gone for long, so that Docker starts it anew, with the mounts as they are
// then.
func (s *Scheduler) Run(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go s.guardDrive(ctx, end)
	answered := time.Now()
	for pause := minPause; ctx.Err() == nil; {
		opened := time.Now()
		err := s.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(opened) > maxPause {
			pause, answered = minPause, time.Now()
		}
		if silence := time.Since(answered); silence > dockerGrace {
			end(fmt.Errorf("Docker has not answered for %s, last: %w", silence.Round(time.Second), err))
			break
		}
		s.Log.Warn("Docker's events ended: they are asked for again", "error", err, "pause", pause)
		s.Alive()
		rest(ctx, pause)
		pause = min(2*pause, maxPause)
	}
	s.dismiss()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// follow keeps the workers in line with the host's containers until the stream
// of events ends.
func (s *Scheduler) follow(ctx context.Context) error {
	stream, cancel := context.WithCancel(ctx)
	defer cancel()
	events, errs := s.Docker.Events(stream)
	if err := s.relist(ctx); err != nil {
		return err
	}
	// What happened while there was no stream is not known.
	for _, w := range s.workers {
		w.wake()
	}
	listed := time.Now()
	tick := time.NewTicker(s.Tick)
	defer tick.Stop()
	var changed <-chan time.Time // fires when changes were collected; nil: there are none
	for {
		list := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-errs:
			return err
		case e := <-events:
			if w := s.workers[e.Container]; w != nil {
				w.wake()
			}
			if e.Structure && changed == nil {
				changed = time.After(gather)
			}
		case <-changed:
			list = true
		case <-tick.C:
			s.Alive()
			list = time.Since(listed) >= relistEvery
		}
		if !list {
			continue
		}
		if err := s.relist(ctx); err != nil {
			return err
		}
		listed, changed = time.Now(), nil
	}
}

// guardDrive ends the scheduler when the drive has been away for long.
func (s *Scheduler) guardDrive(ctx context.Context, end context.CancelCauseFunc) {
	var away time.Time
	for ctx.Err() == nil {
		err := s.Drive.Check()
		switch {
		case err == nil:
			away = time.Time{}
		case away.IsZero():
			away = time.Now()
			s.Log.Warn("the shared drive is not there: no task is started", "error", err)
		case time.Since(away) >= driveGrace:
			end(err)
			return
		}
		rest(ctx, checkDrive)
	}
}

// dismiss waits for the workers, but not for one that the drive holds up.
func (s *Scheduler) dismiss() {
	patience := time.NewTimer(parting)
	defer patience.Stop()
	for _, w := range s.newest {
		select {
		case <-w.done:
		case <-patience.C:
			s.Log.Warn("a record may be unwritten: Docker's own state is read at the next start")
			return
		}
	}
}

// rest sleeps, or less if ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
