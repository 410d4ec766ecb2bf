// SPDX-License-Identifier: MPL-2.0

// Package engine says what an engine must do: observe a portal's stack on a
// host pool, and carry out the operations of a stack.Plan. Package docker
// implements it with plain containers.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Engine runs portals on a host pool.
type Engine interface {
	// Observe reads one portal's stack afresh. Use it before changing things.
	Observe(ctx context.Context, portal string) (stack.Observed, error)
	// ObserveShared is Observe at the cost of one list call per host for all
	// portals of this process: the list is taken once, and again after an
	// operation of this process changed something on that host.
	ObserveShared(ctx context.Context, portal string) (stack.Observed, error)
	// Portals names the portals that have containers on the pool, sorted.
	// Gateways are not among them.
	Portals(ctx context.Context) ([]string, error)
	// Hosts names the hosts of the pool, sorted. It asks none of them.
	Hosts() []string
	// Placeable describes the hosts of the pool for placement, in the order of
	// Hosts. It asks none of them.
	Placeable() []placement.Host
	// GivenUp tells whether a host is known to be dead for good. It is not among
	// the Hosts.
	GivenUp(host string) bool
	// Settle says which host a portal is to be on: what is done for it from now on
	// is done there, and Observe tells what other hosts have of it as Elsewhere.
	// It fails for a host that the pool does not have.
	Settle(portal, host string) error
	// Addresses are those under which visitors and other hosts reach a host of the
	// pool: one at most, but for an engine that is one host to its users and many
	// to visitors. None when it is not known. It asks no host.
	Addresses(host string) []string
	// On is this engine on one host of the pool alone: it sees what is there,
	// and makes everything there. It shares what the two know; closing it closes
	// nothing.
	On(host string) (Engine, error)
	// HostStatus tells of each host how it is, sorted by name. Hosts are asked
	// side by side, each for some seconds at most; one that does not answer is a
	// row with its error.
	HostStatus(ctx context.Context) []HostStatus
	// Reconcile plans how a part of a portal's stack becomes what is desired: as
	// stack.Reconcile or stack.ReconcileUnits do.
	Reconcile(desired *stack.Stack, observed stack.Observed) (stack.Plan, error)
	// Accepts fails when this kind of engine can never run a stack. It asks no host.
	Accepts(desired *stack.Stack) error
	// Check fails when desired cannot run on this engine or pool, before
	// anything is changed: a host port that somebody else holds, an image
	// that is neither there nor to be pulled.
	Check(ctx context.Context, desired *stack.Stack, observed stack.Observed) error
	// Run carries out one operation. It is idempotent: done already is success.
	Run(ctx context.Context, desired *stack.Stack, op *stack.Operation) error
	// Logs returns the last lines of a container's output.
	Logs(ctx context.Context, container string, lines int) (string, error)
	// Exec runs a command in a container that runs, with the given standard
	// input, and returns the end of what it wrote. A code other than 0 is an
	// *Error, with that as its Log.
	Exec(ctx context.Context, portal, container string, command []string, input []byte) (string, error)
	// SyncSchedulers lets the scheduler run on those hosts, and only on those,
	// that have a task with a schedule.
	SyncSchedulers(ctx context.Context) error
	// Agent starts the file agent beside the drive: of one portal or, without a
	// name, one that reads any portal and writes nothing. Closing it ends it.
	Agent(ctx context.Context, portal string) (Agent, error)
	// StorageID returns the id of the shared drive that containers of the pool
	// were made with, empty when there are none.
	StorageID(ctx context.Context) (string, error)
	// Close releases connections.
	Close() error
}

// SwarmHost is what engine swarm calls the Swarm as a whole, where engine docker names
// a host.
const SwarmHost = "swarm"

// SelfPlacing is an engine that chooses itself where each replica runs, and moves
// replicas when hosts fail.
type SelfPlacing interface {
	// Place says in words where a portal will run. It fails when it cannot run
	// anywhere.
	Place(ctx context.Context, desired *stack.Stack, spec stack.Spec) (placement.Decision, error)
}

// Agent is the pipe to a file agent.
type Agent struct {
	io.ReadWriteCloser
	// Host that it runs on.
	Host string
}

// ErrConflict marks a failure that goes away when the portal is looked at again:
// a Create whose name another container of the same portal holds, because a call
// of a provider that was killed came through late; a Start of a container that
// cannot be started any more, and was removed. Observe and reconcile again.
var ErrConflict = errors.New("the portal has changed meanwhile")

// Error tells what failed, where, why, and what to do.
type Error struct {
	Op        string // what was tried: "start"
	Host      string
	Portal    string
	Service   string // may be empty
	Container string // may be empty
	Err       error  // why
	Log       string // last lines of the container's output, if any
	Remedy    string // what the user can do
}

func (e *Error) Unwrap() error { return e.Err }

func (e *Error) Error() string {
	s := e.Op
	if e.Container != "" {
		s += " " + e.Container
	} else if e.Service != "" {
		s += " " + e.Service
	}
	if e.Portal != "" {
		s += fmt.Sprintf(" of portal %q", e.Portal)
	}
	if e.Host != "" {
		s += fmt.Sprintf(" on host %q", e.Host)
	}
	s += ": " + e.Err.Error()
	if e.Log != "" {
		s += "\n\nLast lines of its log:\n" + e.Log
	}
	if e.Remedy != "" {
		s += "\n\n" + e.Remedy
	}
	return s
}
