// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"fmt"
	"maps"

	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// attach puts the member into networks of the portal, where it is found by its
// name: into those of the service that it takes after, else into the default
// one; and wherever it is needed to reach what it depends on, and to be reached
// by the load balancer.
func (j *joiner) attach() {
	networks := map[string][]string{}
	join := func(name string) {
		n := j.base.Networks[name]
		n.Labels = maps.Clone(n.Labels)
		networks[name], j.part.Networks[name] = []string{j.member.Name}, n
	}
	if j.from != nil {
		for name := range j.from.Networks {
			join(name)
		}
	} else if name := stack.NetworkName(j.base.Portal, "default"); j.hasNetwork(name) {
		join(name)
	}
	for _, peer := range j.peers() {
		if !shared(networks, peer.Networks) && len(peer.Networks) > 0 {
			join(sortedKeys(peer.Networks)[0])
		}
	}
	if len(networks) == 0 {
		j.problem("from", "There is no network to join", "The blueprint of the portal %q has no default network, so nobody can tell which one %s belongs to: name a service to take it from with `from`.", j.base.Portal, j.member.Name)
	}
	j.service.Networks = networks
}

func (j *joiner) hasNetwork(name string) bool {
	_, ok := j.base.Networks[name]
	return ok
}

// peers are the services of the base that the member talks with.
func (j *joiner) peers() []*stack.Service {
	var peers []*stack.Service
	for _, name := range j.member.DependsOn {
		if s := j.base.Services[name]; s != nil && s.Task == nil {
			peers = append(peers, s)
		}
	}
	if len(j.member.Routes) > 0 && j.base.Ingress != nil {
		peers = append(peers, j.base.Services[j.base.Ingress.Service])
	}
	return peers
}

func shared(a, b map[string][]string) bool {
	for name := range a {
		if _, ok := b[name]; ok {
			return true
		}
	}
	return false
}

// depend says what the member waits for. What it takes after waits for the same,
// but a task that somebody starts later needs nothing to wait for.
func (j *joiner) depend() {
	s := j.service
	if s.Task != nil && s.Task.When != stack.Deploy {
		s.DependsOn = nil
	}
	for name := range s.DependsOn {
		if j.base.Services[name].Replicas == 0 {
			delete(s.DependsOn, name)
		}
	}
	for _, name := range unique(j.member.DependsOn) {
		other, ok := j.base.Services[name]
		switch {
		case !ok:
			j.problem("depends_on", "There is no such service", "The portal %q has no service or task %q to wait for.%s", j.base.Portal, name, suggest(name, sortedKeys(j.base.Services)))
			continue
		case other.Task != nil && other.Task.When != stack.Deploy:
			j.problem("depends_on", "The task is not waited for", "%s is a task that somebody else starts: nothing can wait for it.", name)
			continue
		case other.Replicas == 0:
			j.problem("depends_on", "The service does not run", "%s has no replicas: nothing can wait for it.", name)
			continue
		}
		if s.DependsOn == nil {
			s.DependsOn = map[string]stack.Condition{}
		}
		s.DependsOn[name] = readyCondition(other)
	}
}

// readyCondition is when a service can be used.
func readyCondition(s *stack.Service) stack.Condition {
	switch {
	case s.Task != nil:
		return stack.Completed
	case s.Healthcheck.Disabled():
		return stack.Started
	default:
		return stack.Healthy
	}
}

// route gives the member its routes, and no other service's.
func (j *joiner) route() {
	s := j.service
	s.Routes = nil
	if len(j.member.Routes) == 0 {
		return
	}
	if s.Task != nil {
		j.problem("routes", "A task has no routes", "It runs and ends: nobody can send requests to it.")
	}
	if j.base.Ingress == nil {
		j.problem("routes", "Nothing serves the routes", "The blueprint of the portal %q has no load balancer: a service of it must mount a config with `x-portal: {ingress: caddy}`.", j.base.Portal)
	}
	for i, r := range j.member.Routes {
		if r.Path == "" {
			r.Path = "/"
		}
		for _, wrong := range routeFaults(r) {
			j.problem(fmt.Sprintf("routes.%d", i), "The route is not valid", "%s.", wrong)
		}
		s.Routes = append(s.Routes, r)
	}
	if _, err := ingress.Routes(append(j.parts(), j.part)...); err != nil {
		j.problem("routes", "The route is taken", "%s.", err)
	}
}
