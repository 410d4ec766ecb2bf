// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"
)

// sharedList is what is known of a host's containers. The changes that this
// process makes are counted, and each answer of the daemon is kept with the count
// at which it was asked for: so what it says of a portal is out of date when
// the last change of that portal has a higher count. Portals that nobody changed
// are not asked for again, however much happens to others.
type sharedList struct {
	flights flights

	mu         sync.Mutex
	count      uint64            // of changes
	everything uint64            // the last change that may have been of anything
	changes    map[string]uint64 // the last change of each portal

	whole []Container       // sorted by name; nil until it is known
	asked map[string]uint64 // when a portal was asked for, if not with the whole
	since uint64            // when the whole was asked for
	own   map[string][]int  // where a portal's containers are in whole; nil until wanted
	// alone has what was heard of portals while the whole is not known.
	alone map[string]heard
}

// heard is what the daemon said of one portal.
type heard struct {
	list  []Container
	asked uint64
}

// now is the count of changes, to be taken before the daemon is asked.
func (l *sharedList) now() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// change notes a change of one portal, or of anything if that is empty.
func (l *sharedList) change(portal string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if portal != "" {
		if l.changes == nil {
			l.changes = map[string]uint64{}
		}
		l.changes[portal] = l.count
		return
	}
	l.everything = l.count
	l.forget()
}

func (l *sharedList) forget() { l.whole, l.asked, l.own, l.alone = nil, nil, nil, nil }

// changed is the last change that concerned a portal; without one, the last that
// may have been of anything. The caller holds the lock.
func (l *sharedList) changed(portal string) uint64 {
	return max(l.changes[portal], l.everything)
}

// lastChange is changed for those that do not hold the lock.
func (l *sharedList) lastChange(portal string) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed(portal)
}

// keepWhole takes over a whole list that was asked for at a count.
func (l *sharedList) keepWhole(list []Container, asked uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if asked < l.everything || l.whole != nil && asked < l.since {
		return
	}
	alone := l.alone
	l.forget()
	l.whole, l.since = list, asked
	for portal, h := range alone {
		if h.asked > asked {
			l.merge(portal, h.list, h.asked)
		}
	}
}

// keepPortal takes over what concerns a portal.
func (l *sharedList) keepPortal(portal string, list []Container, asked uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case asked < l.changed(portal):
	case l.whole != nil:
		l.merge(portal, list, asked)
	case l.alone[portal].asked <= asked:
		if l.alone == nil {
			l.alone = map[string]heard{}
		}
		l.alone[portal] = heard{list, asked}
	}
}

// merge puts what concerns a portal in the place of what the whole list has of
// it. The caller holds the lock.
func (l *sharedList) merge(portal string, list []Container, asked uint64) {
	if asked < max(l.since, l.asked[portal]) {
		return
	}
	// A new list: callers read the old one.
	whole := make([]Container, 0, len(l.whole)+len(list))
	for _, c := range l.whole {
		if !concerns(portal, c) {
			whole = append(whole, c)
		}
	}
	whole = append(whole, list...)
	byName(whole)
	if l.asked == nil {
		l.asked = map[string]uint64{}
	}
	l.whole, l.own, l.asked[portal] = whole, nil, asked
}

// concerns tells whether a container is a portal's, or is named like one of its.
func concerns(portal string, c Container) bool {
	return c.Labels[LabelPortal] == portal || strings.HasPrefix(c.Name, portal+"-")
}

// behind names the portals that changed since the whole list has them; known is
// false without a list.
func (l *sharedList) behind() (portals []string, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for portal, change := range l.changes {
		if change > max(l.since, l.asked[portal]) {
			portals = append(portals, portal)
		}
	}
	return portals, l.whole != nil
}

// all is the whole list, if there is one.
func (l *sharedList) all() ([]Container, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.whole, l.whole != nil
}

// portal is what concerns a portal, if that is known.
func (l *sharedList) portal(portal string) ([]Container, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.whole == nil {
		h, ok := l.alone[portal]
		return h.list, ok && h.asked >= l.changed(portal)
	}
	if max(l.since, l.asked[portal]) < l.changed(portal) {
		return nil, false
	}
	if l.own == nil {
		l.own = map[string][]int{}
		for i, c := range l.whole {
			p := c.Labels[LabelPortal]
			l.own[p] = append(l.own[p], i)
		}
	}
	picked := map[int]bool{}
	for _, i := range l.own[portal] {
		picked[i] = true
	}
	first := sort.Search(len(l.whole), func(i int) bool { return l.whole[i].Name >= portal+"-" })
	for i := first; i < len(l.whole) && strings.HasPrefix(l.whole[i].Name, portal+"-"); i++ {
		picked[i] = true
	}
	out := make([]Container, 0, len(picked))
	for _, i := range slices.Sorted(maps.Keys(picked)) {
		out = append(out, l.whole[i])
	}
	return out, true
}

// flights let callers that want the same share one question to the daemon.
type flights struct{ group singleflight.Group }

// do calls fetch for all callers that name the same portal and change. A caller
// that gives up does not take the answer away from the others.
func (f *flights) do(ctx context.Context, portal string, change uint64, fetch func(context.Context) ([]Container, error)) ([]Container, error) {
	ch := f.group.DoChan(strconv.FormatUint(change, 10)+" "+portal, func() (any, error) {
		return fetch(context.WithoutCancel(ctx))
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-ch:
		list, _ := r.Val.([]Container)
		return list, r.Err
	}
}
