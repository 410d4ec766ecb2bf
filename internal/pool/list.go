// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/filters"
	"golang.org/x/sync/errgroup"
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

// List returns all containers of the host, sorted by name. It asks the daemon for
// all of them once, for all callers, and afterwards only for those of portals that
// were changed. The result must not be modified.
func (h *Host) List(ctx context.Context) ([]Container, error) {
	for {
		behind, known := h.list.behind()
		if !known {
			if err := h.shareWhole(ctx); err != nil {
				return nil, err
			}
			continue
		}
		for _, portal := range behind {
			if _, err := h.sharePortal(ctx, portal); err != nil {
				return nil, err
			}
		}
		if all, ok := h.list.all(); ok {
			return all, nil
		}
	}
}

// FreshList asks the daemon for everything now, whatever is known, and shares the
// result.
func (h *Host) FreshList(ctx context.Context) ([]Container, error) {
	return h.fetchWhole(ctx)
}

// Portal returns what concerns a portal of the containers of the host: its own,
// and others whose names begin like its names do. It asks the daemon for what is
// not known alone, as List does. The result must not be modified.
func (h *Host) Portal(ctx context.Context, portal string) ([]Container, error) {
	for {
		if list, ok := h.list.portal(portal); ok {
			return list, nil
		}
		if _, known := h.list.all(); known {
			return h.sharePortal(ctx, portal)
		}
		// Others will want theirs: one list for all of them costs less.
		if err := h.shareWhole(ctx); err != nil {
			return nil, err
		}
	}
}

// FreshPortal is Portal, but asks the daemon now, whatever is known; and only for
// what concerns this portal, so that it costs the same however many others there
// are. It shares the result.
func (h *Host) FreshPortal(ctx context.Context, portal string) ([]Container, error) {
	return h.fetchPortal(ctx, portal)
}

// FreshResident is FreshPortal for one host of many, which likely has nothing of the
// portal: if so, one small request tells, and the result is empty whatever else is
// named like the portal's.
func (h *Host) FreshResident(ctx context.Context, portal string) ([]Container, error) {
	own, err := h.Find(ctx, ownedBy(portal))
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		return h.fetchPortal(ctx, portal)
	}
	known, _ := h.list.portal(portal)
	if slices.ContainsFunc(known, func(c Container) bool { return c.Labels[LabelPortal] == portal }) {
		h.ChangedPortal(portal) // by somebody else, who removed them
	}
	return nil, nil
}

// Changed says that this process changed something on the host: what is known of
// it is out of date.
func (h *Host) Changed() { h.list.change("") }

// ChangedPortal says that this process changed something of one portal there.
func (h *Host) ChangedPortal(portal string) { h.list.change(portal) }

// shareWhole is fetchWhole for all that want it at the same time.
func (h *Host) shareWhole(ctx context.Context) error {
	_, err := h.list.flights.do(ctx, "", h.list.lastChange(""), h.fetchWhole)
	return err
}

// sharePortal is fetchPortal for all that want it at the same time.
func (h *Host) sharePortal(ctx context.Context, portal string) ([]Container, error) {
	return h.list.flights.do(ctx, portal, h.list.lastChange(portal), func(ctx context.Context) ([]Container, error) {
		return h.fetchPortal(ctx, portal)
	})
}

// fetchWhole lists all containers, and keeps the list.
func (h *Host) fetchWhole(ctx context.Context) ([]Container, error) {
	now := h.list.now()
	list, err := h.Find(ctx, filters.NewArgs())
	if err != nil {
		return nil, err
	}
	byName(list)
	h.list.keepWhole(list, now)
	return list, nil
}

// fetchPortal lists what concerns a portal, and keeps that: its containers by
// their label, and what is named like them.
func (h *Host) fetchPortal(ctx context.Context, portal string) ([]Container, error) {
	now := h.list.now()
	var own, named []Container
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		own, err = h.Find(gctx, ownedBy(portal))
		return err
	})
	g.Go(func() (err error) {
		named, err = h.Find(gctx, filters.NewArgs(filters.Arg("name", "^/"+regexp.QuoteMeta(portal)+"-")))
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	// One that was made or renamed between the two answers is in one of them.
	list := own
	for _, c := range named {
		if !slices.ContainsFunc(own, func(o Container) bool { return o.ID == c.ID }) {
			list = append(list, c)
		}
	}
	byName(list)
	h.list.keepPortal(portal, list, now)
	return list, nil
}

// ownedBy chooses the containers of a portal.
func ownedBy(portal string) filters.Args {
	return filters.NewArgs(filters.Arg("label", LabelPortal+"="+portal))
}

// Find asks the daemon now for the containers that its filters choose, and shares
// nothing.
func (h *Host) Find(ctx context.Context, wanted filters.Args) ([]Container, error) {
	c, err := h.Client(ctx)
	if err != nil {
		return nil, err
	}
	var list []Container
	err = Retry(ctx, func() error {
		list = []Container{} // not nil, which would be a list that is not known
		shared := sharedText{}
		return h.stream(ctx, c.ClientVersion(), wanted, func(l *listed) { list = append(list, reduce(l, shared)) })
	})
	return list, err
}

func byName(list []Container) {
	slices.SortFunc(list, func(a, b Container) int { return strings.Compare(a.Name, b.Name) })
}

// reduce keeps what is needed of a container.
func reduce(l *listed, shared sharedText) Container {
	c := Container{
		ID: l.ID, Name: properName(l.Names), Image: shared.text(l.Image), ImageID: shared.text(l.ImageID),
		State: shared.text(l.State), Created: time.Unix(l.Created, 0), Labels: shared.labels(l.Labels),
	}
	for name := range l.NetworkSettings.Networks {
		c.Networks = append(c.Networks, shared.text(name))
	}
	for _, p := range l.Ports {
		if p.PublicPort != 0 {
			c.Published = append(c.Published, Published{HostIP: shared.text(p.IP), HostPort: int(p.PublicPort), Protocol: shared.text(p.Type)})
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
