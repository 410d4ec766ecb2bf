// SPDX-License-Identifier: MPL-2.0

//go:build lab

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// colony is an estate whose hosts are the nodes of a Swarm.
type colony struct {
	*estate
	site *site
}

const colonyPort = 18080 // of its gateway, on every node

func newColony(t *testing.T) *colony {
	t.Helper()
	acctest.PreCheck(t)
	l := lab.Start(t, lab.Options{Managers: 3})
	p := acctest.NewPortal(t)
	p.Storage = l.Drive
	c := &colony{estate: &estate{Lab: l, blueprint: t.TempDir()}, site: siteOf(t, p)}
	must(t, l.Load(t.Context(), enginetest.Client(t), enginetest.ImageName, c.site.caddy, echoImage(t)))
	must(t, os.WriteFile(filepath.Join(c.blueprint, "compose.yaml"), []byte(cottage), 0o600))
	return c
}

var hostLabels = regexp.MustCompile(`labels +=.*`)

// provider is the provider's block, with managers for hosts.
func (c *colony) provider(houses ...house) string {
	text := hostLabels.ReplaceAllString(c.config(nil, houses...), "")
	return strings.Replace(text, `provider "portal" {`, "provider \"portal\" {\n  engine = \"swarm\"", 1)
}

// all is a house, a site of three replicas, and the gateway before it.
func (c *colony) all(acme house, web string) string {
	return c.provider(acme) + c.site.resource("site", "gateway = portal_gateway.front.name\n services = { web = { replicas = 3 "+web+"} }") + fmt.Sprintf(`
resource "portal_gateway" "front" {
  name       = "front"
  image      = %q
  http_port  = %d
  tls        = { mode = "off" }
  on_destroy = "delete"
}
`, c.site.caddy, colonyPort)
}

// nodes are where the replicas of a service run, sorted.
func (c *colony) nodes(t *testing.T, service string) []string {
	t.Helper()
	d := c.up()[0].Docker()
	ctx := enginetest.Context(t)
	tasks, err := d.TaskList(ctx, swarm.TaskListOptions{Filters: filters.NewArgs(filters.Arg("service", service))})
	if err != nil {
		return nil // the managers choose a leader
	}
	nodes, err := d.NodeList(ctx, swarm.NodeListOptions{})
	if err != nil {
		return nil
	}
	var out []string
	for _, x := range tasks {
		i := slices.IndexFunc(nodes, func(n swarm.Node) bool { return n.ID == x.NodeID })
		if i >= 0 && nodes[i].Status.State == swarm.NodeStateReady && x.Status.State == swarm.TaskStateRunning && x.DesiredState == swarm.TaskStateRunning {
			out = append(out, nodes[i].Description.Hostname)
		}
	}
	slices.Sort(out)
	return out
}

// right tells whether an answer is the site's.
func (c *colony) right(_ string, a answer) error {
	if a.status != 200 || !strings.Contains(a.body, c.site.Name) {
		return fmt.Errorf("%d: %.200s", a.status, a.body)
	}
	return nil
}

// TestLabSwarmPortal is a house with a database and a site behind a gateway on a
// Swarm of three nodes, one of which fails.
func TestLabSwarmPortal(t *testing.T) {
	t.Parallel()
	acctest.Long(t)
	c := newColony(t)
	acme := house{name: "acme", port: 18001}
	guard := watch(t, c.data(acme))
	tf := acctest.NewTerraform(t, c.all(acme, ""))
	began := time.Now()
	tf.Apply(t)
	t.Logf("up after %s", time.Since(began).Round(time.Millisecond))
	c.note(t, acme)
	planEmpty(t, tf)
	web := c.site.Name + "-web"
	if nodes := c.nodes(t, web); !slices.Equal(nodes, []string{"h1", "h2", "h3"}) {
		t.Errorf("three replicas run on %v", nodes)
	}
	for _, h := range c.Hosts { // the gateway is on each of them
		v := &visitor{plain: fmt.Sprintf("%s:%d", h.Address, colonyPort)}
		if a := v.get(t, c.site.domain, "/"); a.status != 200 || !strings.Contains(a.body, c.site.Name) {
			t.Errorf("by %s: %d %s", h.Name, a.status, a.body)
		}
	}

	t.Run("rolling update", func(t *testing.T) { c.testRolls(t, tf, acme) })
	t.Run("bad image", func(t *testing.T) { c.testRollsBack(t, tf) })
	t.Run("node fails", func(t *testing.T) { c.testNodeFails(t, tf, acme, guard) })

	tf.Destroy(t)
	services, err := c.up()[0].Docker().ServiceList(enginetest.Context(t), swarm.ServiceListOptions{Filters: filters.NewArgs(filters.Arg("label", pool.LabelPortal))})
	if err != nil || len(services) > 0 {
		t.Errorf("%d services are left: %v", len(services), err)
	}
}

func (c *colony) testRolls(t *testing.T, tf *acctest.Terraform, acme house) {
	v := &visitor{plain: fmt.Sprintf("%s:%d", c.Hosts[0].Address, colonyPort)}
	crowd := gather(t, v, c.right, "http://"+c.site.domain+"/")
	tf.Write(t, c.all(acme, `, memory = "96m"`))
	plan := tf.Plan(t)
	if len(plan.Changes) != 1 {
		t.Errorf("the plan is\n%s", plan.Text)
	}
	began := time.Now()
	tf.Apply(t)
	t.Logf("three replicas were replaced in %s", time.Since(began).Round(time.Millisecond))
	crowd.leave(t)
	planEmpty(t, tf)
}

func (c *colony) testRollsBack(t *testing.T, tf *acctest.Terraform) {
	image := echoImage(t)
	v := &visitor{plain: fmt.Sprintf("%s:%d", c.Hosts[0].Address, colonyPort)}
	crowd := gather(t, v, c.right, "http://"+c.site.domain+"/")
	c.site.EditBlueprint(t, "image: "+image, "image: "+enginetest.ImageName)
	says(t, tf.Fail(t), "Swarm has put back what ran before", "unhealthy")
	crowd.leave(t)
	c.site.EditBlueprint(t, "image: "+enginetest.ImageName, "image: "+image)
	planEmpty(t, tf)
}

// switchOff switches the node off that a service runs on, and returns it.
func (c *colony) switchOff(t *testing.T, service string) *lab.Host {
	t.Helper()
	node := c.nodes(t, service)
	if len(node) != 1 {
		t.Fatalf("%s runs on %v", service, node)
	}
	h, err := c.Host(node[0])
	must(t, err)
	must(t, h.KillHost(t.Context()))
	c.off = append(c.off, h)
	return h
}

// deserted asserts that the Swarm has no service any more.
func (c *colony) deserted(t *testing.T) {
	t.Helper()
	services, err := c.Hosts[0].Docker().ServiceList(enginetest.Context(t), swarm.ServiceListOptions{})
	if err != nil || len(services) > 0 {
		t.Errorf("%d services are left: %v", len(services), err)
	}
}

// testNodeFails switches the node off on which the database runs.
func (c *colony) testNodeFails(t *testing.T, tf *acctest.Terraform, acme house, guard *sentry) {
	h := c.switchOff(t, "acme-db")
	began := time.Now()
	eventuallyWithin(t, 3*time.Minute, "the database is back", func() bool { return len(c.nodes(t, "acme-db")) == 1 })
	t.Logf("the database is back %s after its node failed", time.Since(began).Round(time.Second))
	if note := c.read(t, acme, "note"); note != "kept by acme" {
		t.Errorf("the note of acme is %q", note)
	}
	guard.one(t, "acme")
	for _, other := range c.up() {
		v := &visitor{plain: fmt.Sprintf("%s:%d", other.Address, colonyPort)}
		eventuallyWithin(t, time.Minute, "the site answers by "+other.Name, func() bool {
			a, err := v.come("http://"+c.site.domain+"/", false)
			return err == nil && a.status == 200
		})
	}
	t.Logf("plan with a node down:\n%s", tf.Plan(t).Text)
	tf.Apply(t)
	planEmpty(t, tf)
	must(t, h.Start(t.Context()))
	c.off = nil
	defer func() {
		if t.Failed() {
			tasks, err := h.Run(context.WithoutCancel(t.Context()), "docker", "service", "ps", "--no-trunc", "front-gateway")
			t.Logf("the gateway: %v\n%s", err, tasks)
		}
	}()
	eventuallyWithin(t, 2*time.Minute, "the gateway is on all nodes again", func() bool { return len(c.nodes(t, "front-gateway")) == 3 })
	tf.Apply(t)
	planEmpty(t, tf)
	guard.one(t, "acme")
}

func eventuallyWithin(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); {
		if time.Now().After(end) {
			t.Fatalf("after %s not: %s", limit, what)
		}
		time.Sleep(250 * time.Millisecond)
	}
}
