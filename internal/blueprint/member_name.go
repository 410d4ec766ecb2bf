// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Containers that are no portal's begin so. Only members of a portal named
// "portal" could take their names.
var reservedContainers = []string{"portal-agent-", "portal-scheduler"}

// checkName refuses a name that is not free.
func (j *joiner) checkName() {
	name := j.member.Name
	if !validName(name) {
		j.problem("name", "The name is not valid", "%q becomes the name of a container: %s.", name, nameRule)
		return
	}
	for _, part := range j.parts() {
		if _, taken := part.Services[name]; taken {
			j.problem("name", "The name is taken", "The portal %q has a service %s already. Choose another name.", j.base.Portal, describe(part, name))
		}
		if other := j.sameContainer(part); other != "" {
			j.problem("name", "The name is taken", "A container of %q would have the name of one of the service %s. Choose another name.", name, describe(part, other))
		}
	}
	container := j.base.Portal + "-" + name
	if slices.ContainsFunc(reservedContainers, func(r string) bool { return strings.HasPrefix(container, r) }) {
		j.problem("name", "The name is reserved", "The provider gives names such as %s to containers of its own. Choose another name.", container)
	}
}

// sameContainer names a service or task of another part that would have a
// container named as one of the member's: the task "web-1", and the first
// replica of the service "web".
func (j *joiner) sameContainer(part *stack.Stack) string {
	for _, other := range sortedKeys(part.Services) {
		task, service := j.member.Name, other
		if j.member.Kind == stack.MemberService {
			task, service = other, j.member.Name
		}
		otherIsTask := part.Services[other].Task != nil
		if otherIsTask == (j.member.Kind != stack.MemberService) {
			continue
		}
		if m := numbered.FindStringSubmatch(task); m != nil && m[1] == service {
			return other
		}
	}
	return ""
}

// parts are all that the member joins, but for what it was itself before.
func (j *joiner) parts() []*stack.Stack {
	parts := []*stack.Stack{j.base}
	for _, part := range j.others {
		if part.Owner != j.member.Owner() && part.Owner != j.base.Owner {
			parts = append(parts, part)
		}
	}
	return parts
}
