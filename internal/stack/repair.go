// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"cmp"
	"slices"
)

// repair puts right what is wrong with a container of the right configuration,
// by the least means, and returns the ID of the last operation, empty when
// nothing is wrong.
func (r *replica) repair(c Container, after []string) string {
	renamed := ""
	if c.Name != r.name {
		renamed = r.add(withTarget(r.op(Rename, c.Name, c.ID, "an update was cut off", after...), r.name))
		c.Name = r.name
	}
	return cmp.Or(r.mend(c, appendID(after, renamed)), renamed)
}

// mend is repair but for the name.
func (r *replica) mend(c Container, after []string) string {
	last := ""
	do := func(op Operation) {
		op.After = appendID(slices.Concat(op.After, after), last)
		last = r.add(op)
	}
	if len(settingsFaults(c.Settings, c.IntendedSettings)) > 0 {
		do(r.op(UpdateLimits, c.Name, c.ID, "its limits were changed by hand"))
	}
	for _, n := range missing(c.Networks, c.IntendedNetworks) {
		do(withTarget(r.op(Disconnect, c.Name, c.ID, "it was attached by hand"), n))
	}
	for _, n := range missing(c.IntendedNetworks, c.Networks) {
		do(withTarget(r.op(Connect, c.Name, c.ID, "it was detached by hand", r.network(n)), n))
	}
	return cmp.Or(r.bringUp(c, appendID(after, last)), last)
}

// bringUp brings a container of the right configuration to where it belongs
// and returns the ID of the last operation, empty when it is there.
func (r *replica) bringUp(c Container, after []string) string {
	if c.State == Paused {
		return r.bringTo(Unpause, c, "it is paused", after)
	}
	if r.s.Task != nil {
		return r.bringTaskUp(c, after)
	}
	switch {
	case c.State == Created || c.State == Exited:
		return r.bringTo(Start, c, "it does not run", slices.Concat(after, r.gate))
	case c.State == Restarting:
		return r.bringTo(Restart, c, "it keeps restarting", slices.Concat(after, r.gate))
	case c.Health == HealthBad:
		return r.bringTo(Restart, c, "it is unhealthy", slices.Concat(after, r.gate))
	case c.Health == HealthStarting:
		return r.bringTo(WaitHealthy, c, "its health is not known yet", after)
	}
	return ""
}

// bringTaskUp runs a deploy task that has not succeeded yet. Runs of other
// tasks are somebody else's.
func (r *replica) bringTaskUp(c Container, after []string) string {
	if r.s.Task.When != Deploy {
		return ""
	}
	switch {
	case c.State == Created:
		return r.bringTo(Start, c, "it has never run", slices.Concat(after, r.gate))
	case c.State == Exited && c.ExitCode != 0:
		return r.bringTo(Start, c, "its last run failed", slices.Concat(after, r.gate))
	case isUp(c):
		return r.bringTo(WaitDone, c, "a run is under way", after)
	}
	return ""
}

// bringTo adds the operation and, unless it is itself a wait, the wait for
// what it leads to.
func (r *replica) bringTo(kind Kind, c Container, cause string, after []string) string {
	id := r.add(r.op(kind, c.Name, c.ID, cause, after...))
	if kind == WaitHealthy || kind == WaitDone {
		r.isReady("", id)
		return id
	}
	if r.s.Task != nil && r.s.Task.When != Deploy {
		return id
	}
	return r.await(id, c.Name, c.ID)
}
