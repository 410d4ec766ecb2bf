// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Place implements engine.SelfPlacing: Swarm chooses a node for each replica. It
// refuses what no node can run.
func (e *Engine) Place(ctx context.Context, desired *stack.Stack, spec stack.Spec) (placement.Decision, error) {
	if spec.Host != "" {
		return placement.Decision{}, fmt.Errorf("engine swarm places each replica itself, so that a portal has no host: take host = %q out, and use constraints = [\"node.hostname == %s\"] if it must be that node", spec.Host, spec.Host)
	}
	if err := e.Accepts(desired); err != nil {
		return placement.Decision{}, err
	}
	decision := placement.Decision{Host: Host, Reason: "Swarm places each of its services"}
	constraints, err := placement.ParseAll(spec.Constraints)
	if err != nil || len(constraints) == 0 {
		return decision, err
	}
	var nodes []swarm.Node
	err = e.do(ctx, func(ctx context.Context, c *client.Client) (err error) {
		nodes, err = c.NodeList(ctx, swarm.NodeListOptions{})
		return err
	})
	if err != nil {
		return decision, fail("list the nodes", engine.Error{Portal: spec.Name}, err)
	}
	hosts := make([]placement.Host, 0, len(nodes))
	for _, n := range nodes {
		hosts = append(hosts, placement.Host{
			Name: n.Description.Hostname, Labels: n.Spec.Labels, Drain: n.Spec.Availability != swarm.NodeAvailabilityActive,
		})
	}
	permitted, err := placement.Request{Constraints: constraints}.Permitted(hosts)
	if err != nil {
		return decision, err
	}
	names := make([]string, len(permitted))
	for i, h := range permitted {
		names[i] = h.Name
	}
	slices.Sort(names)
	decision.Reason += " on " + strings.Join(names, ", ")
	return decision, nil
}

// Accepts implements engine.Engine: it names all that Swarm cannot do.
func (e *Engine) Accepts(desired *stack.Stack) error {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(desired.Services)) {
		for _, problem := range refusals(desired.Services[name]) {
			problems = append(problems, fmt.Sprintf("%s: %s", name, problem))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("engine swarm cannot run this: %s. Change that, or run it with engine docker", strings.Join(problems, "; "))
}

func refusals(s *stack.Service) []string {
	var out []string
	for _, p := range s.Ports {
		if !allAddresses(p) {
			out = append(out, fmt.Sprintf("it publishes port %d on the address %s alone, and Swarm publishes on all addresses of a node", p.Container, p.HostIP))
		}
	}
	for _, option := range s.SecurityOpt {
		if !strings.HasPrefix(option, "no-new-privileges") {
			out = append(out, fmt.Sprintf("it has security_opt %s, which Swarm does not pass on", option))
		}
	}
	return out
}

// Check implements engine.Engine. What is published twice shows when no node can
// run a replica.
func (e *Engine) Check(_ context.Context, desired *stack.Stack, _ stack.Observed) error {
	return e.Accepts(desired)
}
