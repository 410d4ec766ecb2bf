// SPDX-License-Identifier: MPL-2.0

//go:build lab

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// cottage is a stack of a database and a site. As long as the database runs it
// has the file "running" open, which a sentry sees.
const cottage = `
x-site: &site
  image: portal-test/busybox
  init: true
  user: "1000:1000"

services:
  db:
    <<: *site
    x-portal: {max_replicas: 1, lease: db}
    mem_limit: 64m
    command:
      - sh
      - -c
      - |
        trap 'echo flushed >> /data/log; exit 0' TERM
        exec 9<>/data/running
        echo started >> /data/log
        touch /tmp/up
        while :; do sleep 3600 & wait $$!; done
    volumes: [db:/data]
    healthcheck: {test: [CMD, test, -e, /tmp/up], interval: 30s, start_interval: 1s, start_period: 30s}
    deploy:
      update_config: {order: stop-first}
  web:
    <<: *site
    command: [sh, -c, "mkdir -p /tmp/www && cat /portal/config/index.html > /tmp/www/index.html && exec httpd -f -p 8000 -h /tmp/www"]
    configs:
      - {source: index, target: /portal/config/index.html}
    ports:
      - {target: 8000, published: "${PORTAL_HTTP_PORT}"}
    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8000/"], interval: 30s, start_interval: 1s, start_period: 20s}
    depends_on:
      db: {condition: service_healthy}

volumes:
  db:
    x-portal: {owner: "1000:1000"}

configs:
  index:
    content: "${PORTAL_DOMAIN}"
`

// estate is a pool of hosts that portals are placed on.
type estate struct {
	*lab.Lab
	blueprint string
	off       []*lab.Host // those that do not answer
}

// up are the hosts that are switched on.
func (e *estate) up() []*lab.Host {
	return slices.DeleteFunc(slices.Clone(e.Hosts), func(h *lab.Host) bool { return slices.Contains(e.off, h) })
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	acctest.PreCheck(t)
	l := lab.Start(t, lab.Options{})
	must(t, l.Load(t.Context(), enginetest.Client(t), enginetest.ImageName))
	e := &estate{Lab: l, blueprint: t.TempDir()}
	must(t, os.WriteFile(filepath.Join(e.blueprint, "compose.yaml"), []byte(cottage), 0o600))
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// house is a portal as it is written in a configuration.
type house struct {
	name string
	port int
	more string // attributes
}

func (h house) address() string { return "portal." + h.name }

func (h house) domain() string { return "learn." + h.name + ".test" }

// config is a configuration with houses. Each host may have more attributes.
func (e *estate) config(more map[string]string, houses ...house) string {
	text := e.Provider(func(h *lab.Host) string {
		return strings.TrimSuffix(h.SSH(), "}") + more[h.Name] + "\n    }"
	})
	for _, h := range houses {
		text += fmt.Sprintf(`
resource "portal" %[1]q {
  name       = %[1]q
  domain     = %[2]q
  blueprint  = %[3]q
  http_port  = %[4]d
  on_destroy = "delete"
  %[5]s
}
`, h.name, h.domain(), e.blueprint, h.port, h.more)
	}
	return text
}

// home is the host that has containers of a portal, which must be one.
func (e *estate) home(t *testing.T, portal string) *lab.Host {
	t.Helper()
	var homes []*lab.Host
	for _, h := range e.up() {
		if len(e.members(t, h, portal)) > 0 {
			homes = append(homes, h)
		}
	}
	if len(homes) != 1 {
		t.Fatalf("%s is on %d hosts", portal, len(homes))
	}
	return homes[0]
}

// members are the containers of a portal on a host, by their names there, with
// their ids: "db-1".
func (e *estate) members(t *testing.T, h *lab.Host, portal string) map[string]string {
	t.Helper()
	list, err := h.Docker().ContainerList(enginetest.Context(t), container.ListOptions{All: true})
	must(t, err)
	found := map[string]string{}
	for _, c := range list {
		if c.Labels[pool.LabelPortal] == portal {
			found[strings.TrimPrefix(c.Names[0], "/"+portal+"-")] = c.ID
		}
	}
	return found
}

// whole asserts that exactly these members of a portal run on a host, and none
// on another, and that its page is there and its database's data.
func (e *estate) whole(t *testing.T, p house, at string, members ...string) {
	t.Helper()
	h := e.home(t, p.name)
	if h.Name != at {
		t.Errorf("%s is on %s instead of %s", p.name, h.Name, at)
	}
	running := e.running(t, h, p.name)
	if !slices.Equal(running, members) || len(e.members(t, h, p.name)) != len(members) {
		t.Errorf("%s has %v, and %v run, instead of %v", p.name, e.members(t, h, p.name), running, members)
	}
	if page, err := e.page(t.Context(), h, p); err != nil || page != p.domain() {
		t.Errorf("the page of %s on %s is %q: %v", p.name, h.Name, page, err)
	}
	if note := e.read(t, p, "note"); note != "kept by "+p.name {
		t.Errorf("the note of %s is %q", p.name, note)
	}
}

// running are the containers of a portal that run on a host, sorted.
func (e *estate) running(t *testing.T, h *lab.Host, portal string) []string {
	t.Helper()
	list, err := h.Docker().ContainerList(enginetest.Context(t), container.ListOptions{})
	must(t, err)
	var found []string
	for _, c := range list {
		if c.Labels[pool.LabelPortal] == portal {
			found = append(found, strings.TrimPrefix(c.Names[0], "/"+portal+"-"))
		}
	}
	slices.Sort(found)
	return found
}

// log is what a container wrote, empty if there is none.
func (e *estate) log(t *testing.T, h *lab.Host, name string) string {
	t.Helper()
	r, err := h.Docker().ContainerLogs(enginetest.Context(t), name, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return ""
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	must(t, err)
	return string(text)
}

// page is what a visitor of a portal sees on a host.
func (e *estate) page(ctx context.Context, h *lab.Host, p house) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d/", h.Address, p.port), nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// note leaves data among that of the portals.
func (e *estate) note(t *testing.T, houses ...house) {
	t.Helper()
	for _, p := range houses {
		must(t, os.WriteFile(filepath.Join(e.data(p), "note"), []byte("kept by "+p.name), 0o644))
	}
}

// data is the directory of a portal's database.
func (e *estate) data(p house) string { return filepath.Join(e.Drive, p.name, "data", "db") }

// read reads a file of a portal's database.
func (e *estate) read(t *testing.T, p house, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.data(p), file))
	must(t, err)
	return strings.Join(strings.Fields(string(text)), " ")
}

// empty asserts that nothing of any portal is left on a host. File agents end a
// moment after the provider; what a killed daemon left of them is removed by the next
// one there.
func (e *estate) empty(t *testing.T, h *lab.Host) {
	t.Helper()
	var left []string
	defer func() {
		if len(left) > 0 {
			t.Logf("left on %s: %s", h.Name, strings.Join(left, "; "))
		}
	}()
	eventually(t, "an empty host "+h.Name, func() bool {
		left = nil
		list, err := h.Docker().ContainerList(enginetest.Context(t), container.ListOptions{All: true})
		must(t, err)
		for _, c := range list {
			if c.Labels[agent.LabelRole] == agent.RoleAgent && c.State != container.StateRunning {
				continue
			}
			left = append(left, fmt.Sprintf("container %s %v, %s", c.ID, c.Names, c.Status)) // a dead one may have no name
		}
		networks, err := h.Docker().NetworkList(enginetest.Context(t), network.ListOptions{})
		must(t, err)
		for _, n := range networks {
			if !slices.Contains([]string{"bridge", "host", "none"}, n.Name) {
				left = append(left, "network "+n.Name)
			}
		}
		return len(left) == 0
	})
}

// planEmpty asserts that there is nothing to do.
func planEmpty(t *testing.T, tf *acctest.Terraform, args ...string) acctest.Result {
	t.Helper()
	r := tf.Run(t, append([]string{"plan", "-detailed-exitcode", "-input=false", "-no-color"}, args...)...)
	if r.ExitCode != 0 {
		t.Errorf("the plan is not empty: exit code %d\n%s", r.ExitCode, r.Output)
	}
	return r
}
