// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"fmt"
	"slices"
)

// Reconcile compares what should be with what is and returns the operations
// that lead there, in the least disturbing way: what is right is not touched,
// what can be repaired is not replaced, and what is replaced can be put back.
//
// Only what belongs to the same owner is compared: the other parts of the
// portal's stack are there to be waited for.
//
// It fails only when the services' dependencies form a cycle or name a service
// that is not there, or when another part has a service of the same name.
func Reconcile(desired *Stack, observed Observed) (Plan, error) {
	return reconcile(desired, observed, (*planner).service)
}

// reconcile is Reconcile with what plans one service.
func reconcile(desired *Stack, observed Observed, service func(*planner, *Service)) (Plan, error) {
	others := othersOf(desired.Owner, observed)
	if err := ownNames(desired, others); err != nil {
		return Plan{}, err
	}
	order, err := dependencyOrder(desired, others)
	if err != nil {
		return Plan{}, err
	}
	observed = observed.Of(desired.Owner)
	p := &planner{
		desired:  desired,
		observed: byService(observed.Containers),
		others:   others,
		foreign:  foreignByName(observed.Foreign),
		ids:      map[string]int{},
		ready:    map[string]readiness{},
		networks: map[string]string{},
		images:   map[string]string{},
		plan:     Plan{Rollback: map[string][]*Operation{}},
	}
	inTheWay, rest := p.unwanted(observed)
	p.removed = p.takeDown(inTheWay, unwantedCause)
	for _, name := range order {
		service(p, desired.Services[name])
	}
	p.takeDown(rest, unwantedCause, p.ends...)
	p.waitForImages()
	return p.plan, nil
}

// Conflicts lists the containers of others that hold a name the stack needs.
func Conflicts(desired *Stack, observed Observed) []Foreign {
	foreign := foreignByName(observed.Foreign)
	var out []Foreign
	for _, name := range sortedKeys(desired.Services) {
		s := desired.Services[name]
		for n := 1; n <= s.Replicas; n++ {
			if f, ok := foreign[ContainerName(desired.Portal, s, n)]; ok {
				out = append(out, f)
			}
		}
	}
	return out
}

func foreignByName(list []Foreign) map[string]Foreign {
	out := make(map[string]Foreign, len(list))
	for _, f := range list {
		out[f.Name] = f
	}
	return out
}

// dependencyOrder lists the services so that each comes after all that it
// depends on, and otherwise by name.
func dependencyOrder(desired *Stack, others map[string][]Container) ([]string, error) {
	const (
		visiting = 1
		visited  = 2
	)
	state := map[string]int{}
	var order []string
	var visit func(name string) error
	visit = func(name string) error {
		switch state[name] {
		case visiting:
			return fmt.Errorf("service %q depends on itself through its dependencies", name)
		case visited:
			return nil
		}
		state[name] = visiting
		s := desired.Services[name]
		for _, dep := range sortedKeys(s.DependsOn) {
			if len(others[dep]) > 0 {
				continue
			}
			if _, ok := desired.Services[dep]; !ok {
				return fmt.Errorf("service %q depends on %q, which the stack does not have", name, dep)
			}
			if err := visit(dep); err != nil {
				return err
			}
		}
		state[name] = visited
		order = append(order, name)
		return nil
	}
	for _, name := range sortedKeys(desired.Services) {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// service plans all replicas of one service, or a task's container.
func (p *planner) service(s *Service) {
	gate := p.gate(s)
	existing := map[int][]Container{}
	for _, c := range p.observed[s.Name] {
		existing[c.Number] = append(existing[c.Number], c)
	}
	// Replicas are replaced one after the other, so that the others serve.
	var last string
	var ends []string
	for n := 1; n <= s.Replicas; n++ {
		r := p.replica(s, n, existing[n])
		r.gate = gate
		if r.replaces() {
			r.gate = appendID(gate, last)
		}
		end := r.plan()
		if r.replaces() {
			last = end
		}
		ends = appendID(ends, end)
	}
	p.ends = append(p.ends, ends...)
	for _, n := range sortedKeys(existing) {
		if n >= 1 && n <= s.Replicas {
			continue
		}
		for _, c := range existing[n] {
			p.remove(c, fmt.Sprintf("%s has %d replicas", s.Name, s.Replicas), ends...)
		}
	}
}

// gate lists the operations that must succeed before a container of s starts.
// A dependency that needs no operation is there already.
func (p *planner) gate(s *Service) []string {
	var out []string
	for _, dep := range sortedKeys(s.DependsOn) {
		if p.desired.Services[dep] == nil {
			out = append(out, p.awaitOther(dep, s.DependsOn[dep])...)
			continue
		}
		ready := p.ready[dep]
		switch s.DependsOn[dep] {
		case Started:
			out = append(out, ready.started...)
		default:
			out = append(out, ready.healthy...)
		}
	}
	if publishesFixedPort(s) {
		out = append(out, p.removed...)
	}
	return out
}

func publishesFixedPort(s *Service) bool {
	return slices.ContainsFunc(s.Ports, func(port Port) bool { return port.Host != 0 })
}

const unwantedCause = "the stack no longer has it"

// unwanted lists the containers of services that the stack no longer has:
// those whose ports may be wanted now, and the others, which go last because
// what still runs may use them until it is replaced.
func (p *planner) unwanted(observed Observed) (inTheWay, others []Container) {
	for _, c := range observed.Containers {
		if _, ok := p.desired.Services[c.Service]; ok {
			continue
		}
		if len(c.Ports) > 0 {
			inTheWay = append(inTheWay, c)
		} else {
			others = append(others, c)
		}
	}
	return inTheWay, others
}
