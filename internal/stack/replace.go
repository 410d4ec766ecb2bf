// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"cmp"
	"slices"
)

const changed = "its configuration changed"

// replacementCause says why the old container goes.
func (r *replica) replacementCause() string {
	switch {
	case r.old.State == Dead || r.old.State == Removing:
		return "the container is " + string(r.old.State)
	case r.old.Digest == r.digest && r.old.Image != r.s.Image:
		return "it was made again by hand from the image " + r.old.Image
	case r.old.Digest == r.digest && r.old.ImageMoved:
		return "the tag of its image names another image now"
	case r.old.Digest == r.digest && hasForeignLimit(*r.old):
		return "a limit was set by hand that cannot be lifted from a container"
	}
	return changed
}

// stopFirst replaces a container that must not run twice: the old one is kept,
// stopped and renamed, until the new one is healthy. The new one is made while
// the old one still runs, so that the pause is no longer than stop and start.
func (r *replica) stopFirst(after []string) string {
	cause, old := r.replacementCause(), *r.old
	r.group = "replace " + r.name
	previous := r.name + previousSuffix
	after = slices.Concat(after, r.gate)

	renamed := ""
	if old.Name != previous {
		renamed = r.add(withTarget(r.op(Rename, old.Name, old.ID, cause, after...), previous))
	}
	served := isUp(old) || old.Name == previous
	old.Name = previous
	created := r.create(r.name, cause, appendID(after, renamed))
	r.gate = r.stop(old, cause, r.group, created)
	end := r.begin(created, r.name, "", cause)

	r.undo(r.op(Stop, r.name, "", ""), created)
	r.undo(r.op(Remove, r.name, "", ""), created)
	r.undo(withTarget(r.op(Rename, previous, old.ID, ""), r.name), cmp.Or(renamed, created))
	if served {
		r.undo(r.op(Start, r.name, old.ID, ""), created)
		r.undo(r.op(WaitHealthy, r.name, old.ID, ""), created)
	}
	r.group = ""
	old.State = Exited
	return r.remove(old, cause, end)
}

// startFirst replaces a container that may run twice: the old one goes when
// the new one is healthy.
func (r *replica) startFirst(after []string) string {
	cause, old := r.replacementCause(), *r.old
	name := r.name
	if old.Name == r.name {
		name = r.name + nextSuffix
	}
	r.group = "replace " + r.name
	// Not made ahead: were a dependency to fail, it would be left over.
	created := r.create(name, cause, slices.Concat(after, r.gate))
	end := r.begin(created, name, "", cause)
	r.undo(r.op(Stop, name, "", ""), created)
	r.undo(r.op(Remove, name, "", ""), created)
	r.group = ""
	removed := r.remove(old, cause, end)
	if name == r.name {
		return removed
	}
	return r.add(withTarget(r.op(Rename, name, "", cause, removed), r.name))
}

// finishReplacement goes on where a replacement was cut off: the new container
// is there, and so is the old one. Should it fail, the old one serves again.
func (r *replica) finishReplacement(after []string) string {
	const cause = "an update was cut off"
	good, old := *r.good, *r.old
	r.group = "replace " + r.name
	after = slices.Concat(after, r.gate)
	if r.order() == StopFirst && isUp(old) {
		after = r.stop(old, cause, r.group, after...)
		old.State = Exited
	}
	end := r.mend(good, after)

	r.undo(r.op(Stop, good.Name, good.ID, ""), "")
	r.undo(r.op(Remove, good.Name, good.ID, ""), "")
	if old.Name != r.name {
		r.undo(withTarget(r.op(Rename, old.Name, old.ID, ""), r.name), "")
	}
	r.undo(r.op(Start, r.name, old.ID, ""), "")
	r.undo(r.op(WaitHealthy, r.name, old.ID, ""), "")

	r.group = ""
	removed := r.remove(old, cause, appendID(after, end)...)
	if good.Name == r.name {
		return removed
	}
	return r.add(withTarget(r.op(Rename, good.Name, good.ID, cause, removed), r.name))
}

// replaceTask makes a task's container anew. A run under way is waited for.
func (r *replica) replaceTask(after []string) string {
	cause, old := r.replacementCause(), *r.old
	if old.State == Running {
		after = []string{r.add(on(WaitEnd, old, "a run is under way", after...))}
		old.State = Exited
	}
	return r.fresh(cause, []string{r.remove(old, cause, after...)})
}

// undo adds a step to the rollback of the current group. It runs when the
// operation undoes was attempted; always, when undoes is empty.
func (r *replica) undo(op Operation, undoes string) {
	op.Cause = "the replacement failed"
	op.ID = "undo: " + operationID(op)
	op.Undoes = undoes
	r.planner.plan.Rollback[r.group] = append(r.planner.plan.Rollback[r.group], &op)
}

func withTarget(op Operation, target string) Operation {
	op.Target = target
	return op
}
