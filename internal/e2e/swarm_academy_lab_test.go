// SPDX-License-Identifier: MPL-2.0

//go:build lab && long

package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/provider/action/actiontest"
)

// campus is a whole portal on a Swarm.
type campus struct {
	*colony
	*academy
	port int
}

// TestLabSwarmAcademy is the built-in blueprint on a Swarm of three nodes: its pages,
// courses, overrides, tasks, a backup and its restore, and a node that fails.
func TestLabSwarmAcademy(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	r := c.tf.Apply(t)
	t.Logf("the portal was made in %s", r.Took.Round(time.Second))
	planEmpty(t, c.tf)
	where := map[string][]string{}
	for _, s := range academyServices {
		s = strings.TrimSuffix(s, "-1")
		where[s] = c.nodes(t, c.Name+"-"+s)
	}
	t.Logf("it runs on %v", where)

	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"the pages", c.testReached},
		{"tasks by hand", c.testTask},
		{"overrides", c.testOverridden},
		{"backup and restore", c.testBackup},
		{"the database's node fails", c.testNodeOff},
	} {
		if !t.Run(part.name, part.run) {
			t.Log("the portal may not be whole any more: what follows may fail for that reason")
		}
	}
	c.tf.Destroy(t)
	for _, s := range academyServices {
		if left := c.nodes(t, c.Name+"-"+strings.TrimSuffix(s, "-1")); len(left) > 0 {
			t.Errorf("%s still runs on %v", s, left)
		}
	}
}

func newCampus(t *testing.T) *campus {
	t.Helper()
	images := demoImages(t)
	c := &campus{colony: newColony(t), port: 18081}
	c.academy = academyOf(c.site.bed, images)
	c.academy.door = c.loadBalancer
	roles := map[string]string{}
	must(t, json.Unmarshal([]byte(images), &roles))
	must(t, c.Load(t.Context(), enginetest.Client(t), slices.Compact(slices.Sorted(maps.Values(roles)))...))
	c.tf = acctest.NewTerraform(t, c.with(""))
	return c
}

// with is the portal with more resources.
func (c *campus) with(more string) string {
	return c.provider() + c.resource(twoLMS, fmt.Sprintf("http_port = %d", c.port)) + more
}

// loadBalancer is where the portal's load balancer listens by now.
func (c *campus) loadBalancer(t *testing.T) string {
	t.Helper()
	var node []string
	eventually(t, "a load balancer", func() bool {
		node = c.nodes(t, c.Name+"-load-balancer")
		return len(node) == 1
	})
	h, err := c.Host(node[0])
	must(t, err)
	return fmt.Sprintf("%s:%d", h.Address, c.port)
}

// testReached asserts that all dependencies are reached from the pages.
func (c *campus) testReached(t *testing.T) {
	b := c.browser(t)
	for _, host := range []string{c.domain, c.studio()} {
		if page := b.page(t, host, "/"); reached(page) != everyDependency || !worker.MatchString(page) {
			t.Errorf("%s reaches %s:\n%s", host, reached(page), page)
		}
	}
	if got := b.get(t, "glados."+c.domain, "/heartbeat"); got.status != 200 {
		t.Errorf("the add-on answers %d: %s", got.status, got.body)
	}
}

func (c *campus) testOverridden(t *testing.T) {
	c.tf.Write(t, c.with(c.override("Acme Academy")))
	r := c.applyVisited(t)
	t.Logf("overridden in %s", r.Took.Round(time.Second))
	c.shows(t, "Acme Academy")
	planEmpty(t, c.tf)
	c.tf.Write(t, c.with(c.override("{{ no_such_variable }}")))
	says(t, c.tf.Fail(t), "no_such_variable", "The former overrides are back")
	c.shows(t, "Acme Academy")
	c.tf.Write(t, c.with(c.override("Acme Academy")))
	planEmpty(t, c.tf)
}

// actions are the provider's, on the Swarm.
func (c *campus) actions(t *testing.T) actiontest.Server {
	t.Helper()
	text := func(file string) string {
		content, err := os.ReadFile(filepath.Join(c.ClientDir(), file))
		must(t, err)
		return string(content)
	}
	hosts := map[string]any{}
	for _, h := range c.Hosts {
		hosts[h.Name] = map[string]any{
			"endpoint": "ssh://root@" + h.Address,
			"ssh":      map[string]any{"private_key": text("id_ed25519"), "known_hosts": text("known_hosts")},
		}
	}
	return acctest.Actions(t, map[string]any{
		"engine": "swarm", "hosts": hosts, "storage": map[string]any{"path": c.Drive},
	})
}

// task runs a task by the action.
func (c *campus) task(t *testing.T, s actiontest.Server, name string) {
	t.Helper()
	s.Must(t, "portal_task_run", map[string]any{"portal": c.Name, "task": name})
}

// testTask makes an administrator, who publishes a course, which is indexed.
func (c *campus) testTask(t *testing.T) {
	s := c.actions(t)
	c.task(t, s, "create-superuser")
	c.testCourses(t)
	c.task(t, s, "reindex")
	c.testGalaxies(t)
	planEmpty(t, c.tf)
}

// testBackup asserts that a backup brings back rows and files.
func (c *campus) testBackup(t *testing.T) {
	s := c.actions(t)
	c.task(t, s, "backup")
	c.browser(t).submit(t, c.domain, "/", "/enrol", "learner", "Eve", "course", "galaxies")
	must(t, os.RemoveAll(filepath.Join(c.Directory(), "data", "media", "courses")))
	began := time.Now()
	said := s.Must(t, "portal_restore", map[string]any{"portal": c.Name})
	t.Logf("restored in %s:\n%s", time.Since(began).Round(time.Second), strings.Join(said, "\n"))
	c.testGalaxies(t)
	planEmpty(t, c.tf)
}

// testNodeOff switches the node off that has the database.
func (c *campus) testNodeOff(t *testing.T) {
	h := c.switchOff(t, c.Name+"-mysql")
	began := time.Now()
	eventuallyWithin(t, 5*time.Minute, "the portal answers", func() bool {
		if len(c.nodes(t, c.Name+"-load-balancer")) != 1 {
			return false
		}
		b := c.browser(t)
		for _, host := range []string{c.domain, c.studio()} {
			a, err := b.do(request(t, "GET", b.url(host, "/"), nil))
			if err != nil || a.status != 200 || reached(a.body) != everyDependency {
				return false
			}
		}
		return true
	})
	t.Logf("the portal answers, with all it needs, %s after its database's node failed", time.Since(began).Round(time.Second))
	c.testGalaxies(t)
	t.Logf("plan with a node down:\n%s", c.tf.Plan(t).Text)
	c.tf.Apply(t)
	planEmpty(t, c.tf)
	must(t, h.Start(t.Context()))
	c.off = nil
	c.tf.Apply(t)
	planEmpty(t, c.tf)
}
