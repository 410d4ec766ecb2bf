// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// A service that is replaced stop-first must not run twice on its files: so
// nothing else may write them either, be it a task or another service.

// checkData refuses a member that would write files which belong to one program
// alone.
func (j *joiner) checkData() {
	for _, m := range j.writes(j.service) {
		name, _ := j.relative(m)
		if owner := j.soleWriter(name); owner != "" {
			j.problem(j.mountAttribute(m), "The files belong to another service",
				"%s is written by %s, which must have it for itself: what two programs write at once is lost. Mount it read-only (`volumes = { %q = { name = …, read_only = true } }`), or another volume at that place.", name, owner, m.Target)
		}
	}
}

// writes lists the mounts of data that a service may change.
func (j *joiner) writes(s *stack.Service) []stack.Mount {
	var out []stack.Mount
	for _, m := range s.Mounts {
		if rel, ok := j.relative(m); ok && within(rel, "data") && !m.ReadOnly {
			out = append(out, m)
		}
	}
	return out
}

// soleWriter describes the service that must have a directory for itself, ""
// when there is none. What several services of the blueprint write is made for
// that.
func (j *joiner) soleWriter(directory string) string {
	if j.inBase(directory) {
		writers := slices.DeleteFunc(j.writers(j.base, directory), func(name string) bool { return j.base.Services[name].Task != nil })
		if len(writers) == 1 && alone(j.base.Services[writers[0]]) {
			return describe(j.base, writers[0])
		}
		return ""
	}
	for _, part := range j.parts() {
		for _, name := range j.writers(part, directory) {
			if alone(part.Services[name]) || alone(j.service) {
				return describe(part, name)
			}
		}
	}
	return ""
}

func alone(s *stack.Service) bool { return s.Task == nil && s.Update == stack.StopFirst }

// inBase tells whether the blueprint has a directory, or one in it.
func (j *joiner) inBase(directory string) bool {
	for name := range j.base.Directories {
		if name != "data" && (within(name, directory) || within(directory, name)) {
			return true
		}
	}
	return false
}

// writers names the services of a part that write a directory, or in it.
func (j *joiner) writers(part *stack.Stack, directory string) []string {
	var names []string
	for _, name := range sortedKeys(part.Services) {
		for _, m := range j.writes(part.Services[name]) {
			if rel, _ := j.relative(m); within(rel, directory) || within(directory, rel) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// mountAttribute is the attribute that a mount comes from.
func (j *joiner) mountAttribute(m stack.Mount) string {
	if _, own := j.member.Volumes[m.Target]; own {
		return "volumes." + m.Target
	}
	return "from"
}

// replicate says how many containers there are, and how they are replaced.
func (j *joiner) replicate() {
	m, s := j.member, j.service
	s.Replicas = max(m.Replicas, 1)
	switch {
	case m.Replicas < 0:
		j.problem("replicas", "This number of replicas is not possible", "It must not be negative.")
	case s.Task != nil && m.Replicas > 1:
		j.problem("replicas", "This number of replicas is not possible", "A task has one container: leave replicas out.")
	case m.Update != "" && m.Update != stack.StartFirst && m.Update != stack.StopFirst:
		j.problem("update", "The order of an update is not known", "%q: there are %q and %q.", m.Update, stack.StartFirst, stack.StopFirst)
		return
	}
	s.Update = j.updateOrder()
	if data := j.writes(s); s.Replicas > 1 && alone(s) && len(data) > 0 {
		name, _ := j.relative(data[0])
		j.problem("replicas", "This number of replicas is not possible",
			"The containers would write %s at once, which programs of one data directory do not stand. If this one does, say so with `update = %q`.", name, stack.StartFirst)
	}
}

// updateOrder is stop-first for a member that writes files of its own, unless it
// says otherwise: most programs must not run twice on them.
func (j *joiner) updateOrder() stack.UpdateOrder {
	m := j.member
	switch {
	case j.service.Task != nil:
		return stack.StopFirst
	case m.Update != "":
		return m.Update
	}
	for _, v := range m.Volumes {
		if !v.ReadOnly && !j.inBase(j.volumeDirectory(v.Name)) {
			return stack.StopFirst
		}
	}
	if j.from != nil && j.from.Task == nil {
		return j.from.Update
	}
	return stack.StartFirst
}
