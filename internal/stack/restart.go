// SPDX-License-Identifier: MPL-2.0

package stack

import "slices"

// RestartOnOverrides in Service.RestartOn marks a service that reads the
// portal's overrides when it starts.
const RestartOnOverrides = "overrides"

// RestartsOn selects the containers of services that are marked as to restart
// on what.
func RestartsOn(what string) func(Container) bool {
	return func(c Container) bool { return slices.Contains(c.RestartOn, what) }
}

// Restarts plans to restart, in place, the selected containers. Services restart
// side by side; the replicas of one service one after the other, each healthy
// before the next, so that a service with two never stops answering. When one
// does not become healthy, the ones after it are not touched.
//
// Left alone are tasks, containers that were never started, and what an
// unfinished update left over: they read what is new when they start.
func Restarts(observed Observed, cause string, selected func(Container) bool) Plan {
	p := &planner{ids: map[string]int{}}
	services := byService(observed.Containers)
	for _, name := range sortedKeys(services) {
		var last []string
		for _, c := range services[name] {
			if selected(c) && restartable(observed.Portal, c) {
				last = p.restart(c, cause, last...)
			}
		}
	}
	return p.plan
}

func restartable(portal string, c Container) bool {
	return c.Task == "" && c.Name == properName(portal, c) && (isUp(c) || c.State == Exited)
}

// restart plans the restart of one container and returns what to wait for.
func (p *planner) restart(c Container, cause string, after ...string) []string {
	if c.State == Paused {
		// A frozen process cannot handle the signal to stop.
		after = []string{p.add(on(Unpause, c, cause, after...))}
	}
	id := p.add(on(Restart, c, cause, after...))
	return []string{p.add(on(WaitHealthy, c, "the next one waits for it", id))}
}

// Stops plans to stop the named services, all at once. They are expected back:
// a reconciliation starts them again.
func Stops(observed Observed, cause string, services []string) Plan {
	p := &planner{ids: map[string]int{}}
	for _, c := range observed.Containers {
		if slices.Contains(services, c.Service) && c.Task == "" {
			p.stop(c, cause, "")
		}
	}
	return p.plan
}
