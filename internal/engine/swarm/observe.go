// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm/swarmjob"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// grace is how long hosts may take, once the Swarm has answered, to tell of what
// engine docker left there.
const grace = time.Second

// Observe implements engine.Engine.
func (e *Engine) Observe(ctx context.Context, portal string) (stack.Observed, error) {
	state, err := e.listing.recent(ctx, portal)
	if err != nil {
		return stack.Observed{}, fail("list the services", engine.Error{Portal: portal}, err)
	}
	o := e.observed(ctx, portal, state, engine.Engine.Observe)
	if o.Networks, err = e.networkNames(ctx, portal); err != nil {
		return stack.Observed{}, fail("list the networks", engine.Error{Portal: portal}, err)
	}
	return o, nil
}

// ObserveShared implements engine.Engine.
func (e *Engine) ObserveShared(ctx context.Context, portal string) (stack.Observed, error) {
	all, err := e.listing.shared(ctx)
	if err != nil {
		return stack.Observed{}, fail("list the services", engine.Error{Portal: portal}, err)
	}
	return e.observed(ctx, portal, all.of(portal), engine.Engine.ObserveShared), nil
}

type observer func(engine.Engine, context.Context, string) (stack.Observed, error)

// observed is what Swarm has of a portal, and what engine docker left on hosts of
// the pool.
func (e *Engine) observed(ctx context.Context, portal string, state *state, observe observer) stack.Observed {
	o := stack.Observed{Portal: portal}
	for _, s := range state.services {
		o.Containers = append(o.Containers, unitOf(s, state))
	}
	o.Elsewhere, o.Silent = e.leftByDocker(ctx, portal, observe)
	if len(o.Containers) > 0 || len(o.Elsewhere) > 0 {
		o.Host = Host
	}
	return o
}

// leftByDocker asks the hosts for plain containers of a portal. One that does not
// answer soon is silent: whether that matters is for who knows where it was.
func (e *Engine) leftByDocker(ctx context.Context, portal string, observe observer) (there []stack.Observed, silent []string) {
	type answer struct {
		host     string
		observed stack.Observed
		err      error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, len(e.pool.Hosts()))
	waiting := map[string]bool{}
	for _, h := range e.pool.Hosts() {
		waiting[h.Name] = true
		go func() {
			on, err := e.plain.On(h.Name)
			if err != nil {
				answers <- answer{h.Name, stack.Observed{}, err}
				return
			}
			o, err := observe(on, ctx, portal)
			answers <- answer{h.Name, o, err}
		}()
	}
	over := time.After(grace)
	for range e.pool.Hosts() {
		select {
		case a := <-answers:
			if a.err == nil {
				delete(waiting, a.host)
			}
			if len(a.observed.Containers) > 0 {
				there = append(there, a.observed)
			}
			continue
		case <-over:
		}
		break
	}
	for host := range waiting {
		silent = append(silent, host)
	}
	sort.Strings(silent)
	sort.Slice(there, func(i, j int) bool { return there[i].Host < there[j].Host })
	return there, silent
}

// unitOf puts a service and its tasks into the domain's terms.
func unitOf(s swarm.Service, state *state) stack.Container {
	l := s.Spec.Labels
	u := stack.Container{
		ID: s.ID, Name: s.Spec.Name, Service: l[pool.LabelService], Owner: l[pool.LabelOwner], Number: 1,
		Digest: l[pool.LabelDigest], Task: stack.TaskWhen(l[pool.LabelTask]), Image: imageOf(s.Spec), State: stack.Running,
		StorageID: l[pool.LabelStorage], DependsOn: docker.ParseDependsOn(l[pool.LabelDependsOn]), RestartOn: docker.SplitList(l[pool.LabelRestartOn]),
	}
	u.Replicas, _ = strconv.Atoi(l[labelReplicas])
	u.Replicas = max(u.Replicas, 1)
	u.Settings = stack.Settings{Shape: shapeOf(s.Spec), Replicas: u.Replicas}
	u.IntendedSettings = stack.Settings{Shape: l[labelShape], Replicas: u.Replicas}
	if p := s.Spec.TaskTemplate.Placement; p != nil {
		u.Constraints = slices.DeleteFunc(slices.Clone(p.Constraints), func(c string) bool { return c == onManagers })
	}
	if len(u.Constraints) == 0 {
		u.Constraints = nil
	}
	if c := s.Spec.TaskTemplate.ContainerSpec; c != nil {
		for _, m := range c.Mounts {
			if m.Source != "" {
				u.Mounts = append(u.Mounts, m.Source)
			}
		}
	}
	if s.Spec.Mode.ReplicatedJob != nil {
		jobState(&u, s, state)
	} else {
		serviceState(&u, s, state)
	}
	return u
}

// imageOf is the image as it was asked for, without the digest that it was pinned to.
func imageOf(spec swarm.ServiceSpec) string {
	if spec.TaskTemplate.ContainerSpec == nil {
		return ""
	}
	image, _, _ := strings.Cut(spec.TaskTemplate.ContainerSpec.Image, "@")
	asked := spec.Labels[labelImage]
	if withoutDigest, _, _ := strings.Cut(asked, "@"); tagged(withoutDigest) == tagged(image) {
		return asked
	}
	return image
}

// tagged is an image with a tag, as Docker's client completes it.
func tagged(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return image
	}
	return reference.FamiliarString(reference.TagNameOnly(named))
}

// serviceState tells how many replicas run.
func serviceState(u *stack.Container, s swarm.Service, state *state) {
	wanted := u.Replicas
	switch m := s.Spec.Mode; {
	case m.Global != nil:
		wanted = 0
		for _, t := range state.tasks[s.ID] {
			if t.DesiredState == swarm.TaskStateRunning {
				wanted++
			}
		}
	case m.Replicated != nil && m.Replicated.Replicas != nil && *m.Replicated.Replicas == 0:
		u.State = stack.Exited
		if s.Version.Index == 0 || !s.UpdatedAt.After(s.CreatedAt) {
			u.State = stack.Created
		}
		u.FinishedAt = s.UpdatedAt // Swarm forgets replicas that it is not to have
		return
	case m.Replicated != nil && m.Replicated.Replicas != nil:
		u.Settings.Replicas = int(*m.Replicated.Replicas) //nolint:gosec // a handful
		wanted = u.Settings.Replicas
	}
	running, _ := state.replicas(&s)
	u.Down = max(wanted-len(running), 0)
	if s.Spec.Mode.Global != nil {
		u.Down = min(u.Down, u.Replicas)
	}
	if u.Down > 0 {
		u.Health = stack.HealthStarting
	}
	for _, t := range running {
		if u.StartedAt.Before(t.Status.Timestamp) {
			u.StartedAt = t.Status.Timestamp
		}
		for _, p := range t.Status.PortStatus.Ports {
			if u.Ports == nil {
				u.Ports = map[string]int{}
			}
			u.Ports[strconv.FormatUint(uint64(p.TargetPort), 10)+"/"+string(p.Protocol)] = int(p.PublishedPort)
		}
	}
}

// jobState tells how the last run of a job ended.
func jobState(u *stack.Container, s swarm.Service, state *state) {
	r := swarmjob.Last(s, state.tasks[s.ID], state.down)
	u.State, u.ExitCode, u.StartedAt, u.FinishedAt = stack.Exited, r.ExitCode, r.Started, r.Finished
	switch {
	case r.Running:
		u.State = stack.Running
	case r.Started.IsZero():
		u.State = stack.Created
	}
}

var errGone = errors.New("the service is gone: somebody removed it")
