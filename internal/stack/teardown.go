// SPDX-License-Identifier: MPL-2.0

package stack

import "slices"

// Teardown plans the removal of all that was observed: containers, those that
// depend on others first, then the networks. Files are not its business.
func Teardown(observed Observed) Plan {
	p := &planner{ids: map[string]int{}}
	removed := p.takeDown(observed.Containers, "the portal is to be taken down")
	for _, n := range observed.Networks {
		p.add(Operation{Kind: RemoveNetwork, Target: n, Cause: "the portal is to be taken down", After: removed})
	}
	return p.plan
}

// Halt plans to stop all that was observed, those that depend on others first.
// Nothing is removed.
func Halt(observed Observed, cause string) Plan {
	p := &planner{ids: map[string]int{}}
	p.takeDown(observed.Containers, cause)
	return p.plan.filter(func(op *Operation) bool { return op.Kind != Remove })
}

// takeDown plans the removal of containers, to begin after the given
// operations; each is stopped after those that depend on it have been. It
// returns the IDs of the removals.
func (p *planner) takeDown(containers []Container, cause string, after ...string) []string {
	services := byService(containers)
	dependents := map[string][]string{}
	for name, list := range services {
		for _, c := range list {
			for _, dep := range c.DependsOn {
				dependents[dep] = append(dependents[dep], name)
			}
		}
	}
	t := &takeDown{planner: p, cause: cause, after: after, services: services, dependents: dependents, stopped: map[string][]string{}}
	for _, name := range sortedKeys(services) {
		t.visit(name)
	}
	slices.Sort(t.removals)
	return t.removals
}

type takeDown struct {
	*planner
	cause      string
	after      []string
	services   map[string][]Container
	dependents map[string][]string // service → services that depend on it
	stopped    map[string][]string // service → IDs after which it has stopped
	removals   []string
}

// visit plans one service after those that depend on it and returns what to
// wait for until it has stopped. Labels may lie: a cycle is cut where it closes.
func (t *takeDown) visit(name string) []string {
	if ids, ok := t.stopped[name]; ok {
		return ids
	}
	t.stopped[name] = nil
	after := slices.Clone(t.after)
	for _, d := range compact(t.dependents[name]) {
		after = append(after, t.visit(d)...)
	}
	var stopped []string
	for _, c := range t.services[name] {
		ids := t.stop(c, t.cause, "", after...)
		if isUp(c) {
			stopped = append(stopped, ids...)
		}
		t.removals = append(t.removals, t.add(on(Remove, c, t.cause, ids...)))
	}
	if len(stopped) == 0 {
		// What it waited for, its own dependencies wait for as well.
		stopped = after
	}
	t.stopped[name] = stopped
	return stopped
}
