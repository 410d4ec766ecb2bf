// SPDX-License-Identifier: MPL-2.0

package stack

import "slices"

// ReconcileUnits is Reconcile for an engine that runs, replaces and repairs the
// replicas of a service itself, and has one entry for all of them: a unit.
func ReconcileUnits(desired *Stack, observed Observed) (Plan, error) {
	return reconcile(desired, observed, (*planner).unit)
}

// unit plans one service, or one task.
func (p *planner) unit(s *Service) {
	r := &replica{
		planner: p, s: s, number: 1, gate: p.gate(s),
		name: UnitName(p.desired.Portal, s.Name), digest: Digest(s),
	}
	var there *Container
	if list := p.observed[s.Name]; len(list) > 0 {
		there = &list[0]
	}
	end := ""
	switch {
	case s.Replicas == 0:
		if there != nil {
			end = p.remove(*there, s.Name+" has 0 replicas")
		}
	case there == nil:
		end = r.fresh("there is no such service", nil)
	case !r.isGood(*there), there.Replicas != s.Replicas, !slices.Equal(there.Constraints, p.desired.Constraints):
		end = r.updateUnit(*there, changed)
	case len(settingsFaults(there.Settings, there.IntendedSettings)) > 0 && there.State != Exited:
		end = r.updateUnit(*there, "it was changed by hand")
	default:
		end = r.bringUp(*there, nil)
	}
	p.ends = appendID(p.ends, end)
}

// updateUnit lets a unit become what is wanted. The engine puts it back itself
// when that does not become healthy. A run of a task that is under way is waited
// for.
func (r *replica) updateUnit(c Container, cause string) string {
	r.image(r.s)
	var after []string
	for _, n := range sortedKeys(r.s.Networks) {
		after = append(after, r.network(n))
	}
	if r.s.Task == nil {
		after = append(after, r.gate...)
	} else if c.State == Running {
		after = append(after, r.add(on(WaitEnd, c, "a run is under way")))
	}
	updated := r.add(r.op(Update, c.Name, c.ID, cause, after...))
	if r.s.Task != nil {
		return r.begin(updated, c.Name, c.ID, cause)
	}
	return r.await(updated, c.Name, c.ID)
}
