// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// conditions reads depends_on. What is off and not required is left out.
func (b *builder) conditions(c types.ServiceConfig) map[string]stack.Condition {
	if len(c.DependsOn) == 0 {
		return nil
	}
	conditions := map[string]stack.Condition{}
	for _, name := range sortedKeys(c.DependsOn) {
		d := c.DependsOn[name]
		at := "services." + c.Name + ".depends_on." + name
		if _, on := b.project.Services[name]; !on {
			off, declared := b.project.DisabledServices[name]
			switch {
			case !d.Required && declared:
			case declared:
				b.refuse(at, "it is needed, but belongs to the add-on %q, which is not turned on: add it to addons, or write `required: false`", off.Profiles[0])
			default:
				b.refuse(at, "there is no such service.%s", suggest(name, b.allServices()))
			}
			continue
		}
		switch condition := stack.Condition(d.Condition); condition {
		case stack.Started, stack.Healthy, stack.Completed:
			conditions[name] = condition
		default:
			b.refuse(at+".condition", "%q is not known", d.Condition)
		}
	}
	return conditions
}

// resolveDependencies makes tasks of services that others wait for to end, as
// plain Compose files have it, and checks the conditions and the order.
func (b *builder) resolveDependencies() {
	for _, name := range sortedKeys(b.stack.Services) {
		for _, other := range sortedKeys(b.stack.Services[name].DependsOn) {
			dependency := b.stack.Services[other]
			if b.stack.Services[name].DependsOn[other] == stack.Completed && dependency.Task == nil {
				dependency.Task = &stack.Task{When: stack.Deploy}
				dependency.Restart = "no"
				b.checkReplicas(dependency, b.extensions[other])
			}
		}
	}
	for _, name := range sortedKeys(b.stack.Services) {
		s := b.stack.Services[name]
		for _, other := range sortedKeys(s.DependsOn) {
			at := "services." + name + ".depends_on." + other
			task := b.stack.Services[other].Task
			switch {
			case task != nil && task.When != stack.Deploy:
				b.refuse(at, "%s is a task that somebody else starts: nothing can wait for it", other)
			case task != nil && s.DependsOn[other] != stack.Completed:
				b.refuse(at, "%s is a task: wait for its end with `condition: service_completed_successfully`", other)
			}
			if h := b.stack.Services[other].Healthcheck; s.DependsOn[other] == stack.Healthy && h.Disabled() {
				b.refuse(at, "%s has its health check turned off: wait for `service_started`, or give it a check", other)
			}
		}
		if s.Task != nil && len(s.Routes) > 0 {
			b.refuse("services."+name+".x-portal.routes", "a task has no routes")
		}
		if s.Task != nil && len(s.Ports) > 0 {
			b.refuse("services."+name+".ports", "a task publishes no ports")
		}
	}
	if cycle := b.findCycle(); cycle != nil {
		b.refuse("services."+cycle[0]+".depends_on", "the services wait for each other: %s", strings.Join(append(cycle, cycle[0]), " → "))
	}
}

// findCycle returns services that depend on each other in a circle, or nil.
func (b *builder) findCycle() []string {
	done := map[string]bool{}
	var trail []string
	var visit func(name string) []string
	visit = func(name string) []string {
		if i := slices.Index(trail, name); i >= 0 {
			return slices.Clone(trail[i:])
		}
		if done[name] {
			return nil
		}
		trail = append(trail, name)
		for _, other := range sortedKeys(b.stack.Services[name].DependsOn) {
			if cycle := visit(other); cycle != nil {
				return cycle
			}
		}
		trail = trail[:len(trail)-1]
		done[name] = true
		return nil
	}
	for _, name := range sortedKeys(b.stack.Services) {
		if cycle := visit(name); cycle != nil {
			return cycle
		}
	}
	return nil
}

// numbered is the name of a service's container without the portal's, also of
// one that is being replaced.
var numbered = regexp.MustCompile(`^(.+)-\d+(?:_next|_previous)?$`)

// checkContainerNames refuses a task whose container would be named as the
// replica of a service ("web-1").
func (b *builder) checkContainerNames() {
	for _, name := range sortedKeys(b.stack.Services) {
		m := numbered.FindStringSubmatch(name)
		if b.stack.Services[name].Task == nil || m == nil {
			continue
		}
		if other, ok := b.stack.Services[m[1]]; ok && other.Task == nil {
			b.refuse("services."+name, "the task's container would have the name of a container of %s: rename the task", m[1])
		}
	}
}
