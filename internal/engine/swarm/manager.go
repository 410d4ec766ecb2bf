// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/client"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// callLimit bounds one call to a manager: one that hangs is given up for another.
const callLimit = 30 * time.Second

// electionLimit is how long the managers may take to agree on a leader, when theirs
// failed. They notice within about 3 seconds, and need longer on busy machines.
const (
	electionLimit = 30 * time.Second
	electionPause = time.Second
)

// errNoManager tells that the hosts answer, and are not what they should be.
var errNoManager = errors.New("none of the provider's hosts is a manager of a Swarm: give the provider the endpoints of managers (docker swarm init, docker node promote)")

// do lets a manager carry out a call, and the next one when it does not answer or
// is no manager any more. While the managers are about to choose another leader it
// asks them again. The call may so be made more than once.
func (e *Engine) do(ctx context.Context, call func(context.Context, *client.Client) error) error {
	election := time.Now().Add(electionLimit)
	for {
		err := e.try(ctx, call)
		if err == nil || !leaderless(err) || time.Now().After(election) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(electionPause):
		}
	}
}

// leaderless tells whether a manager said that there is no leader.
func leaderless(err error) bool { return strings.Contains(err.Error(), "does not have a leader") }

// try asks each manager once, until one has an answer.
func (e *Engine) try(ctx context.Context, call func(context.Context, *client.Client) error) error {
	var failed error
	var tried []*pool.Host
	for len(tried) < len(e.pool.Hosts()) {
		h, c, err := e.find(ctx, tried...)
		if err != nil {
			return errors.Join(failed, err)
		}
		err = bounded(ctx, c, call)
		if err == nil || ctx.Err() != nil || !elsewhere(err) {
			return err
		}
		if failed == nil || !leaderless(failed) {
			failed = fmt.Errorf("manager %s: %w", h.Name, err)
		}
		tried = append(tried, h)
		e.forget(h)
	}
	return failed
}

func bounded(ctx context.Context, c *client.Client, call func(context.Context, *client.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return call(ctx, c)
}

// elsewhere tells whether another manager may do what one could not.
func elsewhere(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || pool.IsUnreachable(err) || client.IsErrConnectionFailed(err) {
		return true
	}
	text := err.Error()
	for _, part := range []string{
		"not a swarm manager", "does not have a leader", "rpc error: code = Unavailable", "rpc error: code = DeadlineExceeded",
		"EOF", "connection reset", "connection refused", "broken pipe",
	} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// find is the manager that answered last or, when it is among the unwanted, the
// first that answers now.
func (e *Engine) find(ctx context.Context, unwanted ...*pool.Host) (*pool.Host, *client.Client, error) {
	e.mu.Lock()
	h := e.manager
	e.mu.Unlock()
	if h == nil || slices.Contains(unwanted, h) {
		var err error
		h, err = e.pool.First(ctx, func(ctx context.Context, h *pool.Host) (bool, error) {
			if slices.Contains(unwanted, h) {
				return false, nil
			}
			return isManager(ctx, h)
		})
		if h == nil && err == nil {
			err = errNoManager
		}
		if err != nil {
			return nil, nil, err
		}
		e.mu.Lock()
		e.manager = h
		e.mu.Unlock()
	}
	c, err := h.Client(ctx)
	return h, c, err
}

// forget lets the next call look for a manager anew.
func (e *Engine) forget(h *pool.Host) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.manager == h {
		e.manager = nil
	}
}

func isManager(ctx context.Context, h *pool.Host) (bool, error) {
	c, err := h.Client(ctx)
	if err != nil {
		return false, err
	}
	info, err := c.Info(ctx)
	return err == nil && info.Swarm.ControlAvailable, err
}

// hostOf is the host of the pool that a node is, nil when it is not among them.
func (e *Engine) hostOf(ctx context.Context, node string) *pool.Host {
	e.mu.Lock()
	name, known := e.nodes[node]
	e.mu.Unlock()
	for _, h := range e.pool.Hosts() {
		if known && h.Name == name {
			return h
		}
	}
	h, _ := e.pool.First(ctx, func(ctx context.Context, h *pool.Host) (bool, error) {
		c, err := h.Client(ctx)
		if err != nil {
			return false, err
		}
		info, err := c.Info(ctx)
		return err == nil && info.Swarm.NodeID == node, err
	})
	if h != nil {
		e.mu.Lock()
		if e.nodes == nil {
			e.nodes = map[string]string{}
		}
		e.nodes[node] = h.Name
		e.mu.Unlock()
	}
	return h
}

// fail completes an error with what was tried and the cause.
func fail(op string, about engine.Error, cause error) error {
	var done *engine.Error
	if errors.As(cause, &done) {
		return cause
	}
	about.Op, about.Host, about.Err = op, Host, plain(cause)
	if about.Remedy == "" && (pool.IsUnreachable(cause) || errors.Is(cause, errNoManager)) {
		about.Remedy = "One manager that answers is enough, as long as most of the Swarm's managers run. Nothing is lost: apply again when one does."
	}
	return &about
}

// plain takes away the client's own phrase before the daemon's reason, and that of
// the managers' own protocol.
func plain(err error) error {
	err = docker.Plain(err)
	if rest, ok := strings.CutPrefix(err.Error(), "rpc error: code = "); ok {
		if _, reason, found := strings.Cut(rest, " desc = "); found {
			return docker.Said(reason, err)
		}
	}
	return err
}
