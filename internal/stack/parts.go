// SPDX-License-Identifier: MPL-2.0

package stack

import "fmt"

// othersOf groups the containers of the other parts of a portal's stack by
// service.
func othersOf(owner string, observed Observed) map[string][]Container {
	var others []Container
	for _, c := range observed.Containers {
		if c.Owner != owner {
			others = append(others, c)
		}
	}
	return byService(others)
}

// ownNames makes sure that no other part of the stack has a service of the same
// name.
func ownNames(desired *Stack, others map[string][]Container) error {
	for _, name := range sortedKeys(desired.Services) {
		if list := others[name]; len(list) > 0 {
			return fmt.Errorf("the portal has a service %q already: it belongs to %s. Give one of the two another name", name, OwnerText(list[0].Owner))
		}
	}
	return nil
}

// OwnerText says in words whose part of a stack it is.
func OwnerText(owner string) string {
	if owner == "" {
		return "the portal's blueprint"
	}
	return "the portal's " + owner
}

// awaitOther plans to wait for a service of another part, which is there
// already, and returns what to wait for.
func (p *planner) awaitOther(service string, condition Condition) []string {
	key := service + " " + string(condition)
	if ready, ok := p.ready[key]; ok {
		return ready.healthy
	}
	var out []string
	for _, c := range p.others[service] {
		if kind := awaitKind(c, condition); kind != "" {
			out = append(out, p.add(on(kind, c, "a service of another part depends on it")))
		}
	}
	p.ready[key] = readiness{healthy: out}
	return out
}

// awaitKind is how to wait for a container of another part, empty when there
// is nothing to wait for. What does not run is not started from here: waiting
// for it fails and says so.
func awaitKind(c Container, condition Condition) Kind {
	switch {
	case condition == Completed && (c.State != Exited || c.ExitCode != 0):
		return WaitDone
	case condition == Healthy && (c.State != Running || c.Health != HealthHealthy && c.Health != NoHealth),
		condition == Started && !isUp(c):
		return WaitHealthy
	}
	return ""
}
