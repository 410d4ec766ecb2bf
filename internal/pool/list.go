// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/singleflight"
)

// Container is what a list of a host's containers says of one: little, as
// there may be thousands.
type Container struct {
	ID   string
	Name string
	// Image is the reference that the container was made from, or the bare
	// ImageID when that reference names another image by now, or none.
	Image, ImageID string
	// State in Docker's words: "running", "exited", …
	State   string
	Created time.Time
	// Labels that this program knows; the others are left out.
	Labels   map[string]string
	Networks []string
	// Published ports; a container that is not running has none.
	Published []Published
}

// Published is a port of the host that leads to a container.
type Published struct {
	HostIP   string
	HostPort int
	Protocol string
}

// sharedList keeps the last list of a host's containers until something
// changes there.
type sharedList struct {
	mu         sync.Mutex
	generation uint64 // counts changes
	valid      bool
	containers []Container
	flight     singleflight.Group
}

// List returns all containers of the host. It asks the daemon once, for all
// callers, and again only after Changed. The result must not be modified.
func (h *Host) List(ctx context.Context) ([]Container, error) {
	l := &h.list
	l.mu.Lock()
	if l.valid {
		defer l.mu.Unlock()
		return l.containers, nil
	}
	generation := l.generation
	l.mu.Unlock()

	// A caller that gives up does not take the list away from the others.
	ch := l.flight.DoChan(strconv.FormatUint(generation, 10), func() (any, error) {
		return h.fetchList(context.WithoutCancel(ctx), generation)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-ch:
		if r.Err != nil {
			return nil, r.Err
		}
		list, _ := r.Val.([]Container)
		return list, nil
	}
}

// FreshList asks the daemon now, whatever is known, and shares the result.
func (h *Host) FreshList(ctx context.Context) ([]Container, error) {
	h.list.mu.Lock()
	generation := h.list.generation
	h.list.mu.Unlock()
	return h.fetchList(ctx, generation)
}

// Changed says that this process changed something on the host: the shared
// list is out of date.
func (h *Host) Changed() {
	h.list.mu.Lock()
	defer h.list.mu.Unlock()
	h.list.generation++
	h.list.valid = false
	h.list.containers = nil
}

// fetchList lists the containers, and shares the list unless something changed
// since generation.
func (h *Host) fetchList(ctx context.Context, generation uint64) ([]Container, error) {
	c, err := h.Client(ctx)
	if err != nil {
		return nil, err
	}
	var raw []container.Summary
	err = Retry(ctx, func() error {
		raw, err = c.ContainerList(ctx, container.ListOptions{All: true})
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]Container, len(raw))
	for i := range raw {
		list[i] = reduce(&raw[i])
	}

	h.list.mu.Lock()
	defer h.list.mu.Unlock()
	if h.list.generation == generation {
		h.list.valid, h.list.containers = true, list
	}
	return list, nil
}

// reduce keeps what is needed of a container.
func reduce(s *container.Summary) Container {
	c := Container{
		ID: s.ID, Name: properName(s.Names), Image: s.Image, ImageID: s.ImageID,
		State: s.State, Created: time.Unix(s.Created, 0),
	}
	for _, key := range keptLabels {
		if v, ok := s.Labels[key]; ok {
			if c.Labels == nil {
				c.Labels = make(map[string]string, len(keptLabels))
			}
			c.Labels[key] = v
		}
	}
	if s.NetworkSettings != nil {
		for name := range s.NetworkSettings.Networks {
			c.Networks = append(c.Networks, name)
		}
	}
	for _, p := range s.Ports {
		if p.PublicPort != 0 {
			c.Published = append(c.Published, Published{HostIP: p.IP, HostPort: int(p.PublicPort), Protocol: p.Type})
		}
	}
	return c
}

// properName picks the container's own name: names with a second slash are
// links that others made to it.
func properName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}
