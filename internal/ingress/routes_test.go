// SPDX-License-Identifier: MPL-2.0

package ingress

import (
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// part is a part of a stack with one service.
func part(owner, service string, routes ...stack.Route) *stack.Stack {
	return &stack.Stack{Owner: owner, Services: map[string]*stack.Service{service: {Name: service, Routes: routes, Replicas: 1}}}
}

func TestRoutesOfAllParts(t *testing.T) {
	base := part("", "lms", stack.Route{Host: "learn.acme.com", Path: "/", Port: 8000})
	base.Services["worker"] = &stack.Service{Name: "worker"}
	chat := part("service/chat", "chat", stack.Route{Host: "learn.acme.com", Path: "/chat/", Port: 1}, stack.Route{Host: "chat.acme.com", Path: "/", Port: 1})
	routes, err := Routes(base, chat)
	if err != nil {
		t.Fatal(err)
	}
	want := []Route{
		to("chat", "chat.acme.com", "/", 1, 0), to("lms", "learn.acme.com", "/", 8000, 0), to("chat", "learn.acme.com", "/chat/", 1, 0),
	}
	if !slices.Equal(routes, want) {
		t.Errorf("routes are %v, want %v", routes, want)
	}
	if other, err := Routes(chat, base); err != nil || !slices.Equal(other, routes) {
		t.Errorf("in another order they are %v (%v)", other, err)
	}
	if none, err := Routes(part("", "lms")); err != nil || len(none) != 0 {
		t.Errorf("without routes: %v, %v", none, err)
	}
}

func TestRoutesThatClash(t *testing.T) {
	route := func(host, path string) stack.Route { return stack.Route{Host: host, Path: path, Port: 1} }
	for _, tt := range []struct {
		name  string
		other *stack.Stack
		names []string
	}{
		{"with the blueprint", part("service/chat", "chat", route("learn.acme.com", "/static")), []string{"learn.acme.com/static/", "nginx of the portal's blueprint", "chat of the portal's service/chat"}},
		{"without a path", part("service/chat", "chat", route("learn.acme.com", "/"), route("chat.acme.com", "/")), []string{"learn.acme.com/ ", "chat.acme.com/ ", "nginx", "chat of"}},
		{"within a part", part("service/chat", "chat", route("a.b", "/"), route("a.b", "")), []string{"a.b/ ", "chat of"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := part("", "nginx", route("learn.acme.com", "/static/"), route("learn.acme.com", ""))
			third := part("service/wiki", "wiki", route("chat.acme.com", ""))
			_, err := Routes(base, third, tt.other)
			if err == nil {
				t.Fatal("the clash is not found")
			}
			for _, name := range tt.names {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("want %q in:\n%s", name, err)
				}
			}
			if _, again := Routes(tt.other, third, base); again == nil || again.Error() != err.Error() {
				t.Errorf("in another order the error is\n%v\nand not\n%v", again, err)
			}
		})
	}
}
