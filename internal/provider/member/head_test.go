// SPDX-License-Identifier: MPL-2.0

package member

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		summary  stack.Summary
		replicas int
		want     string
	}{
		{stack.Summary{Replicas: 2, Status: "running"}, 2, "running"},
		{stack.Summary{Replicas: 1, Status: "ready"}, 1, "ready"},
		{stack.Summary{}, 1, StatusNothing},
		{stack.Summary{Replicas: 1, Status: "running"}, 3, "1 of 3 containers"},
		{stack.Summary{Replicas: 3, Status: "running"}, 2, "3 containers instead of 2"},
		{stack.Summary{Replicas: 2, Status: "acme-chat-2 paused"}, 2, "acme-chat-2 paused"},
		{stack.Summary{Replicas: 1, Status: "acme-chat-1 paused"}, 2, "1 of 2 containers; acme-chat-1 paused"},
		{stack.Summary{Status: "acme-chat-1_next left over"}, 1, "0 of 1 containers; acme-chat-1_next left over"},
	} {
		if got := status(tc.summary, tc.replicas); got != tc.want {
			t.Errorf("%+v of %d: %q instead of %q", tc.summary, tc.replicas, got, tc.want)
		}
	}
}

// head is that of a service that runs.
func head() Head {
	return Head{
		ID: types.StringValue("acme/chat"), Portal: types.StringValue("acme"), Name: types.StringValue("chat"),
		Host: types.StringValue("host-1"), Digest: types.StringValue("d1"), Status: types.StringValue("running"),
	}
}

func TestPlan(t *testing.T) {
	service := &stack.Service{Name: "chat", Image: "chat:1"}
	part := &stack.Stack{Owner: "service/chat", Services: map[string]*stack.Service{"chat": service}}
	running, gone := head(), head()
	gone.Observe(deploy.MemberState{}, 1)
	unknown := types.StringUnknown()
	digest := types.StringValue(stack.Digest(service))
	for name, tc := range map[string]struct {
		prior        *Head
		part         *stack.Stack
		host, digest types.String
	}{
		"to be made":                 {nil, part, unknown, digest},
		"to be made, portal unknown": {nil, nil, unknown, unknown},
		"changed":                    {&running, part, types.StringValue("host-1"), digest},
		"changed, portal unknown":    {&running, nil, types.StringValue("host-1"), unknown},
		"nothing of it is left":      {&gone, part, unknown, digest},
	} {
		t.Run(name, func(t *testing.T) {
			h := Head{Portal: types.StringValue("acme"), Name: types.StringValue("chat")}
			h.Plan(stack.MemberService, tc.prior, tc.part)
			want := Head{types.StringValue("acme/chat"), h.Portal, h.Name, tc.host, tc.digest, types.StringValue("running")}
			if h != want {
				t.Errorf("got  %v\nwant %v", h, want)
			}
		})
	}
	nameless := Head{Portal: unknown, Name: types.StringValue("chat")}
	nameless.Plan(stack.MemberTask, nil, nil)
	if !nameless.ID.IsUnknown() || nameless.Status.ValueString() != "ready" {
		t.Errorf("with an unknown portal: %v", nameless)
	}
}

func TestSettleKeepsWhatWasPlanned(t *testing.T) {
	found := deploy.MemberState{Host: "host-2", Summary: stack.Summary{Digest: "d2", Replicas: 1, Status: "acme-chat-1 unhealthy"}}
	h := head()
	h.Settle(found)
	if h != head() {
		t.Errorf("known values changed: %v", h)
	}
	h.Host, h.Digest = types.StringUnknown(), types.StringUnknown()
	h.Settle(found)
	if h.Host.ValueString() != "host-2" || h.Digest.ValueString() != "d2" {
		t.Errorf("unknown values were not filled in: %v", h)
	}
	if got := h.Different(found, 1); len(got) != 1 || !strings.Contains(got[0], "acme-chat-1 unhealthy") {
		t.Errorf("what is wrong is not told: %q", got)
	}
	found.Summary.Status = "running"
	if got := h.Different(found, 1); got != nil {
		t.Errorf("nothing is wrong, and yet: %q", got)
	}
}

func TestObserveKeepsTheHostOfWhatIsGone(t *testing.T) {
	h := head()
	h.Observe(deploy.MemberState{}, 1)
	if !h.Digest.IsNull() || h.Status.ValueString() != StatusNothing || h.Host.ValueString() != "host-1" {
		t.Errorf("got %v", h)
	}
}

func TestIDs(t *testing.T) {
	portal, name, err := ParseID(IDOf("acme", "chat"))
	if portal != "acme" || name != "chat" || err != nil {
		t.Errorf("got %q, %q, %v", portal, name, err)
	}
	for _, wrong := range []string{"", "chat", "/chat", "acme/", "acme/service/chat"} {
		if _, _, err := ParseID(wrong); err == nil || !strings.Contains(err.Error(), `"acme/chat"`) {
			t.Errorf("%q gives %v", wrong, err)
		}
	}
}

func TestTitle(t *testing.T) {
	for kind, want := range map[stack.MemberKind]string{
		stack.MemberService: "service nightly", stack.MemberTask: "task nightly", stack.MemberBackup: "backup schedule nightly",
	} {
		if got := Title(stack.Member{Kind: kind, Name: "nightly"}); got != want {
			t.Errorf("%s: %q", kind, got)
		}
	}
}
