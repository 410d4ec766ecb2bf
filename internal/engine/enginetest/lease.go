// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// leaseUser is an unprivileged user of the containers.
const leaseUser = 1000

// RunLeases checks that of two containers with one lease, of portals that do not
// know each other, one starts its program at a time. program is the agent's.
func RunLeases(t *testing.T, e engine.Engine, program string) {
	lease := filepath.Join(sharedDir(t), "lease")
	if err := os.Mkdir(lease, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(lease, leaseUser, leaseUser); err != nil {
		t.Fatal(err)
	}
	first, second := leased(t, lease, program), leased(t, lease, program)
	Up(t, e, first, "db")
	logged(t, e, first, "started as 1000 in /tmp")
	before := observeOne(t, e, first.Portal)
	if before.Digest != stack.Digest(first.Services["db"]) || before.Settings != before.IntendedSettings {
		t.Errorf("observed %+v", before)
	}

	// An earlier attempt's container is adopted, also after an update of the
	// provider: the program's place is no part of it.
	updated := *first
	updated.AgentPath = program + "-2"
	if err := os.Link(program, updated.AgentPath); err != nil {
		t.Fatal(err)
	}
	Do(t, e, &updated, stack.Create, "db", "")
	if after := observeOne(t, e, first.Portal); after.ID != before.ID || !after.StartedAt.Equal(before.StartedAt) {
		t.Error("an update of the provider made the container anew")
	}

	Up(t, e, second, "db")
	logged(t, e, second, "in use by container \""+before.ID[:12]+"\" on host \""+hostOf(t, e, first.Portal)+"\"")
	if log := logOf(t, e, second); strings.Contains(log, "started") {
		t.Fatalf("both run:\n%s", log)
	}
	Do(t, e, first, stack.Stop, "db", "")
	logged(t, e, second, "started as 1000 in /tmp")
	if c := observeOne(t, e, first.Portal); c.ExitCode != 0 {
		t.Errorf("the first one ended with %d", c.ExitCode)
	}
}

// leased is a stack with one service, whose program says that it was started.
func leased(t *testing.T, lease, program string) *stack.Stack {
	st := NewStack(t)
	st.AgentPath = program
	Add(t, st, "db", func(s *stack.Service) {
		s.User, s.WorkingDir = "1000:1000", "/tmp"
		s.CapDrop, s.SecurityOpt, s.ReadOnly = []string{"ALL"}, []string{"no-new-privileges:true"}, true
		s.Command = []string{"sh", "-c", "trap 'exit 0' TERM; echo started as $(id -u) in $(pwd); while :; do sleep 0.1; done"}
		s.Lease = lease
	})
	return st
}

// sharedDir is a directory that users of containers can reach.
func sharedDir(t *testing.T) string {
	t.Helper()
	d := t.TempDir()
	for _, p := range []string{d, filepath.Dir(d)} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func hostOf(t *testing.T, e engine.Engine, portal string) string {
	t.Helper()
	o, err := e.Observe(Context(t), portal)
	if err != nil {
		t.Fatal(err)
	}
	return o.Host
}

func logOf(t *testing.T, e engine.Engine, st *stack.Stack) string {
	t.Helper()
	log, err := e.Logs(Context(t), st.Portal+"-db-1", 50)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// logged waits until a stack's service has written something.
func logged(t *testing.T, e engine.Engine, st *stack.Stack, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(logOf(t, e, st), text); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not say %q but:\n%s", st.Portal, text, logOf(t, e, st))
		}
	}
}
