// SPDX-License-Identifier: MPL-2.0

package client

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
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
	if s, found, err := p.Portal("acme"); s != nil || found || err != nil {
		t.Errorf("before: %v, %t", s, found)
	}
	mustSet(t, &p, "acme", nil)
	if s, found, err := p.Portal("acme"); s != nil || !found || err != nil {
		t.Errorf("not known: %v, %t", s, found)
	}
	want := base("acme")
	mustSet(t, &p, "acme", want)
	if s, found, err := p.Portal("acme"); !reflect.DeepEqual(s, want) || !found || err != nil {
		t.Errorf("known: %v, %t, %v", s, found, err)
	}
	if _, found, _ := p.Portal("globex"); found {
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
			_, _, _ = p.Portal("acme")
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

// A plan of many portals keeps a tenth of their stacks, and each portal is
// compared with those alone that claim the same.
func TestPlannedPortalsTakeLittleRoom(t *testing.T) {
	images := map[string]string{}
	for _, role := range []string{
		"edxapp", "elasticsearch", "forum", "load-balancer", "mailer", "memcached", "mongo", "mysql", "nginx", "ops", "rabbitmq", "redis",
	} {
		images[role] = role + ":1"
	}
	s, err := blueprint.Build(t.Context(), stack.Spec{Name: "acme", Domain: "acme.example.com", StudioDomain: "studio.acme.example.com", Images: images}, blueprint.Options{StoragePath: "/srv/portals"})
	if err != nil {
		t.Fatal(err)
	}
	var p Planned
	mustSet(t, &p, "acme", s)
	if n := len(p.portals["acme"].stack); n > 16<<10 {
		t.Errorf("a planned portal takes %d bytes", n)
	}
	got, _, err := p.Portal("acme")
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range s.Services {
		if stack.Digest(got.Services[name]) != stack.Digest(service) {
			t.Errorf("%s has another digest when it is read again", name)
		}
	}
	s.Files, got.Files = nil, nil
	was, _ := json.Marshal(s)
	if is, _ := json.Marshal(got); string(is) != string(was) {
		t.Errorf("read again:\n%s\nplanned:\n%s", is, was)
	}
}

func BenchmarkPlannedHostnames(b *testing.B) {
	for _, portals := range []int{100, 1000} {
		b.Run(fmt.Sprint(portals), func(b *testing.B) {
			for b.Loop() {
				var p Planned
				for i := range portals {
					name := fmt.Sprintf("portal-%d", i)
					if err := p.SetPortal(name, behind(name, "front", name+".test", "www."+name+".test")); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*portals), "µs/portal")
		})
	}
}
