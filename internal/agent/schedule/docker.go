// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"errors"
	"time"
)

// Docker is what the scheduler asks of the host's Docker Engine.
type Docker interface {
	// List returns the containers that carry a schedule.
	List(ctx context.Context) ([]Container, error)
	// Events tells what happens to such containers until ctx ends or the stream
	// breaks, which the second channel tells.
	Events(ctx context.Context) (<-chan Event, <-chan error)
	// Inspect looks at a container. One that is not there is an ErrGone.
	Inspect(ctx context.Context, id string) (State, error)
	// Start starts a container. A *RefusedError is Docker's no; after any other
	// error it may have been started.
	Start(ctx context.Context, id string) error
	// Stop ends a container in the way and the time that it is made with.
	Stop(ctx context.Context, id string) error
	// Log returns the end of what a container wrote since a time.
	Log(ctx context.Context, id string, since time.Time) (string, error)
}

// Container is what a list of containers tells of one.
type Container struct {
	ID, Name string
	Labels   map[string]string
	Running  bool
}

// Event is something that happened to a container.
type Event struct {
	Container string // ID
	// Structure tells that a container came, went or was renamed; otherwise it
	// started or ended.
	Structure bool
}

// State of a container.
type State struct {
	Created           time.Time
	Running           bool
	Started, Finished time.Time // zero: never
	ExitCode          int
	OutOfMemory       bool
	// Error is Docker's own, for a container that it could not run.
	Error string
}

// ErrGone tells that there is no such container.
var ErrGone = errors.New("the container is not there any more")

// RefusedError tells that Docker answered that it does not start a container.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }
