// SPDX-License-Identifier: MPL-2.0

package stack

import "slices"

// Kind is what an operation does: one call to an engine.
type Kind string

const (
	EnsureNetwork Kind = "network"    // make the network Target unless it is there
	EnsureImage   Kind = "image"      // pull the image Target unless it is there
	Create        Kind = "create"     // create container Container of Service, not started
	Start         Kind = "start"      // start a container
	Stop          Kind = "stop"       // stop it within the service's grace period
	Remove        Kind = "remove"     // remove a stopped container
	Rename        Kind = "rename"     // rename it to Target
	Unpause       Kind = "unpause"    //
	Restart       Kind = "restart"    // stop and start in one
	Connect       Kind = "connect"    // attach it to the network Target
	Disconnect    Kind = "disconnect" // detach it from the network Target
	UpdateLimits  Kind = "limits"     // put its resources and restart policy back
	Update        Kind = "update"     // let all of Service become as the stack says, where the engine runs its replicas
	WaitHealthy   Kind = "healthy"    // wait until it is healthy (running, without a health check)
	WaitDone      Kind = "done"       // wait until it ended; a code other than 0 is a failure
	WaitEnd       Kind = "ended"      // wait until it ended, whatever its code
	RemoveNetwork Kind = "unnetwork"  // remove the network Target
)

// Operation is one call to an engine, with its cause and its place in the
// order. Operations of a Plan form a directed acyclic graph.
type Operation struct {
	// ID is unique in the plan: "start acme-lms-1".
	ID   string
	Kind Kind
	// Service is the member of the stack concerned, empty for networks.
	Service string
	Number  int
	// Container is the name the container has when the operation runs.
	Container string
	// ContainerID is set when the container was there before the plan.
	// Otherwise an earlier Create of the plan made it: find it by name.
	ContainerID string
	// Target is the other thing concerned: a network, an image, a new name.
	Target string
	// Cause tells a reader why.
	Cause string
	// After lists the IDs of operations that must have succeeded before.
	After []string
	// Group names the replacement this operation belongs to, if any. When an
	// operation of the group fails, Plan.Rollback[Group] runs.
	Group string
	// Undoes is set in a rollback: the ID of the operation that this step
	// takes back. The step runs only when that operation was attempted;
	// always, when it is empty.
	Undoes string
}

// Plan is what Reconcile decides: the operations and, per group, how to undo
// a replacement that failed.
type Plan struct {
	Operations []*Operation
	// Rollback lists per group what to run, in this order, when an operation
	// of that group failed. Steps whose container is not there succeed.
	Rollback map[string][]*Operation
	// Warnings to show to the user, for example a foreign container set aside.
	Warnings []string
}

// Empty tells whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Operations) == 0 }

// Images is the part of the plan that makes images available.
func (p Plan) Images() Plan {
	return p.filter(func(op *Operation) bool { return op.Kind == EnsureImage })
}

// Pulls plans that the images of a stack are there, whatever else is.
func Pulls(s *Stack, cause string) Plan {
	p := &planner{ids: map[string]int{}}
	seen := map[string]bool{}
	for _, name := range sortedKeys(s.Services) {
		if image := s.Services[name].Image; !seen[image] {
			seen[image] = true
			p.add(Operation{Kind: EnsureImage, Service: name, Target: image, Cause: cause})
		}
	}
	return p.plan
}

// WithoutImages is the rest of the plan, for when the images are there.
func (p Plan) WithoutImages() Plan {
	return p.filter(func(op *Operation) bool { return op.Kind != EnsureImage })
}

// filter keeps some operations and what they wait for among themselves.
func (p Plan) filter(keep func(*Operation) bool) Plan {
	out := Plan{Rollback: p.Rollback, Warnings: p.Warnings}
	kept := map[string]bool{}
	for _, op := range p.Operations {
		kept[op.ID] = keep(op)
	}
	for _, op := range p.Operations {
		if !kept[op.ID] {
			continue
		}
		c := *op
		c.After = slices.DeleteFunc(slices.Clone(op.After), func(id string) bool { return !kept[id] })
		out.Operations = append(out.Operations, &c)
	}
	return out
}
