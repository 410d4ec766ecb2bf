// SPDX-License-Identifier: MPL-2.0

package stack

import "slices"

// replica plans one container of a service: what is there of it and what is
// to become of that.
type replica struct {
	*planner
	s      *Service
	number int
	name   string // the name it is to have
	digest string
	gate   []string // what must have succeeded before it starts
	group  string   // set while an old container can still be put back

	good *Container  // has the desired configuration
	old  *Container  // has another one
	rest []Container // further ones, left over from something cut off
}

func (p *planner) replica(s *Service, number int, existing []Container) *replica {
	r := &replica{planner: p, s: s, number: number, name: ContainerName(p.desired.Portal, s, number), digest: Digest(s)}
	for _, c := range existing {
		if r.isGood(c) {
			r.good = r.prefer(r.good, c)
		} else {
			r.old = r.prefer(r.old, c)
		}
	}
	return r
}

func (r *replica) isGood(c Container) bool {
	return c.Digest == r.digest && c.Image == r.s.Image && !c.ImageMoved && c.State != Dead && c.State != Removing && !hasForeignLimit(c)
}

// hasForeignLimit tells of a limit that was set by hand where none was
// intended: `docker update` can change a limit, but not lift it.
func hasForeignLimit(c Container) bool {
	is, intended := c.Settings.Resources, c.IntendedSettings.Resources
	return intended.Memory == 0 && is.Memory != 0 ||
		intended.MemoryReservation == 0 && is.MemoryReservation != 0 ||
		intended.CPUs == 0 && is.CPUs != 0
}

// prefer keeps the better of two containers and sets the other down as left
// over. The one that runs beats the one that does not, then the proper name.
func (r *replica) prefer(kept *Container, c Container) *Container {
	switch {
	case kept == nil:
		return &c
	case r.rank(c) > r.rank(*kept):
		r.rest = append(r.rest, *kept)
		return &c
	default:
		r.rest = append(r.rest, c)
		return kept
	}
}

func (r *replica) rank(c Container) int {
	rank := 0
	if isUp(c) {
		rank += 2
	}
	if c.Name == r.name {
		rank++
	}
	return rank
}

// replaces tells whether a container that may serve is to be replaced.
func (r *replica) replaces() bool { return r.old != nil && r.s.Task == nil }

// plan adds the operations and returns the ID of the last, empty when there is
// nothing to do.
func (r *replica) plan() string {
	var after []string
	for _, c := range r.rest {
		after = append(after, r.remove(c, "left over from an unfinished update"))
	}
	switch {
	case r.good != nil && r.old == nil:
		return r.repair(*r.good, after)
	case r.good != nil:
		return r.finishReplacement(after)
	case r.old == nil:
		return r.fresh("there is no such container", after)
	case r.s.Task != nil:
		return r.replaceTask(after)
	case r.order() == StartFirst:
		return r.startFirst(after)
	default:
		return r.stopFirst(after)
	}
}

// order is how the replica is replaced.
func (r *replica) order() UpdateOrder { return OrderOf(r.s) }

// OrderOf is how replicas of a service are replaced. Two containers cannot hold one
// fixed port of the host.
func OrderOf(s *Service) UpdateOrder {
	if s.Update == StartFirst && !publishesFixedPort(s) {
		return StartFirst
	}
	return StopFirst
}

// fresh makes a container where there is none.
func (r *replica) fresh(cause string, after []string) string {
	return r.begin(r.create(r.name, cause, after), r.name, "", cause)
}

// create plans a container under the given name and returns the operation's ID.
func (r *replica) create(name, cause string, after []string) string {
	r.image(r.s)
	after = slices.Clone(after)
	for _, n := range sortedKeys(r.s.Networks) {
		after = append(after, r.network(n))
	}
	after = append(after, r.setAside(r.s, r.number, name)...)
	return r.add(r.op(Create, name, "", cause, after...))
}

// op makes an operation of this replica; id is empty for a container that this
// plan makes.
func (r *replica) op(kind Kind, name, id, cause string, after ...string) Operation {
	return Operation{
		Kind: kind, Service: r.s.Name, Number: r.number,
		Container: name, ContainerID: id, Cause: cause, After: after, Group: r.group,
	}
}

// begin lets a container that created made go to where it belongs: a service
// to healthy, a deploy task to completed, other tasks nowhere.
func (r *replica) begin(created, name, id, cause string) string {
	if r.s.Task != nil && r.s.Task.When != Deploy {
		r.isReady("", created)
		return created
	}
	start := r.add(r.op(Start, name, id, cause, appendID(r.gate, created)...))
	return r.await(start, name, id)
}

// await lets the plan wait until a container that was started is healthy, or
// done, and marks that as what dependents wait for.
func (r *replica) await(start, name, id string) string {
	kind, cause := WaitHealthy, "dependents wait for it"
	if r.s.Task != nil {
		kind = WaitDone
	}
	end := r.add(r.op(kind, name, id, cause, start))
	r.isReady(start, end)
	return end
}

func (r *replica) isReady(started, healthy string) {
	ready := r.ready[r.s.Name]
	ready.started = appendID(ready.started, started)
	ready.healthy = appendID(ready.healthy, healthy)
	r.ready[r.s.Name] = ready
}
