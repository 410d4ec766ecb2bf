// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm/swarmjob"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// state is what a Swarm has of one portal, or of all.
type state struct {
	services []swarm.Service         // sorted by name
	tasks    map[string][]swarm.Task // by service, the newest first
	down     map[string]bool         // nodes that do not run any more
	hosts    map[string]string       // node → its hostname
}

// listing is what is known of the Swarm in this run: taken once for all portals,
// and again when an operation of this process changed something.
type listing struct {
	// ask asks a manager for a portal, or for all when it is empty.
	ask func(ctx context.Context, portal string) (*state, error)

	mu      sync.Mutex
	all     *state // nil when it is not known
	version int    // raised by each change
	share   singleflight.Group
}

// shared is the list of all portals.
func (l *listing) shared(ctx context.Context) (*state, error) {
	l.mu.Lock()
	known, version := l.all, l.version
	l.mu.Unlock()
	if known != nil {
		return known, nil
	}
	ch := l.share.DoChan(flight(version, ""), func() (any, error) {
		s, err := l.ask(context.WithoutCancel(ctx), "")
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.version == version {
			l.all = s
		}
		return s, nil
	})
	return received(ctx, ch)
}

// recent is the list of one portal, as it is now: whoever asks at the same time
// shares an answer, so that many waits cost no more than one. An answer that was
// asked for before the last change is not shared: it may tell of what was before.
func (l *listing) recent(ctx context.Context, portal string) (*state, error) {
	l.mu.Lock()
	version := l.version
	l.mu.Unlock()
	return received(ctx, l.share.DoChan(flight(version, portal), func() (any, error) {
		return l.ask(context.WithoutCancel(ctx), portal)
	}))
}

// flight names a question about a portal, or all of them, at a version.
func flight(version int, portal string) string { return strconv.Itoa(version) + " " + portal }

func received(ctx context.Context, ch <-chan singleflight.Result) (*state, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-ch:
		s, _ := r.Val.(*state)
		return s, r.Err
	}
}

// changed lets the next shared list be taken anew.
func (l *listing) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
	l.version++
}

// list asks for the services of a portal and their tasks; of all portals, when it
// is empty.
func (e *Engine) list(ctx context.Context, portal string) (*state, error) {
	label := pool.LabelPortal
	if portal != "" {
		label += "=" + portal
	}
	of := filters.NewArgs(filters.Arg("label", label))
	s := &state{tasks: map[string][]swarm.Task{}, down: map[string]bool{}, hosts: map[string]string{}}
	return s, e.do(ctx, func(ctx context.Context, c *client.Client) error {
		var tasks []swarm.Task
		var nodes []swarm.Node
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			s.services, err = c.ServiceList(ctx, swarm.ServiceListOptions{Filters: of})
			return err
		})
		g.Go(func() (err error) {
			tasks, err = c.TaskList(ctx, swarm.TaskListOptions{Filters: of})
			return err
		})
		g.Go(func() (err error) {
			nodes, err = c.NodeList(ctx, swarm.NodeListOptions{})
			return err
		})
		if err := g.Wait(); err != nil {
			return err
		}
		s.sort(tasks, nodes)
		return nil
	})
}

func (s *state) sort(tasks []swarm.Task, nodes []swarm.Node) {
	slices.SortFunc(s.services, func(a, b swarm.Service) int { return strings.Compare(a.Spec.Name, b.Spec.Name) })
	clear(s.tasks)
	for _, t := range tasks {
		s.tasks[t.ServiceID] = append(s.tasks[t.ServiceID], t)
	}
	for _, list := range s.tasks {
		slices.SortFunc(list, func(a, b swarm.Task) int { return b.CreatedAt.Compare(a.CreatedAt) })
	}
	for _, n := range nodes {
		s.down[n.ID] = n.Status.State == swarm.NodeStateDown
		s.hosts[n.ID] = n.Description.Hostname
	}
}

// of is what a portal has of all.
func (s *state) of(portal string) *state {
	out := *s
	out.services = slices.DeleteFunc(slices.Clone(s.services), func(x swarm.Service) bool { return x.Spec.Labels[pool.LabelPortal] != portal })
	return &out
}

// service finds a service by its name, nil when it is not there.
func (s *state) service(name string) *swarm.Service {
	for i := range s.services {
		if s.services[i].Spec.Name == name {
			return &s.services[i]
		}
	}
	return nil
}

// running lists the tasks of a service that run on nodes that do.
func (s *state) running(service string) []swarm.Task {
	var out []swarm.Task
	for _, t := range s.tasks[service] {
		if t.Status.State == swarm.TaskStateRunning && t.DesiredState == swarm.TaskStateRunning && !s.down[t.NodeID] {
			out = append(out, t)
		}
	}
	return out
}

// replicas lists the tasks of a service that run as it says now, and those that run as
// it said before.
func (s *state) replicas(service *swarm.Service) (present, former []swarm.Task) {
	for _, t := range s.running(service.ID) {
		if sameTemplate(t, service) {
			present = append(present, t)
		} else {
			former = append(former, t)
		}
	}
	return present, former
}

// unfinished lists the tasks of a service that may still have a container.
func (s *state) unfinished(service string) []swarm.Task {
	var out []swarm.Task
	for _, t := range s.tasks[service] {
		if !s.down[t.NodeID] && !swarmjob.Over(t.Status.State) {
			out = append(out, t)
		}
	}
	return out
}

// onDrive tells whether labels are of a portal on this engine's drive.
func (e *Engine) onDrive(labels map[string]string) bool {
	return docker.OnDrive(labels, e.options.StoragePath)
}

// since is a time from which something counts: clocks of managers differ a little.
func since(t time.Time) time.Time { return t.Add(-2 * time.Second) }

// networkNames are the names that a portal's stack has for its networks.
func (e *Engine) networkNames(ctx context.Context, portal string) ([]string, error) {
	names := map[string]bool{}
	err := e.do(ctx, func(ctx context.Context, c *client.Client) error {
		list, err := listNetworks(ctx, c, portal)
		for _, n := range list {
			names[strings.TrimSuffix(n.Name, overlayName(""))] = true
		}
		return err
	})
	return slices.Sorted(maps.Keys(names)), err
}
