// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// replicaNames looks replicas up from another container of the stack.
func replicaNames(t *testing.T, e engine.Engine) {
	st := NewStack(t)
	Add(t, st, "client", nil)
	Add(t, st, "web", func(s *stack.Service) { s.Replicas = 2 })
	Up(t, e, st, "client")
	Up(t, e, st, "web")
	second := func(kind stack.Kind, target string) {
		t.Helper()
		op := Op(st, kind, "web", target)
		op.Number, op.Container = 2, stack.ContainerName(st.Portal, st.Services["web"], 2)
		if err := e.Run(Context(t), st, op); err != nil {
			t.Fatal(err)
		}
	}
	second(stack.Create, "")
	second(stack.Start, "")
	own := func(member string) string { return shell(t, e, st, member, "hostname -i") }
	look := func(name string) string { return pinged(t, shell(t, e, st, "client-1", "ping -c 1 "+name)) }
	check := func() {
		t.Helper()
		first, second := own("web-1"), own("web-2")
		if first == second {
			t.Fatalf("both replicas have the address %s", first)
		}
		if a, b := look("web-1"), look("web-2"); a != first || b != second {
			t.Errorf("web-1 leads to %s and web-2 to %s, want %s and %s", a, b, first, second)
		}
		if a := look("web"); a != first && a != second {
			t.Errorf("web leads to %s, want %s or %s", a, first, second)
		}
	}
	check()
	for n := range st.Networks {
		second(stack.Disconnect, n)
		second(stack.Connect, n)
	}
	check()
}

// shell runs a command in a container of a stack, and returns what it wrote.
func shell(t *testing.T, e engine.Engine, st *stack.Stack, member, command string) string {
	t.Helper()
	out, err := e.Exec(Context(t), st.Portal, st.Portal+"-"+member, []string{"sh", "-c", command}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

var pingTarget = regexp.MustCompile(`^PING \S+ \((\S+)\)`)

// pinged is the address that ping says it asks.
func pinged(t *testing.T, output string) string {
	t.Helper()
	m := pingTarget.FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("ping wrote %q", output)
	}
	return m[1]
}
