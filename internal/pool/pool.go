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
	"time"
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
	// Drain says that nothing new is to be placed on the host.
	Drain bool
	// GivenUp says that the host is known to be dead for good: it is not part of
	// the pool, and what ran there may be started elsewhere without asking it.
	GivenUp bool
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
	givenUp    map[string]bool
	// settled are the hosts, by portal, that portals are to be on; homes are those
	// that they were seen on in this run.
	settled, homes sync.Map
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

	p := &Pool{givenUp: map[string]bool{}}
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
		if hc.GivenUp {
			p.givenUp[name] = true
			continue
		}
		p.hosts = append(p.hosts, h)
	}
	if len(p.hosts) == 0 && len(problems) == 0 {
		problems = append(problems, errors.New("hosts: all of them are given up by force_move: add a host that portals can run on"))
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

// GivenUp tells whether a host is known to be dead for good.
func (p *Pool) GivenUp(host string) bool { return p.givenUp[host] }

// On is a view of the pool with one host alone. It shares the host with p, its
// connections and what is known of it; closing it closes nothing.
func (p *Pool) On(host string) (*Pool, error) {
	h, err := p.host(host)
	if err != nil {
		return nil, err
	}
	return &Pool{hosts: []*Host{h}, registries: p.registries, view: true}, nil
}

// host finds a host by its name.
func (p *Pool) host(name string) (*Host, error) {
	names := make([]string, len(p.hosts))
	for i, h := range p.hosts {
		if h.Name == name {
			return h, nil
		}
		names[i] = strconv.Quote(h.Name)
	}
	return nil, fmt.Errorf("the provider has no host %q: its hosts are %s", name, strings.Join(names, ", "))
}

// Settle says which host a portal is to be on: what is done for it from now on is
// done there.
func (p *Pool) Settle(portal, host string) error {
	h, err := p.host(host)
	if err == nil {
		p.settled.Store(portal, h)
	}
	return err
}

// Settled is the host that a portal is to be on, nil when nobody said so.
func (p *Pool) Settled(portal string) *Host {
	v, _ := p.settled.Load(portal)
	h, _ := v.(*Host)
	return h
}

// Seen notes on which host a portal was found.
func (p *Pool) Seen(portal, host string) error {
	h, err := p.host(host)
	if err == nil {
		p.homes.Store(portal, h)
	}
	return err
}

// Place is the host that a portal is settled on; otherwise the one that has its
// containers, or had them when it was looked at last; otherwise the first one
// that answers.
func (p *Pool) Place(ctx context.Context, portal string) (*Host, error) {
	if len(p.hosts) == 1 {
		return p.hosts[0], nil
	}
	if h := p.Settled(portal); h != nil {
		return h, nil
	}
	if v, ok := p.homes.Load(portal); ok {
		h, _ := v.(*Host)
		return h, nil
	}
	homes, _, err := p.Homes(ctx, portal, func(h *Host, ctx context.Context) ([]Container, error) { return h.Portal(ctx, portal) })
	if err != nil {
		return nil, err
	}
	if len(homes) > 0 {
		p.homes.Store(portal, homes[0])
		return homes[0], nil
	}
	return p.First(ctx, func(ctx context.Context, h *Host) (bool, error) {
		_, err := h.Client(ctx)
		return err == nil, err
	})
}

// Homes finds all hosts that have containers of a portal, sorted by name: one at
// most, but for a move that was cut off, and for a host that came back. How it
// asks for a host's containers is Portal or FreshPortal.
//
// The host that the portal is settled on must answer. Once it has, or another has
// what is looked for, the rest is waited for a moment only, so that a host that
// is down costs next to nothing: silent are those that had not answered by then.
// When nobody has it and it is not settled, one silent host is an error: never
// assume that it does not have it.
func (p *Pool) Homes(ctx context.Context, portal string, list func(*Host, context.Context) ([]Container, error)) (homes, silent []*Host, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	settled := p.Settled(portal)
	answers := p.ask(ctx, func(ctx context.Context, h *Host) (bool, error) {
		all, err := list(h, ctx)
		return slices.ContainsFunc(all, func(c Container) bool { return c.Labels[LabelPortal] == portal }), err
	})
	heard := map[*Host]bool{}
	var failed answer
	var over <-chan time.Time
	for waiting := len(p.hosts); waiting > 0; waiting-- {
		var a answer
		select {
		case a = <-answers:
		case <-over:
			waiting = 0
			continue
		}
		if a.err != nil {
			if a.host == settled {
				return nil, nil, a.err
			}
			failed = failed.or(a)
			continue
		}
		heard[a.host] = true
		if a.has {
			homes = append(homes, a.host)
		}
		if over == nil && (heard[settled] || settled == nil && len(homes) > 0) {
			over = time.After(grace)
		}
	}
	if len(homes) == 0 && settled == nil && failed.err != nil {
		return nil, nil, failed.err
	}
	byName := func(a, b *Host) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(homes, byName)
	for _, h := range p.hosts {
		if !heard[h] {
			silent = append(silent, h)
		}
	}
	return homes, silent, nil
}

// First asks all hosts at once for something that one of them has, and does not
// wait for others when it is found: one that is down costs the rest nothing.
// When nothing is found, a host that did not answer is an error: never assume
// that it does not have it.
func (p *Pool) First(ctx context.Context, has func(context.Context, *Host) (bool, error)) (*Host, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := p.ask(ctx, has)
	var failed answer
	for range p.hosts {
		a := <-answers
		if a.err == nil && a.has {
			return a.host, nil
		}
		failed = failed.or(a)
	}
	return nil, failed.err
}

// grace is how long others are waited for once those have answered that matter.
const grace = time.Second

// answer of one host.
type answer struct {
	host *Host
	has  bool
	err  error
}

// or is the failure to tell of: that of the first host by name.
func (a answer) or(b answer) answer {
	if b.err != nil && (a.err == nil || b.host.Name < a.host.Name) {
		return b
	}
	return a
}

// ask asks all hosts at once.
func (p *Pool) ask(ctx context.Context, has func(context.Context, *Host) (bool, error)) <-chan answer {
	answers := make(chan answer, len(p.hosts))
	for _, h := range p.hosts {
		go func() {
			has, err := has(ctx, h)
			answers <- answer{h, has, err}
		}()
	}
	return answers
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
