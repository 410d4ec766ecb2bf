// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

//go:embed blueprint/compose.yaml
var blueprint embed.FS

// Portal is a portal for one test. What is made of it is removed when the test
// ends; if the test failed, the logs of its containers are shown before.
type Portal struct {
	Name string
	// Storage is the path of the shared drive, Blueprint that of a copy of the
	// small blueprint which the test may edit.
	Storage, Blueprint string
	// Docker is a client of the engine that the portal runs on.
	Docker *client.Client
	// endpoint of the engine; empty for the environment's.
	endpoint string
}

// NewPortal prepares a portal on the engine that the environment names.
func NewPortal(t *testing.T) *Portal {
	t.Helper()
	return newPortal(t, enginetest.Client(t), "")
}

func newPortal(t *testing.T, docker *client.Client, endpoint string) *Portal {
	t.Helper()
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		t.Fatal(err)
	}
	p := &Portal{
		Name:      "acc-" + hex.EncodeToString(random[:]),
		Storage:   t.TempDir(),
		Blueprint: t.TempDir(),
		Docker:    docker,
		endpoint:  endpoint,
	}
	text, err := blueprint.ReadFile("blueprint/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.Blueprint, "compose.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cleanUp(t) })
	return p
}

// EditBlueprint replaces a text in the blueprint, which must be there.
func (p *Portal) EditBlueprint(t *testing.T, old, now string) {
	t.Helper()
	file := filepath.Join(p.Blueprint, "compose.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("the blueprint has no %q", old)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(old), []byte(now)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Config is a configuration with the portal as portal.acc. More attributes are
// put into it.
func (p *Portal) Config(more string) string {
	return p.ProviderConfig() + fmt.Sprintf(`
resource "portal" "acc" {
  name      = %q
  domain    = "learn.%s.test"
  blueprint = %q
  %s
}
`, p.Name, p.Name, p.Blueprint, more)
}

// ProviderConfig is the provider block alone.
func (p *Portal) ProviderConfig() string {
	hosts := ""
	if p.endpoint != "" {
		hosts = fmt.Sprintf("hosts = { test = { endpoint = %q } }", p.endpoint)
	}
	return fmt.Sprintf(`
provider "portal" {
  storage = { path = %q }
  %s
}
`, p.Storage, hosts)
}

// Container is the name of one of the portal's containers: "web-1".
func (p *Portal) Container(member string) string { return p.Name + "-" + member }

// Directory is the portal's directory on the drive.
func (p *Portal) Directory() string { return filepath.Join(p.Storage, p.Name) }

// Inspect looks at one of the portal's containers.
func (p *Portal) Inspect(t *testing.T, member string) container.InspectResponse {
	t.Helper()
	found, err := p.Docker.ContainerInspect(enginetest.Context(t), p.Container(member))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Started tells since when each running container of the portal runs, by name.
func (p *Portal) Started(t *testing.T) map[string]string {
	t.Helper()
	started := map[string]string{}
	for _, c := range p.containers(enginetest.Context(t), t) {
		name := c.Names[0][1:]
		found, err := p.Docker.ContainerInspect(enginetest.Context(t), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if found.State.Running {
			started[name] = found.State.StartedAt
		}
	}
	return started
}

func (p *Portal) containers(ctx context.Context, t *testing.T) []container.Summary {
	t.Helper()
	list, err := p.Docker.ContainerList(ctx, container.ListOptions{
		All:     true,
		Filters: p.ours(),
	})
	if err != nil {
		t.Errorf("list the containers of %s: %v", p.Name, err)
	}
	return list
}

// cleanUp runs after the test, and needs a context of its own.
func (p *Portal) cleanUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if t.Failed() {
		for _, c := range p.containers(ctx, t) {
			t.Logf("%s, %s:\n%s", c.Names[0], c.Status, p.log(ctx, c.ID))
		}
	}
	p.sweep(ctx, t)
}

// sweep removes the containers and networks that are left of the portal.
func (p *Portal) sweep(ctx context.Context, t *testing.T) {
	for _, c := range p.containers(ctx, t) {
		if err := p.Docker.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Errorf("sweep: %v", err)
		}
	}
	networks, err := p.Docker.NetworkList(ctx, network.ListOptions{Filters: p.ours()})
	if err != nil {
		t.Errorf("sweep: %v", err)
	}
	for _, n := range networks {
		if err := p.Docker.NetworkRemove(ctx, n.ID); err != nil {
			// Docker 20.10 under load may believe for ever that somebody is
			// attached. That is no fault of what was tested.
			t.Logf("sweep: %v", err)
		}
	}
}

func (p *Portal) ours() filters.Args {
	return filters.NewArgs(filters.Arg("label", pool.LabelPortal+"="+p.Name))
}

func (p *Portal) log(ctx context.Context, id string) string {
	r, err := p.Docker.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: "20"})
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, io.LimitReader(r, 1<<20)); err != nil {
		return err.Error()
	}
	return out.String()
}
