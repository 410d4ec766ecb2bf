// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/faultproxy"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// echo stands for the provider's binary: it says its arguments, then repeats
// its input, and writes a file on the drive.
const echo = `package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	fmt.Println(strings.Join(os.Args[1:], " "))
	if err := os.WriteFile("/storage/written", []byte("by the agent"), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := os.Stat("/storage/complain"); err == nil {
		fmt.Fprintln(os.Stderr, "the drive is haunted")
		os.Exit(1)
	}
	io.Copy(os.Stdout, os.Stdin)
}
`

func buildEcho(t *testing.T) string {
	t.Helper()
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte(echo), 0o600); err != nil {
		t.Fatal(err)
	}
	return build(t, source)
}

// build compiles a static program. The image that is made of it goes with the
// test.
func build(t *testing.T, source string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("go", "build", "-o", binary, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Cleanup(func() { removeAgentImage(t, binary) })
	return binary
}

// agentsOf lists the agents' containers that mount a drive.
func agentsOf(t *testing.T, storage string) []container.Summary {
	t.Helper()
	all, err := enginetest.Client(t).ContainerList(context.Background(), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", agent.LabelRole+"="+agent.RoleAgent)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []container.Summary
	for _, c := range all {
		for _, m := range c.Mounts {
			if m.Source == storage {
				out = append(out, c)
			}
		}
	}
	return out
}

// talk opens an agent, has it repeat something, and closes it.
func talk(t *testing.T, e *docker.Engine, storage string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	pipe, err := e.Agent(ctx, "acme")
	cancel() // bounds the start alone
	if err != nil {
		t.Fatal(err)
	}
	// Larger than any buffer on the way.
	message := strings.Repeat("over the pipe and back ", 40_000)
	go func() { _, _ = io.WriteString(pipe, message) }()
	want := strings.Join(agent.FilesCommand("acme", storage), " ") + "\n" + message
	got := make([]byte, len(want))
	if _, err := io.ReadFull(pipe, got); err != nil || string(got) != want {
		t.Errorf("read %d bytes, %v; want the arguments and the message", len(got), err)
	}
	if text, err := os.ReadFile(filepath.Join(storage, "written")); err != nil || string(text) != "by the agent" {
		t.Errorf("on the drive: %q, %v", text, err)
	}
	inspectAgents(t, storage)
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
	waitFor(t, "the agents to be gone", func() bool { return len(agentsOf(t, storage)) == 0 })
}

// inspectAgents checks what the running agents may do.
func inspectAgents(t *testing.T, storage string) {
	t.Helper()
	for _, a := range agentsOf(t, storage) {
		r, err := enginetest.Client(t).ContainerInspect(context.Background(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		h := r.HostConfig
		if h.NetworkMode != "none" || !h.ReadonlyRootfs || !h.AutoRemove || h.LogConfig.Type != "none" ||
			len(h.CapDrop) != 1 || len(h.CapAdd) != len(agent.Capabilities("acme")) || h.Privileged {
			text, _ := json.Marshal(h)
			t.Errorf("the agent's container may too much: %s", text)
		}
	}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestAgent(t *testing.T) {
	storage := t.TempDir()
	e := open(t, "", docker.Options{StoragePath: storage, AgentBinary: buildEcho(t)})
	defer e.Close()
	for range 2 {
		talk(t, e, storage)
	}
	t.Run("its complaint is passed on", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(storage, "complain"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		pipe, err := e.Agent(enginetest.Context(t), "acme")
		if err != nil {
			t.Fatal(err)
		}
		defer pipe.Close()
		if _, err := io.ReadAll(pipe); err == nil || !strings.Contains(err.Error(), "haunted") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAgentSurvivesFaults(t *testing.T) {
	acctest.Long(t)
	binary := buildEcho(t)
	for _, call := range []struct{ method, path string }{
		{"HEAD", `/_ping`},
		{"GET", `/version$`},
		{"GET", `/images/[^/]+/[^/]+/json$`},
		{"POST", `/images/create$`},
		{"POST", `/containers/create$`},
		{"POST", `/attach$`},
		{"POST", `/start$`},
	} {
		for _, fault := range []faultproxy.Fault{faultproxy.Answer500, faultproxy.DropBefore, faultproxy.DropAfter} {
			t.Run(string(fault)+" "+call.path, func(t *testing.T) {
				storage := t.TempDir()
				removeAgentImage(t, binary)
				proxy := faultproxy.New(t, socket)
				proxy.Spoil(faultproxy.Rule{Method: call.method, Path: regexp.MustCompile(call.path), Fault: fault})
				e := open(t, proxy.ListenUnix(t), docker.Options{StoragePath: storage, AgentBinary: binary})
				defer e.Close()
				talk(t, e, storage)
				if proxy.Spoilt() != 1 {
					t.Errorf("spoilt %d calls", proxy.Spoilt())
				}
			})
		}
	}
}

// removeAgentImage removes the image that was made of a binary, if it is there.
func removeAgentImage(t *testing.T, binary string) {
	t.Helper()
	info, err := agent.BinaryInfo(binary)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("docker", "rmi", "-f", "privateportals/agent:"+info.SHA256[:12]).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "No such image") {
		t.Fatalf("docker rmi: %v\n%s", err, out)
	}
}

func TestAgentErrors(t *testing.T) {
	binary := buildEcho(t)
	for _, c := range []struct {
		name    string
		options docker.Options
		want    []string
	}{
		{
			"no such storage path",
			docker.Options{StoragePath: "/srv/d-not-there", AgentBinary: binary},
			[]string{`portal "acme"`, `host "default"`, "/srv/d-not-there", "mkdir -p", "storage.path"},
		},
		{
			"no static binary and no published image",
			docker.Options{AgentBinary: "/usr/bin/docker"},
			[]string{"/usr/bin/docker", "needs libraries"},
		},
		{
			"a published image that cannot be pulled",
			docker.Options{AgentBinary: "/usr/bin/docker", AgentImage: "registry.invalid/agent:1"},
			[]string{"registry.invalid/agent:1", "needs libraries", "load or build"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, "", c.options)
			defer e.Close()
			_, err := e.Agent(enginetest.Context(t), "acme")
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("does not say %q: %v", w, err)
				}
			}
		})
	}
}
