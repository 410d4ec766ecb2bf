// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// whole are the containers of acctest's small portal.
var whole = []string{"console", "db-1", "load-balancer-1", "migrate", "web-1"}

// bed is a small portal and the directory that Terraform runs in.
type bed struct {
	*acctest.Portal
	tf *acctest.Terraform
}

// newBed prepares a portal on the engine of the environment.
func newBed(t *testing.T) *bed {
	t.Helper()
	acctest.PreCheck(t)
	return bedOf(t, acctest.NewPortal(t))
}

func bedOf(t *testing.T, p *acctest.Portal) *bed {
	t.Helper()
	return &bed{Portal: p, tf: acctest.NewTerraform(t, p.Config(""))}
}

// noChange asserts that a plan is empty.
func (b *bed) noChange(t *testing.T) {
	t.Helper()
	if r := b.tf.Run(t, "plan", "-detailed-exitcode", "-input=false", "-no-color"); r.ExitCode != 0 {
		t.Errorf("the plan is not empty: exit code %d\n%s", r.ExitCode, r.Output)
	}
}

// noneTainted asserts that the next plan replaces and destroys nothing.
func (b *bed) noneTainted(t *testing.T) {
	t.Helper()
	if r := b.tf.Must(t, "plan", "-input=false", "-no-color"); strings.Contains(r.Output, "tainted") || !strings.Contains(r.Output, "0 to destroy") {
		t.Errorf("something is to be replaced:\n%s", r.Output)
	}
}

// has asserts that exactly these containers of the portal are there, on its
// one network, and nothing else was left behind.
func (b *bed) has(t *testing.T, want ...string) {
	t.Helper()
	var names []string
	for _, c := range b.list(t, filters.NewArgs(filters.Arg("name", "^/"+b.Name+"-"))) {
		names = append(names, strings.TrimPrefix(c.Names[0], "/"+b.Name+"-"))
	}
	slices.Sort(names)
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(names, want) {
		t.Errorf("the portal has the containers %v instead of %v", names, want)
	}
	networks, err := b.Docker.NetworkList(enginetest.Context(t), network.ListOptions{
		Filters: filters.NewArgs(filters.Arg("label", pool.LabelPortal+"="+b.Name)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if expected := min(len(want), 1); len(networks) != expected {
		t.Errorf("the portal has %d networks instead of %d", len(networks), expected)
	}
	b.noAgents(t)
}

// noAgents asserts that no file agent of the portal runs any more. One that
// was made and never started is removed by a run a minute later.
func (b *bed) noAgents(t *testing.T) {
	t.Helper()
	// They end a moment after the provider.
	eventually(t, "the end of the file agents of "+b.Name, func() bool { return len(b.agents(t, "running")) == 0 })
}

// agents are the portal's file agents in a state.
func (b *bed) agents(t *testing.T, state string) []container.Summary {
	t.Helper()
	list := b.list(t, filters.NewArgs(filters.Arg("label", agent.LabelRole+"="+agent.RoleAgent), filters.Arg("status", state)))
	return slices.DeleteFunc(list, func(c container.Summary) bool { return !strings.HasSuffix(c.Command, "--portal "+b.Name) })
}

// all are all containers of the engine.
func (b *bed) all(t *testing.T) []container.Summary {
	t.Helper()
	return b.list(t, filters.NewArgs())
}

func (b *bed) list(t *testing.T, f filters.Args) []container.Summary {
	t.Helper()
	list, err := b.Docker.ContainerList(enginetest.Context(t), container.ListOptions{All: true, Filters: f})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// exec runs a shell command in a container of the portal and returns its exit
// code and output.
func (b *bed) exec(t *testing.T, member, script string) (int, string) {
	t.Helper()
	ctx := enginetest.Context(t)
	made, err := b.Docker.ContainerExecCreate(ctx, b.Container(member), container.ExecOptions{
		Cmd: []string{"sh", "-c", script}, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := b.Docker.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var out strings.Builder
	if _, err := stdcopy.StdCopy(&out, &out, conn.Reader); err != nil {
		t.Fatal(err)
	}
	r, err := b.Docker.ContainerExecInspect(ctx, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	return r.ExitCode, strings.TrimSpace(out.String())
}

// read reads a file of the portal's directory.
func (b *bed) read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.Directory(), filepath.Join(path...)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// log is what the database has written, in words.
func (b *bed) log(t *testing.T) string {
	t.Helper()
	return strings.Join(strings.Fields(b.read(t, "data", "db", "log")), " ")
}

// untouched asserts that all containers but the given ones have run on.
func (b *bed) untouched(t *testing.T, before map[string]string, but ...string) {
	t.Helper()
	now := b.Started(t)
	for name, since := range before {
		if now[name] != since && !slices.Contains(but, strings.TrimPrefix(name, b.Name+"-")) {
			t.Errorf("%s was restarted", name)
		}
	}
}

// says asserts that an error's text has all the parts. Terraform breaks lines
// and draws a border, so only the words count.
func says(t *testing.T, r acctest.Result, parts ...string) {
	t.Helper()
	text := words(r.Output)
	for _, part := range parts {
		if !strings.Contains(text, words(part)) {
			t.Errorf("the error does not say %q:\n%s", part, r.Output)
		}
	}
}

var border = regexp.MustCompile(`[\s│╷╵]+`)

func words(text string) string { return border.ReplaceAllString(text, " ") }

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// tree is what a directory holds: by path, the mode, owner and content.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// Leases are renewed all the time, and the program that does it is shared.
		if entry.IsDir() && (entry.Name() == "leases" || entry.Name() == ".portal-agent") {
			return fs.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		about := fmt.Sprintf("%v %d", info.Mode(), info.Sys().(*syscall.Stat_t).Uid)
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			about += " " + string(text)
		}
		found[strings.TrimPrefix(path, root)] = about
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// same asserts that a directory is as it was.
func same(t *testing.T, root string, before map[string]string) {
	t.Helper()
	if now := tree(t, root); !maps.Equal(now, before) {
		t.Errorf("%s was touched:\n%v\nbefore:\n%v", root, now, before)
	}
}
