// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// logLines of a run's output are read, and logBytes at most: more than is kept,
// so that no secret is cut where it is looked for.
const (
	logLines = 50
	logBytes = 16 * schedule.MaxLog
)

// Engine is a Docker Engine, reached by its API.
type Engine struct{ client *client.Client }

// NewEngine uses a client of an engine.
func NewEngine(c *client.Client) *Engine { return &Engine{c} }

// Connect makes a client of the engine that the environment names, or of the
// host's own. It does not ask the engine anything yet.
func Connect() (*Engine, error) {
	c, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("the address of Docker: %w", err)
	}
	return NewEngine(c), nil
}

// Close drops the connections.
func (e *Engine) Close() error { return e.client.Close() }

// withSchedule filters for the containers that carry a schedule.
func withSchedule() filters.Args { return filters.NewArgs(filters.Arg("label", schedule.Label)) }

// List implements Docker.
func (e *Engine) List(ctx context.Context) ([]Container, error) {
	list, err := e.client.ContainerList(ctx, container.ListOptions{All: true, Filters: withSchedule()})
	if err != nil {
		return nil, err
	}
	out := make([]Container, len(list))
	for i, c := range list {
		out[i] = Container{ID: c.ID, Name: properName(c.Names), Labels: c.Labels, Running: c.State == container.StateRunning || c.State == container.StatePaused}
	}
	return out, nil
}

// properName is the container's own name among those that links gave it.
func properName(names []string) string {
	for _, name := range names {
		if name = strings.TrimPrefix(name, "/"); !strings.Contains(name, "/") {
			return name
		}
	}
	return ""
}

// Events implements Docker.
func (e *Engine) Events(ctx context.Context) (<-chan Event, <-chan error) {
	of := withSchedule()
	of.Add("type", string(events.ContainerEventType))
	for _, action := range []events.Action{
		events.ActionCreate, events.ActionDestroy, events.ActionRename, events.ActionStart, events.ActionDie,
	} {
		of.Add("event", string(action))
	}
	messages, errs := e.client.Events(ctx, events.ListOptions{Filters: of})
	out := make(chan Event)
	go func() {
		for {
			select {
			case m := <-messages:
				structure := m.Action != events.ActionStart && m.Action != events.ActionDie
				select {
				case out <- Event{Container: m.Actor.ID, Structure: structure}:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, errs
}

// Inspect implements Docker.
func (e *Engine) Inspect(ctx context.Context, id string) (State, error) {
	r, err := e.client.ContainerInspect(ctx, id)
	if cerrdefs.IsNotFound(err) {
		return State{}, ErrGone
	}
	if err != nil {
		return State{}, err
	}
	s := State{
		Created: parseTime(r.Created), Started: parseTime(r.State.StartedAt), Finished: parseTime(r.State.FinishedAt),
		Running: r.State.Running || r.State.Restarting, ExitCode: r.State.ExitCode, OutOfMemory: r.State.OOMKilled,
	}
	if !s.Running {
		s.Error = r.State.Error
	}
	return s, nil
}

// parseTime reads a time of Docker's; its year 1 is the zero time.
func parseTime(text string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, text)
	return t
}

// Start implements Docker.
func (e *Engine) Start(ctx context.Context, id string) error {
	err := e.client.ContainerStart(ctx, id, container.StartOptions{})
	if answered(err) {
		return &RefusedError{err}
	}
	return err
}

// answered tells whether an error is Docker's answer, and not the lack of one.
func answered(err error) bool {
	return cerrdefs.IsNotFound(err) || cerrdefs.IsInvalidArgument(err) || cerrdefs.IsConflict(err) ||
		cerrdefs.IsPermissionDenied(err) || cerrdefs.IsInternal(err) || cerrdefs.IsNotImplemented(err)
}

// Stop implements Docker.
func (e *Engine) Stop(ctx context.Context, id string) error {
	return e.client.ContainerStop(ctx, id, container.StopOptions{})
}

// Log implements Docker.
func (e *Engine) Log(ctx context.Context, id string, since time.Time) (string, error) {
	r, err := e.client.ContainerInspect(ctx, id)
	if err != nil {
		return "", err
	}
	body, err := e.client.ContainerLogs(ctx, id, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(logLines),
		Since: since.Format(time.RFC3339Nano),
	})
	if err != nil {
		return "", err
	}
	defer body.Close()
	end := &tail{limit: logBytes}
	if r.Config.Tty {
		_, err = io.Copy(end, body)
	} else {
		_, err = stdcopy.StdCopy(end, end, body)
	}
	return strings.ToValidUTF8(string(end.kept), "?"), err
}

// tail keeps the end of what is written to it.
type tail struct {
	limit int // bytes
	kept  []byte
}

func (t *tail) Write(data []byte) (int, error) {
	t.kept = append(t.kept, data...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(data), nil
}
