// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/privateportals/terraform-provider-portal/internal/engine/swarm/swarmjob"
)

const (
	// swarmLook is how often it is looked whether a job has ended: Swarm tells no
	// events of that.
	swarmLook = time.Second
	// swarmLogPatience bounds the wait for a node to send a log.
	swarmLogPatience = 5 * time.Second
)

// Swarm is a Docker Engine that manages a Swarm: what it starts are jobs, wherever
// Swarm lets them run.
type Swarm struct{ client *client.Client }

// NewSwarm uses a client of a manager.
func NewSwarm(c *client.Client) *Swarm { return &Swarm{c} }

// ConnectSwarm is Connect for a manager.
func ConnectSwarm() (*Swarm, error) {
	e, err := Connect()
	if err != nil {
		return nil, err
	}
	return NewSwarm(e.client), nil
}

// Close drops the connections.
func (s *Swarm) Close() error { return s.client.Close() }

// List implements Docker.
func (s *Swarm) List(ctx context.Context) ([]Container, error) {
	services, err := s.client.ServiceList(ctx, swarm.ServiceListOptions{Filters: withSchedule()})
	if err != nil {
		return nil, err
	}
	tasks, err := s.client.TaskList(ctx, swarm.TaskListOptions{Filters: withSchedule()})
	if err != nil {
		return nil, err
	}
	down, err := s.down(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Container, 0, len(services))
	for _, x := range services {
		if x.Spec.Mode.ReplicatedJob == nil {
			continue
		}
		out = append(out, Container{ID: x.ID, Name: x.Spec.Name, Labels: x.Spec.Labels, Running: lastRun(x, tasks, down).Running})
	}
	return out, nil
}

// lastRun puts the last run of a job into the scheduler's terms.
func lastRun(job swarm.Service, tasks []swarm.Task, down map[string]bool) State {
	r := swarmjob.Last(job, tasks, down)
	return State{Created: job.CreatedAt, Running: r.Running, Started: r.Started, Finished: r.Finished, ExitCode: r.ExitCode, Error: r.Error}
}

// down are the nodes that do not answer any more.
func (s *Swarm) down(ctx context.Context) (map[string]bool, error) {
	nodes, err := s.client.NodeList(ctx, swarm.NodeListOptions{})
	out := map[string]bool{}
	for _, n := range nodes {
		out[n.ID] = n.Status.State == swarm.NodeStateDown
	}
	return out, err
}

// Events implements Docker. Ends of jobs are found by looking, while one runs.
func (s *Swarm) Events(ctx context.Context) (<-chan Event, <-chan error) {
	of := withSchedule()
	of.Add("type", string(events.ServiceEventType))
	messages, failed := s.client.Events(ctx, events.ListOptions{Filters: of})
	out, errs := make(chan Event), make(chan error, 1)
	go func() {
		w := &swarmWatch{swarm: s, out: out, running: map[string]bool{}}
		tick := time.NewTicker(swarmLook)
		defer tick.Stop()
		for {
			var err error
			select {
			case <-ctx.Done():
				return
			case err = <-failed:
			case m := <-messages:
				w.look(ctx, m.Actor.ID)
			case <-tick.C:
				if len(w.running) > 0 {
					w.look(ctx, "")
				}
			}
			if err != nil {
				errs <- err
				return
			}
		}
	}()
	return out, errs
}

// swarmWatch knows which jobs ran when it looked last.
type swarmWatch struct {
	swarm   *Swarm
	out     chan<- Event
	running map[string]bool
}

// look tells of what has changed; of the given service in any case.
func (w *swarmWatch) look(ctx context.Context, changed string) {
	if changed != "" {
		w.tell(ctx, Event{Container: changed, Structure: true})
	}
	list, err := w.swarm.List(ctx)
	if err != nil {
		return // the stream of events ends as well, or the next look tells
	}
	now := map[string]bool{}
	for _, c := range list {
		if c.Running {
			now[c.ID] = true
		}
		if c.Running != w.running[c.ID] {
			w.tell(ctx, Event{Container: c.ID})
		}
	}
	w.running = now
}

func (w *swarmWatch) tell(ctx context.Context, e Event) {
	select {
	case w.out <- e:
	case <-ctx.Done():
	}
}

// Inspect implements Docker.
func (s *Swarm) Inspect(ctx context.Context, id string) (State, error) {
	x, _, err := s.client.ServiceInspectWithRaw(ctx, id, swarm.ServiceInspectOptions{})
	if cerrdefs.IsNotFound(err) || err == nil && x.Spec.Mode.ReplicatedJob == nil {
		return State{}, ErrGone
	}
	if err != nil {
		return State{}, err
	}
	tasks, err := s.client.TaskList(ctx, swarm.TaskListOptions{Filters: filters.NewArgs(filters.Arg("service", id))})
	if err != nil {
		return State{}, err
	}
	down, err := s.down(ctx)
	return lastRun(x, tasks, down), err
}

// Start implements Docker. A job that changes meanwhile is looked at anew.
func (s *Swarm) Start(ctx context.Context, id string) error {
	return s.update(ctx, id, func(x *swarm.Service) { swarmjob.Start(&x.Spec) })
}

// Stop implements Docker.
func (s *Swarm) Stop(ctx context.Context, id string) error {
	return s.update(ctx, id, swarmjob.Stop)
}

func (s *Swarm) update(ctx context.Context, id string, alter func(*swarm.Service)) error {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		x, _, err := s.client.ServiceInspectWithRaw(ctx, id, swarm.ServiceInspectOptions{})
		if err == nil && x.Spec.Mode.ReplicatedJob == nil {
			err = &RefusedError{errors.New("it is no job")}
		}
		if err == nil {
			alter(&x)
			_, err = s.client.ServiceUpdate(ctx, id, x.Version, x.Spec, swarm.ServiceUpdateOptions{RegistryAuthFrom: swarm.RegistryAuthFromSpec})
		}
		switch {
		case err == nil:
			return nil
		case strings.Contains(err.Error(), "out of sequence") && attempt < attempts:
		case answered(err):
			return &RefusedError{err}
		default:
			return err
		}
	}
}

// Log implements Docker.
func (s *Swarm) Log(ctx context.Context, id string, since time.Time) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, swarmLogPatience)
	defer cancel()
	body, err := s.client.ServiceLogs(ctx, id, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(logLines), Since: since.Format(time.RFC3339Nano),
	})
	if err != nil {
		return "", err
	}
	defer body.Close()
	end := &tail{limit: logBytes}
	if _, err = stdcopy.StdCopy(end, end, body); errors.Is(err, io.EOF) || ctx.Err() != nil {
		err = nil
	}
	return strings.ToValidUTF8(string(end.kept), "?"), err
}
