// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"strings"
	"testing"
)

// member is a part of the fixture's stack that belongs to somebody else.
func member() *Stack {
	return &Stack{
		Portal: "acme", Directory: "/srv/portals/acme", Owner: "service/chat",
		Networks: map[string]Network{"acme_default": {Name: "acme_default"}},
		Services: map[string]*Service{"chat": {
			Name: "chat", Image: "chat:1", Replicas: 2, Update: StartFirst,
			Networks:  map[string][]string{"acme_default": nil},
			DependsOn: map[string]Condition{"mysql": Healthy, "migrate": Completed},
		}},
	}
}

func both() Observed {
	o := settled(fixture())
	o.Containers = append(o.Containers, settled(member()).Containers...)
	return o
}

// Each part sees its own containers alone, or it would remove the others'.
func TestPartsLeaveEachOtherAlone(t *testing.T) {
	for _, part := range []*Stack{fixture(), member()} {
		plan, err := Reconcile(part, both())
		if err != nil || !plan.Empty() {
			t.Errorf("owner %q: %v\n%s", part.Owner, err, plan)
		}
	}
}

func TestPartWaitsForAnother(t *testing.T) {
	o := settled(fixture())
	plan, err := Reconcile(member(), o)
	if err != nil || strings.Contains(plan.String(), "mysql") {
		t.Errorf("the database is healthy already: %v\n%s", err, plan)
	}
	o.find("acme-mysql-1").Health = HealthStarting
	plan, err = Reconcile(member(), o)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, plan.String())
}

func TestPartNeedsWhatItDependsOn(t *testing.T) {
	o := settled(fixture())
	o.drop("acme-mysql-1")
	_, err := Reconcile(member(), o)
	if err == nil || !strings.Contains(err.Error(), `"chat" depends on "mysql"`) {
		t.Errorf("got %v", err)
	}
}

func TestPartsDoNotShareNames(t *testing.T) {
	st := fixture()
	st.Services["chat"] = &Service{Name: "chat", Image: "chat:2", Replicas: 1}
	_, err := Reconcile(st, both())
	if err == nil || !strings.Contains(err.Error(), "the portal's service/chat") {
		t.Errorf("got %v", err)
	}
}

// A portal that is destroyed first takes all parts with it: its networks could
// not be removed otherwise.
func TestTeardownTakesAllParts(t *testing.T) {
	plan := Teardown(both())
	if !strings.Contains(plan.String(), "remove acme-chat-2") {
		t.Errorf("the member stays:\n%s", plan)
	}
}
