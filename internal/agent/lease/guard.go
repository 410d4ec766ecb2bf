// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// A ttl of 15 s is renewed every 3 s, and the server killed 12 s after the last
// renewal: it has 3 s to be gone.
const parts = 5

// killPatience bounds the wait for processes that are killed. One that waits for
// a drive that does not answer ends when that does, and writes nothing before.
const killPatience = 5 * time.Second

// guard renews the lease of a server that runs, and kills the server when it
// cannot.
type guard struct {
	held   *held
	ttl    time.Duration
	server *server
	alarm  *alarm
	log    func(string, ...any)

	lost    atomic.Pointer[string] // why the server was killed
	failure atomic.Pointer[error]  // of the last renewal
	stop    chan struct{}
	stopped chan struct{}
}

func newGuard(h *held, ttl time.Duration, s *server, log func(string, ...any)) (*guard, error) {
	a, err := newAlarm(h.began + ttl - ttl/parts)
	if err != nil {
		return nil, err
	}
	g := &guard{held: h, ttl: ttl, server: s, alarm: a, log: log, stop: make(chan struct{}), stopped: make(chan struct{})}
	go g.watch()
	go g.renew()
	return g, nil
}

// renew goes on until it is stopped or the lease is lost.
func (g *guard) renew() {
	defer close(g.stopped)
	interval := g.ttl / parts
	next := time.NewTimer(interval - (uptime() - g.held.began))
	defer next.Stop()
	for {
		select {
		case <-g.stop:
			return
		case <-next.C:
		}
		err := g.held.renew()
		switch {
		case errors.Is(err, errChanged):
			g.giveUp("its lease was taken by somebody else, as this container stood still or did not reach the drive for more than " + g.ttl.String())
			return
		case err != nil:
			if g.failure.Swap(&err) == nil {
				g.log("cannot renew the lease, and tries again: %v", err)
			}
			next.Reset(interval / parts)
			continue
		}
		g.failure.Store(nil)
		if err := g.alarm.set(g.held.began + g.ttl - g.ttl/parts); err != nil {
			g.giveUp(fmt.Sprintf("the end of its lease cannot be watched: %v", err))
			return
		}
		next.Reset(interval)
	}
}

// watch kills the server when the lease was not renewed in time. It depends on
// no call to the drive, which may hang.
func (g *guard) watch() {
	g.alarm.wait()
	why := "it did not run"
	if err := g.failure.Load(); err != nil {
		why = (*err).Error()
	}
	g.giveUp(fmt.Sprintf("its lease was not renewed for %s (%s)", g.ttl-g.ttl/parts, why))
}

// giveUp kills first and talks then: nobody may be listening to the log.
func (g *guard) giveUp(why string) {
	g.lost.CompareAndSwap(nil, &why)
	g.server.kill(killPatience)
}

// end is called when the server has ended. It tells why it was killed, or
// releases the lease; unless something of the server is left, or the drive does
// not answer: then the lease ends by itself.
func (g *guard) end() (lost string) {
	close(g.stop)
	gone := g.server.kill(killPatience)
	if why := g.lost.Load(); why != nil {
		return *why
	}
	released := make(chan error, 1)
	go func() {
		<-g.stopped
		released <- g.held.release()
	}()
	if !gone {
		g.log("processes of the server could not be ended: its lease is left to end by itself")
		return ""
	}
	select {
	case err := <-released:
		if err != nil && !errors.Is(err, os.ErrClosed) {
			g.log("cannot release the lease, which ends by itself in %s: %v", g.ttl, err)
		}
	case <-time.After(killPatience):
		g.log("the drive does not answer: the lease is left to end by itself")
	}
	return ""
}
