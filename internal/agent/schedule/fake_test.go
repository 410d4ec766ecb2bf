// SPDX-License-Identifier: MPL-2.0

package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	agent "github.com/privateportals/terraform-provider-portal/internal/agent/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// fakeDocker is a Docker Engine in memory, by the same clock as the scheduler.
type fakeDocker struct {
	now func() time.Time

	mu         sync.Mutex
	containers map[string]*fakeContainer
	streams    map[chan agent.Event]chan error
	made       int
	running    int
	mostAtOnce int

	// down makes every call fail as a daemon that is gone does, and deaf makes
	// the streams say nothing.
	down, deaf bool
	// loseStarts lets the next starts happen and loses their answer; dropStarts
	// loses the calls, and refuse makes Docker say no.
	loseStarts int
	dropStarts bool
	refuse     error
	// logHangs keeps those who read a log waiting.
	logHangs bool
}

// program is what a container does: for how long, and how it ends.
type program struct {
	takes time.Duration
	code  int
	log   string
}

type fakeContainer struct {
	agent.Container
	state   agent.State
	program program
	starts  []time.Time
	stop    chan struct{} // ends the run
}

var errDown = errors.New("cannot connect to the Docker daemon")

func newFakeDocker(now func() time.Time) *fakeDocker {
	return &fakeDocker{now: now, containers: map[string]*fakeContainer{}, streams: map[chan agent.Event]chan error{}}
}

// labels are those of a task with a schedule.
func labels(portal, task, text string) map[string]string {
	return map[string]string{
		pool.LabelPortal: portal, pool.LabelService: task, pool.LabelTask: "scheduled",
		pool.LabelDirectory: "/srv/portals/" + portal, schedule.Label: text,
	}
}

// create makes a container for a task, and returns its ID.
func (d *fakeDocker) create(portal, task, text string, p program) string {
	return d.createRaw(portal+"-"+task, labels(portal, task, text), p)
}

func (d *fakeDocker) createRaw(name string, labels map[string]string, p program) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made++
	id := fmt.Sprintf("%s#%d", name, d.made)
	d.containers[id] = &fakeContainer{
		Container: agent.Container{ID: id, Name: name, Labels: labels},
		state:     agent.State{Created: d.now()}, program: p,
	}
	d.tell(agent.Event{Container: id, Structure: true})
	return id
}

// remove takes a container away, whatever it does.
func (d *fakeDocker) remove(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end(d.containers[id], 137)
	delete(d.containers, id)
	d.tell(agent.Event{Container: id, Structure: true})
}

// rename gives a container another name.
func (d *fakeDocker) rename(id, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.containers[id].Name = name
	d.tell(agent.Event{Container: id, Structure: true})
}

// set changes what a container does from its next start on.
func (d *fakeDocker) set(id string, p program) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.containers[id].program = p
}

func (d *fakeDocker) fault(change func(d *fakeDocker)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
	if d.down {
		for _, errs := range d.streams {
			errs <- errDown
		}
		clear(d.streams)
	}
}

// starts are the times at which a container was started.
func (d *fakeDocker) starts(id string) []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.containers[id].starts)
}

func (d *fakeDocker) state(id string) agent.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.containers[id].state
}

// close ends all runs.
func (d *fakeDocker) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.containers {
		d.end(c, 137)
	}
}

func (d *fakeDocker) tell(e agent.Event) {
	if d.deaf {
		return
	}
	for events := range d.streams {
		select {
		case events <- e:
		default:
			panic("nobody reads the events")
		}
	}
}

func (d *fakeDocker) List(context.Context) ([]agent.Container, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return nil, errDown
	}
	var out []agent.Container
	for _, id := range slices.Sorted(maps.Keys(d.containers)) {
		c := d.containers[id].Container
		c.Running = d.containers[id].state.Running
		out = append(out, c)
	}
	return out, nil
}

func (d *fakeDocker) Events(ctx context.Context) (<-chan agent.Event, <-chan error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	events, errs := make(chan agent.Event, 10_000), make(chan error, 1)
	if d.down {
		errs <- errDown
		return events, errs
	}
	d.streams[events] = errs
	context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.streams, events)
	})
	return events, errs
}

func (d *fakeDocker) Inspect(_ context.Context, id string) (agent.State, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.containers[id]
	switch {
	case d.down:
		return agent.State{}, errDown
	case c == nil:
		return agent.State{}, agent.ErrGone
	}
	return c.state, nil
}

func (d *fakeDocker) Start(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.containers[id]
	switch {
	case d.down:
		return errDown
	case d.dropStarts:
		return errors.New("EOF")
	case c == nil:
		return &agent.RefusedError{Err: errors.New("no such container")}
	case d.refuse != nil:
		return &agent.RefusedError{Err: d.refuse}
	case c.state.Running:
		return nil
	}
	d.begin(c)
	if d.loseStarts > 0 {
		d.loseStarts--
		return errors.New("EOF")
	}
	return nil
}

// startByHand starts a container as a person does.
func (d *fakeDocker) startByHand(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begin(d.containers[id])
}

func (d *fakeDocker) begin(c *fakeContainer) {
	now := d.now()
	c.starts = append(c.starts, now)
	c.state.Running, c.state.Started, c.stop = true, now, make(chan struct{})
	d.running++
	d.mostAtOnce = max(d.mostAtOnce, d.running)
	d.tell(agent.Event{Container: c.ID})
	go func(stop chan struct{}, p program) {
		select {
		case <-time.After(p.takes):
			d.mu.Lock()
			defer d.mu.Unlock()
			if c.stop == stop {
				d.end(c, p.code)
			}
		case <-stop:
		}
	}(c.stop, c.program)
}

// end ends the run of a container, if there is one.
func (d *fakeDocker) end(c *fakeContainer, code int) {
	if !c.state.Running {
		return
	}
	close(c.stop)
	c.stop = nil
	c.state.Running, c.state.Finished, c.state.ExitCode = false, d.now(), code
	d.running--
	d.tell(agent.Event{Container: c.ID})
}

func (d *fakeDocker) Stop(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return errDown
	}
	d.end(d.containers[id], 143)
	return nil
}

func (d *fakeDocker) Log(ctx context.Context, id string, _ time.Time) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.logHangs {
		d.mu.Unlock()
		<-ctx.Done()
		d.mu.Lock()
		return "", ctx.Err()
	}
	if c := d.containers[id]; c != nil {
		return c.program.log, nil
	}
	return "", agent.ErrGone
}

// fakeNotifier takes notices, or fails.
type fakeNotifier struct {
	mu      sync.Mutex
	fails   error
	notices []schedule.Notice
	to      []string
}

func (n *fakeNotifier) Send(_ context.Context, address string, notice schedule.Notice) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fails != nil {
		return n.fails
	}
	n.notices, n.to = append(n.notices, notice), append(n.to, address)
	return nil
}

func (n *fakeNotifier) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fails = err
}

func (n *fakeNotifier) events() []schedule.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []schedule.Event
	for _, notice := range n.notices {
		out = append(out, notice.Event)
	}
	return out
}

// fragileDrive is a drive that may go away.
type fragileDrive struct {
	agent.SharedDrive
	mu   sync.Mutex
	away error
}

func (d *fragileDrive) gone(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.away = err
}

func (d *fragileDrive) err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.away
}

func (d *fragileDrive) Check() error {
	return errors.Join(d.err(), d.SharedDrive.Check())
}

func (d *fragileDrive) ReadHistory(portal, task string) (schedule.History, error) {
	if err := d.err(); err != nil {
		return schedule.History{}, err
	}
	return d.SharedDrive.ReadHistory(portal, task)
}

func (d *fragileDrive) WriteHistory(portal, task string, h schedule.History) error {
	if err := d.err(); err != nil {
		return err
	}
	return d.SharedDrive.WriteHistory(portal, task, h)
}

func (d *fragileDrive) Conceal(portal, text string) (string, error) {
	if err := d.err(); err != nil {
		return "", err
	}
	return d.SharedDrive.Conceal(portal, text)
}
