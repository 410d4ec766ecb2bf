// SPDX-License-Identifier: MPL-2.0

// Package pool is the set of Docker hosts that portals run on: how each is
// reached, what it lists, what happens on it, and which one a portal gets.
package pool

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// Config is what a user says of the pool.
type Config struct {
	// Hosts by name. None means one host, called DefaultHost, that the
	// environment names as it does for the docker command: DOCKER_HOST, the
	// current docker context, or the local socket.
	Hosts map[string]HostConfig
	// Address of the host that the environment names, as HostConfig.Address.
	Address string
	// Registries holds credentials by registry host ("ghcr.io"). Registries
	// that are not here are looked up in Docker's own configuration file.
	Registries map[string]RegistryAuth
}

// HostConfig says how one Docker Engine is reached.
type HostConfig struct {
	// Endpoint is a unix://, tcp:// or ssh:// address.
	Endpoint string
	// Address is the IP address or hostname under which visitors and other
	// hosts reach the host. Empty means the host part of a tcp:// or
	// ssh:// endpoint.
	Address string
	// TLS is nil for a plain connection.
	TLS *TLS
	// SSH is nil where an ssh:// endpoint needs no more than the environment has.
	SSH *SSH
	// Labels describe the host for placement.
	Labels map[string]string
}

// TLS holds PEM texts. CA may be empty: the system's authorities are trusted
// then. Cert and Key are both there or both empty.
type TLS struct {
	CA, Cert, Key string
}

// DefaultHost is the name of the host that the environment gives.
const DefaultHost = "default"

// Pool is a set of Docker hosts. It is safe for concurrent use.
type Pool struct {
	hosts      []*Host // sorted by name
	registries registries
	view       bool // the hosts belong to another pool
	// homes are the hosts, by portal, that portals were seen on in this run.
	homes sync.Map
}

var hostNameRE = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// New validates cfg. It reads local files at most and never the network: a
// host is dialled when it is first used. The error names every attribute that
// is wrong.
func New(cfg Config) (*Pool, error) {
	hosts := cfg.Hosts
	if len(hosts) == 0 {
		h, err := environmentHost()
		if err != nil {
			return nil, err
		}
		h.Address = cfg.Address
		hosts = map[string]HostConfig{DefaultHost: h}
	}

	p := &Pool{}
	var problems []error
	for name, hc := range hosts {
		if !hostNameRE.MatchString(name) {
			problems = append(problems, fmt.Errorf("hosts: %q is not a valid host name: use letters, digits, '.', '_' and '-'", name))
			continue
		}
		h, err := newHost(name, hc)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		p.hosts = append(p.hosts, h)
	}
	sort.Slice(p.hosts, func(i, j int) bool { return p.hosts[i].Name < p.hosts[j].Name })

	var err error
	if p.registries, err = newRegistries(cfg.Registries); err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		sort.Slice(problems, func(i, j int) bool { return problems[i].Error() < problems[j].Error() })
		return nil, errors.Join(problems...)
	}
	return p, nil
}

// Hosts lists the hosts, sorted by name.
func (p *Pool) Hosts() []*Host { return p.hosts }

// On is a view of the pool with one host alone. It shares the host with p, its
// connections and what is known of it; closing it closes nothing.
func (p *Pool) On(host string) (*Pool, error) {
	names := make([]string, len(p.hosts))
	for i, h := range p.hosts {
		if h.Name == host {
			return &Pool{hosts: []*Host{h}, registries: p.registries, view: true}, nil
		}
		names[i] = strconv.Quote(h.Name)
	}
	return nil, fmt.Errorf("the provider has no host %q: its hosts are %s", host, strings.Join(names, ", "))
}

// Place says which host a portal runs on: the one that has its containers,
// otherwise the one with the most memory that is not reserved yet. A portal
// whose last container has just been removed is where it was, also when other
// hosts do not answer.
func (p *Pool) Place(ctx context.Context, portal string) (*Host, error) {
	if len(p.hosts) == 1 {
		return p.hosts[0], nil
	}
	h, err := p.Home(ctx, portal, (*Host).List)
	if err != nil {
		if home, ok := p.homes.Load(portal); ok && ctx.Err() == nil {
			h, _ = home.(*Host)
			return h, nil
		}
		return nil, err
	}
	if h != nil {
		return h, nil
	}
	return p.roomiest(ctx)
}

// Home finds the host that has a portal's containers, nil when none has. How
// it asks for a host's containers is List or FreshList.
func (p *Pool) Home(ctx context.Context, portal string, list func(*Host, context.Context) ([]Container, error)) (*Host, error) {
	h, err := p.First(ctx, func(ctx context.Context, h *Host) (bool, error) {
		all, err := list(h, ctx)
		return slices.ContainsFunc(all, func(c Container) bool { return c.Labels[LabelPortal] == portal }), err
	})
	if h != nil {
		p.homes.Store(portal, h)
	}
	return h, err
}

// First asks all hosts at once for something that one of them has, and does not
// wait for others when it is found: one that is down costs the rest nothing.
// When nothing is found, a host that did not answer is an error: never assume
// that it does not have it.
func (p *Pool) First(ctx context.Context, has func(context.Context, *Host) (bool, error)) (*Host, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		host *Host
		has  bool
		err  error
	}
	answers := make(chan answer, len(p.hosts))
	for _, h := range p.hosts {
		go func() {
			has, err := has(ctx, h)
			answers <- answer{h, has, err}
		}()
	}
	var failed answer
	for range p.hosts {
		a := <-answers
		switch {
		case a.err == nil && a.has:
			return a.host, nil
		case a.err != nil && (failed.err == nil || a.host.Name < failed.host.Name):
			failed = a
		}
	}
	return nil, failed.err
}

// roomiest picks the host with the most free memory, the first by name among
// equals.
func (p *Pool) roomiest(ctx context.Context) (*Host, error) {
	var best *Host
	var bestFree int64
	for _, h := range p.hosts {
		free, err := h.freeMemory(ctx)
		if err != nil {
			return nil, err
		}
		if best == nil || free > bestFree {
			best, bestFree = h, free
		}
	}
	return best, nil
}

// Close releases all connections.
func (p *Pool) Close() {
	if p.view {
		return
	}
	for _, h := range p.hosts {
		h.close()
	}
}
