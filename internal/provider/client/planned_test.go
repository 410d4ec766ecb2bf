// SPDX-License-Identifier: MPL-2.0

package client

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// base is a portal's stack with a load balancer.
func base(portal string) *stack.Stack {
	network := stack.NetworkName(portal, "default")
	return &stack.Stack{
		Portal: portal, Directory: "/srv/portals/" + portal,
		Services: map[string]*stack.Service{"proxy": {
			Name: "proxy", Image: "caddy:2", Replicas: 1, Networks: map[string][]string{network: {"proxy"}},
		}},
		Networks: map[string]stack.Network{network: {Name: network}},
		Ingress:  &stack.Ingress{Service: "proxy", Format: "caddy", File: "config.json"},
	}
}

func service(name string, routes ...stack.Route) stack.Member {
	return stack.Member{Kind: stack.MemberService, Name: name, Image: "chat:1", Routes: routes}
}

func mustSet(t *testing.T, p *Planned, portal string, s *stack.Stack) {
	t.Helper()
	if err := p.SetPortal(portal, s); err != nil {
		t.Fatal(err)
	}
}

func TestPlannedPortals(t *testing.T) {
	var p Planned
	if s, found := p.Portal("acme"); s != nil || found {
		t.Errorf("before: %v, %t", s, found)
	}
	mustSet(t, &p, "acme", nil)
	if s, found := p.Portal("acme"); s != nil || !found {
		t.Errorf("not known: %v, %t", s, found)
	}
	want := base("acme")
	mustSet(t, &p, "acme", want)
	if s, found := p.Portal("acme"); s != want || !found {
		t.Errorf("known: %v, %t", s, found)
	}
	if _, found := p.Portal("globex"); found {
		t.Error("one portal's stack is taken for another's")
	}
}

func TestJoinBesideOthers(t *testing.T) {
	const none = ""
	api := stack.Route{Host: "chat.acme.test", Path: "/api/", Port: 80}
	chat := service("chat", api)
	for name, tc := range map[string]struct {
		portal string
		member stack.Member
		want   string // part of the error
	}{
		"another one":              {"acme", service("wiki", stack.Route{Host: "wiki.acme.test", Port: 80}), none},
		"the same planned again":   {"acme", chat, none},
		"a second one of the name": {"acme", service("chat"), `Two resources of this configuration describe the service "chat"`},
		"a task of the name":       {"acme", stack.Member{Kind: stack.MemberTask, Name: "chat", Image: "chat:1"}, "service/chat"},
		"a name of the blueprint":  {"acme", service("proxy"), "blueprint"},
		"a route of the other":     {"acme", service("wiki", api), "chat.acme.test/api"},
		"another portal":           {"globex", service("chat", api), none},
	} {
		t.Run(name, func(t *testing.T) {
			var p Planned
			if _, err := p.Join(base("acme"), chat); err != nil {
				t.Fatalf("the first one: %v", err)
			}
			part, err := p.Join(base(tc.portal), tc.member)
			switch {
			case tc.want == none && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want == none && part.Services[tc.member.Name] == nil:
				t.Errorf("the part is %+v", part)
			case tc.want != none && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v without %q", err, tc.want)
			}
		})
	}
}

// What was refused is in nobody's way.
func TestJoinForgetsWhatWasRefused(t *testing.T) {
	var p Planned
	route := stack.Route{Host: "wiki.acme.test", Port: 80}
	if _, err := p.Join(base("acme"), service("proxy", route)); err == nil {
		t.Fatal("a name of the blueprint was taken")
	}
	if _, err := p.Join(base("acme"), service("wiki", route)); err != nil {
		t.Error(err)
	}
}

// Of two that claim the same, exactly one is told, whichever comes first.
func TestPlannedAtTheSameTime(t *testing.T) {
	var p Planned
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for i := range 20 {
		wg.Go(func() {
			mustSet(t, &p, "acme", base("acme"))
			p.Portal("acme")
			route := stack.Route{Host: fmt.Sprintf("chat-%d.acme.test", i/2), Port: 80}
			if _, err := p.Join(base("acme"), service(fmt.Sprintf("chat-%d", i), route)); err != nil {
				mu.Lock()
				defer mu.Unlock()
				refused++
			}
		})
	}
	wg.Wait()
	if refused != 10 {
		t.Errorf("%d of 10 pairs were found", refused)
	}
}

func TestClaim(t *testing.T) {
	var p Planned
	for _, tc := range []struct {
		portal, owner string
		want          bool
	}{
		{"acme", "service/chat", true},
		{"acme", "task/chat", true},
		{"globex", "service/chat", true},
		{"acme", "service/chat", false},
	} {
		if got := p.Claim(tc.portal, tc.owner); got != tc.want {
			t.Errorf("%s of %s: %t", tc.owner, tc.portal, got)
		}
	}
}
