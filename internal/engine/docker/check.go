// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sort"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Check implements engine.Engine. It finds host ports that other containers
// hold. A port that another process holds shows when the container starts.
func (e *Engine) Check(ctx context.Context, desired *stack.Stack, _ stack.Observed) error {
	if !publishes(desired) {
		return nil
	}
	h, _, err := e.place(ctx, desired.Portal)
	if err != nil {
		return err
	}
	list, err := h.List(ctx)
	if err != nil {
		return fail(h, "list the containers", engine.Error{Portal: desired.Portal}, err)
	}
	names := make([]string, 0, len(desired.Services))
	for n := range desired.Services {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		for _, p := range desired.Services[n].Ports {
			if holder, ok := portHolder(list, desired.Portal, p); ok {
				return fail(h, "publish a port", engine.Error{Portal: desired.Portal, Service: n, Remedy: portRemedy},
					fmt.Errorf("port %d of the host is taken by container %s%s", p.Host, holder.Name, ofPortal(holder)))
			}
		}
	}
	return nil
}

// publishes tells whether a stack wants certain ports of the host.
func publishes(desired *stack.Stack) bool {
	for _, s := range desired.Services {
		if slices.ContainsFunc(s.Ports, func(p stack.Port) bool { return p.Host != 0 }) {
			return true
		}
	}
	return false
}

// portHolder finds the container, not of the portal itself, that holds a
// port of the host.
func portHolder(list []pool.Container, portal string, want stack.Port) (pool.Container, bool) {
	if want.Host == 0 {
		return pool.Container{}, false
	}
	protocol := want.Protocol
	if protocol == "" {
		protocol = "tcp"
	}
	for _, c := range list {
		if c.Labels[pool.LabelPortal] == portal {
			continue
		}
		for _, p := range c.Published {
			if p.HostPort == want.Host && p.Protocol == protocol && sameAddress(p.HostIP, want.HostIP) {
				return c, true
			}
		}
	}
	return pool.Container{}, false
}

// sameAddress tells whether two addresses to listen on collide; none and the
// unspecified ones mean all.
func sameAddress(a, b string) bool {
	return isAll(a) || isAll(b) || a == b
}

func isAll(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	return err != nil || addr.IsUnspecified()
}

func ofPortal(c pool.Container) string {
	if p := c.Labels[pool.LabelPortal]; p != "" {
		return fmt.Sprintf(" of portal %q", p)
	}
	return ""
}
