// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"fmt"
	"maps"
	"slices"
)

// planner collects the operations of a plan.
type planner struct {
	desired  *Stack
	observed map[string][]Container
	others   map[string][]Container // of other parts of the stack
	foreign  map[string]Foreign
	plan     Plan

	ids      map[string]int       // how often an ID was wanted
	ready    map[string]readiness // by service
	networks map[string]string    // network → ID of its EnsureNetwork
	images   map[string]string    // image → ID of its EnsureImage
	removed  []string             // IDs that end the removal of what may hold a wanted port
	ends     []string             // IDs that end the work on replicas
}

// readiness lists the operations after which a service has started, and after
// which it is healthy or, for a task, completed.
type readiness struct{ started, healthy []string }

// add appends an operation and returns its ID.
func (p *planner) add(op Operation) string {
	if op.ID == "" {
		op.ID = operationID(op)
	}
	p.ids[op.ID]++
	if n := p.ids[op.ID]; n > 1 {
		op.ID = fmt.Sprintf("%s #%d", op.ID, n)
	}
	op.After = compact(op.After)
	p.plan.Operations = append(p.plan.Operations, &op)
	return op.ID
}

func operationID(op Operation) string {
	switch op.Kind {
	case EnsureNetwork, RemoveNetwork, EnsureImage:
		return string(op.Kind) + " " + op.Target
	case Connect, Disconnect:
		return string(op.Kind) + " " + op.Container + " " + op.Target
	default:
		return string(op.Kind) + " " + op.Container
	}
}

// on makes an operation on a container that is there already.
func on(kind Kind, c Container, cause string, after ...string) Operation {
	return Operation{
		Kind: kind, Service: c.Service, Number: c.Number,
		Container: c.Name, ContainerID: c.ID, Cause: cause, After: after,
	}
}

// remove plans to stop a container if need be and to remove it. It returns the
// ID of the removal.
func (p *planner) remove(c Container, cause string, after ...string) string {
	return p.add(on(Remove, c, cause, p.stop(c, cause, "", after...)...))
}

// stop plans to stop a container that runs and returns what to wait for.
func (p *planner) stop(c Container, cause, group string, after ...string) []string {
	if !isUp(c) {
		return after
	}
	if c.State == Paused {
		// A frozen process cannot handle the signal to stop.
		op := on(Unpause, c, cause, after...)
		op.Group = group
		after = []string{p.add(op)}
	}
	op := on(Stop, c, cause, after...)
	op.Group = group
	return []string{p.add(op)}
}

func isUp(c Container) bool {
	return c.State == Running || c.State == Paused || c.State == Restarting
}

// network plans that a network is there and returns the operation's ID.
func (p *planner) network(name string) string {
	id, ok := p.networks[name]
	if !ok {
		id = p.add(Operation{Kind: EnsureNetwork, Target: name, Cause: "containers are to be attached to it"})
		p.networks[name] = id
	}
	return id
}

// image plans that an image is there.
func (p *planner) image(s *Service) {
	if _, ok := p.images[s.Image]; ok {
		return
	}
	p.images[s.Image] = p.add(Operation{
		Kind: EnsureImage, Service: s.Name, Target: s.Image, Cause: "containers are to be made from it",
	})
}

// waitForImages lets everything begin after all images are there: an image
// that cannot be had leaves the portal as it was.
func (p *planner) waitForImages() {
	ids := slices.Sorted(maps.Values(p.images))
	for _, op := range p.plan.Operations {
		if op.Kind != EnsureImage && len(op.After) == 0 {
			op.After = ids
		}
	}
}

// setAside plans to free a name that a container of somebody else holds: it is
// stopped, detached and renamed, never removed. It returns what to wait for.
func (p *planner) setAside(s *Service, number int, name string) []string {
	f, ok := p.foreign[name]
	if !ok {
		return nil
	}
	delete(p.foreign, name)
	c := Container{ID: f.ID, Name: f.Name, Service: s.Name, Number: number, State: Exited}
	if f.Running {
		c.State = Running
	}
	cause := "it holds a name of the portal but is not the portal's"
	after := p.stop(c, cause, "")
	for _, n := range f.Networks {
		if _, ours := p.desired.Networks[n]; !ours {
			continue
		}
		op := on(Disconnect, c, cause, after...)
		op.Target = n
		after = []string{p.add(op)}
	}
	op := on(Rename, c, cause, after...)
	op.Target = fmt.Sprintf("%s.foreign-%.12s", f.Name, f.ID)
	p.plan.Warnings = append(p.plan.Warnings, fmt.Sprintf(
		"A container that portal %q did not make held the name %s (image %s). It was stopped and renamed to %s; nothing of it was removed. Look at it with `docker logs`, then `docker rm %s`.",
		p.desired.Portal, f.Name, f.Image, op.Target, op.Target))
	return []string{p.add(op)}
}

// appendID returns ids and id in a slice of its own; an empty id is left out.
func appendID(ids []string, id string) []string {
	out := slices.Clone(ids)
	if id != "" {
		out = append(out, id)
	}
	return out
}

// compact sorts ids and drops doubles.
func compact(ids []string) []string {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}
