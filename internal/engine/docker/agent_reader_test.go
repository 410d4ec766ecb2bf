// SPDX-License-Identifier: MPL-2.0

package docker_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/engine/docker"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// TestAgents runs the real agent, in containers.
func TestAgents(t *testing.T) {
	drive := t.TempDir()
	binary := build(t, "./testdata/agent")
	t.Run("contract", func(t *testing.T) {
		enginetest.RunAgents(t, func(t *testing.T) engine.Engine {
			return open(t, "", docker.Options{StoragePath: drive, AgentBinary: binary})
		})
	})
	waitFor(t, "the agents to be gone", func() bool { return len(agentsOf(t, drive)) == 0 })
}

// The agent that reads the whole drive can read what only its owner may, and can
// write nothing, whatever it tries.
func TestReaderAgentCannotWrite(t *testing.T) {
	drive := t.TempDir()
	e := open(t, "", docker.Options{StoragePath: drive, AgentBinary: buildEcho(t)})
	defer e.Close()
	pipe, err := e.Agent(enginetest.Context(t), "")
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	// The stand-in writes to the drive before it does anything else.
	if got, err := io.ReadAll(pipe); err == nil || !strings.Contains(err.Error(), "read-only file system") {
		t.Errorf("it wrote: %q, %v", got, err)
	}
	if left, err := os.ReadDir(drive); err != nil || len(left) > 0 {
		t.Errorf("on the drive: %v, %v", left, err)
	}
}

func TestReaderAgent(t *testing.T) {
	drive := t.TempDir()
	options := docker.Options{StoragePath: drive, AgentBinary: build(t, "./testdata/agent")}
	overrides := filepath.Join(drive, "acme/overrides")
	for _, err := range []error{
		os.WriteFile(filepath.Join(drive, ".portal-storage"), []byte("0123456789abcdef0123456789abcdef\n"), 0o600),
		os.MkdirAll(overrides, 0o700),
		os.WriteFile(filepath.Join(drive, "acme/portal.json"), []byte(`{"version":1,"portal":"acme","status":"complete"}`), 0o600),
		os.WriteFile(filepath.Join(overrides, "ansible_overrides.yml"), []byte("A: 1\n"), 0o600),
		os.Chown(filepath.Join(drive, "acme/portal.json"), 999, 999),
		os.Chown(filepath.Join(overrides, "ansible_overrides.yml"), 1000, 1000),
		os.Chown(overrides, 1000, 1000),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}

	// One host of the pool answers, and that is enough.
	e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{
		"dal-1": {Endpoint: "unix://" + filepath.Join(t.TempDir(), "nobody.sock")},
		"dal-2": {Endpoint: "unix://" + socket},
	}}, options)
	defer e.Close()
	pipe, err := e.Agent(enginetest.Context(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if pipe.Host != "dal-2" {
		t.Errorf("it runs on host %q", pipe.Host)
	}
	reader, err := storage.OpenReader(enginetest.Context(t), pipe, pipe.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if got, err := reader.Portal(enginetest.Context(t), "acme"); err != nil || string(got.Overrides) != "A: 1\n" || got.Manifest.Status != storage.Complete {
		t.Errorf("got %+v, %v", got, err)
	}

	running := agentsOf(t, drive)
	if len(running) != 1 {
		t.Fatalf("%d agents run", len(running))
	}
	r, err := enginetest.Client(t).ContainerInspect(context.Background(), running[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Mounts) != 1 || r.Mounts[0].RW || !r.HostConfig.ReadonlyRootfs {
		t.Errorf("it may write: %+v", r.Mounts)
	}
	// Engines of some versions put CAP_ before the names.
	if got := r.HostConfig.CapAdd; len(got) != 1 || strings.TrimPrefix(got[0], "CAP_") != "DAC_OVERRIDE" {
		t.Errorf("its capabilities are %v", got)
	}
}

func TestReaderAgentOnNoHost(t *testing.T) {
	e := openPool(t, pool.Config{Hosts: map[string]pool.HostConfig{
		"dal-1": {Endpoint: "unix://" + filepath.Join(t.TempDir(), "nobody.sock")},
		"dal-2": {Endpoint: "tcp://127.0.0.1:1"},
	}}, docker.Options{})
	defer e.Close()
	_, err := e.Agent(enginetest.Context(t), "")
	wantText(t, err, "find a host for the file agent", `host "dal-1"`, `host "dal-2"`, "Is dockerd running")
}
