// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
)

// Exec implements engine.Engine: the command runs in each container of a service, on
// managers that are hosts of the pool.
func (e *Engine) Exec(ctx context.Context, portal, service string, command []string, input []byte) (string, error) {
	about := engine.Error{Portal: portal, Container: service}
	what := fmt.Sprintf("run %q in", command)
	state, err := e.listing.recent(ctx, portal)
	if err != nil {
		return "", fail(what, about, err)
	}
	s := state.service(service)
	if s == nil {
		return "", fail(what, about, errGone)
	}
	tasks := state.running(s.ID)
	outputs, errs := make([]string, len(tasks)), make([]error, len(tasks))
	var all sync.WaitGroup
	for i, t := range tasks {
		all.Go(func() { outputs[i], errs[i] = e.execOne(ctx, portal, service, t, state, command, input) })
	}
	all.Wait()
	return strings.Join(outputs, "\n"), errors.Join(errs...)
}

func (e *Engine) execOne(ctx context.Context, portal, service string, t swarm.Task, state *state, command []string, input []byte) (string, error) {
	about := engine.Error{Portal: portal, Container: service}
	what := fmt.Sprintf("run %q in", command)
	h := e.hostOf(ctx, t.NodeID)
	if h == nil {
		about.Remedy = fmt.Sprintf("It runs on the node %s, whose engine the provider cannot ask. Add that manager to the provider's hosts.", state.hosts[t.NodeID])
		return "", fail(what, about, fmt.Errorf("the node %s is not among the provider's hosts, or does not answer", state.hosts[t.NodeID]))
	}
	if t.Status.ContainerStatus == nil {
		return "", fail(what, about, errors.New("it has no container"))
	}
	on, err := e.plain.On(h.Name)
	if err != nil {
		return "", err
	}
	out, err := on.Exec(ctx, portal, t.Status.ContainerStatus.ContainerID, command, input)
	var ran *engine.Error
	if errors.As(err, &ran) {
		ran.Container = service
	}
	return out, err
}
