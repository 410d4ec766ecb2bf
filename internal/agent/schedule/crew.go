// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"fmt"
	"path"
	"regexp"

	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// task is a container that carries a schedule, understood.
type task struct {
	portal, name string
	container    string // ID
	schedule     schedule.Schedule
	timetable    schedule.Timetable
}

// key names the task on its host, whichever container it has.
func (t task) key() string { return t.portal + "/" + t.name }

var taskName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// understand reads a container's labels, which anybody may have written.
func understand(c Container) (task, error) {
	t := task{portal: c.Labels[pool.LabelPortal], name: c.Labels[pool.LabelService], container: c.ID}
	if err := stack.ValidateName(t.portal); err != nil {
		return task{}, fmt.Errorf("label %s: %w", pool.LabelPortal, err)
	}
	if !taskName.MatchString(t.name) {
		return task{}, fmt.Errorf("label %s: %.80q is not the name of a task", pool.LabelService, t.name)
	}
	switch when := stack.TaskWhen(c.Labels[pool.LabelTask]); when {
	case stack.Scheduled, stack.Manual, stack.Deploy:
	default:
		return task{}, fmt.Errorf("label %s is %.80q: only a task has a schedule", pool.LabelTask, when)
	}
	// The proper name is held by one container: what an update put aside, or
	// somebody copied, is not started.
	if want := stack.ContainerName(t.portal, &stack.Service{Name: t.name, Task: &stack.Task{}}, 1); c.Name != want {
		return task{}, fmt.Errorf("the container is named %.80q, and the task's is %q", c.Name, want)
	}
	var err error
	if t.schedule, err = schedule.Parse(c.Labels[schedule.Label]); err != nil {
		return task{}, err
	}
	t.timetable, err = t.schedule.Timetable(t.portal, t.name)
	return t, err
}

// onDrive tells whether a container's portal is on this scheduler's drive. A host
// that serves two drives has a scheduler for each.
func (s *Scheduler) onDrive(c Container) bool {
	return s.Path == "" || path.Dir(c.Labels[pool.LabelDirectory]) == path.Clean(s.Path)
}

// relist brings the workers in line with the containers that are there. New
// ones work until ctx ends.
func (s *Scheduler) relist(ctx context.Context) error {
	listing, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := s.Docker.List(listing)
	if err != nil {
		return fmt.Errorf("list the containers that have a schedule: %w", err)
	}
	there := make(map[string]bool, len(list))
	for _, c := range list {
		if !s.onDrive(c) {
			continue
		}
		t, err := understand(c)
		if err != nil {
			s.refuse(c, err)
			continue
		}
		there[c.ID] = true
		if w := s.workers[c.ID]; w == nil {
			s.employ(ctx, t)
		} else if w.running.Load() != c.Running {
			w.wake()
		}
	}
	s.retire(there)
	s.forget(list)
	return nil
}

// refuse logs once that a container is ignored. The reason is bounded, whatever
// is in the labels.
func (s *Scheduler) refuse(c Container, why error) {
	if !s.refused[c.ID] {
		s.refused[c.ID] = true
		s.Log.Warn("a container's schedule is ignored", "container", c.Name, "id", short(c.ID), "reason", fmt.Sprintf("%.500s", why))
	}
}

// employ starts a worker for a container.
func (s *Scheduler) employ(ctx context.Context, t task) {
	w := newWorker(s, t)
	if before := s.newest[t.key()]; before != nil {
		w.before = before.done
	}
	s.workers[t.container], s.newest[t.key()] = w, w
	delete(s.refused, t.container)
	s.Log.Info("schedule taken up", "portal", t.portal, "task", t.name, "id", short(t.container), "schedule", t.schedule.Text())
	go w.run(ctx)
}

// retire lets the workers go whose containers are not there, or not theirs, any
// more. One whose run goes on sees it to its end.
func (s *Scheduler) retire(there map[string]bool) {
	for id, w := range s.workers {
		if !there[id] {
			w.retire()
			delete(s.workers, id)
			s.Log.Info("schedule given up", "portal", w.task.portal, "task", w.task.name, "id", short(id))
		}
	}
}

// forget drops what is known of workers that ended and containers that went.
func (s *Scheduler) forget(list []Container) {
	for key, w := range s.newest {
		select {
		case <-w.done:
			if s.workers[w.task.container] != w {
				delete(s.newest, key)
			}
		default:
		}
	}
	left := make(map[string]bool, len(s.refused))
	for _, c := range list {
		if s.refused[c.ID] {
			left[c.ID] = true
		}
	}
	s.refused = left
}

func short(id string) string { return id[:min(len(id), 12)] }
