// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// refusedMember joins a member that must not be joined, and looks for a problem
// of the attribute that holds the hint.
func refusedMember(t *testing.T, base *stack.Stack, m stack.Member, others []*stack.Stack, attribute, hint string) {
	t.Helper()
	part, err := Join(base, m, others...)
	var found Problems
	if !errors.As(err, &found) || part != nil {
		t.Fatalf("got %v and %v, want Problems and no part", part, err)
	}
	for _, p := range found {
		if p.Attribute == attribute && strings.Contains(p.Detail, hint) && p.Summary != "" {
			return
		}
	}
	t.Errorf("want the attribute %q and %q in:\n%s", attribute, hint, found)
}

func volume(target, name string) map[string]stack.MemberVolume {
	return map[string]stack.MemberVolume{target: {Name: name}}
}

func TestMembersRefused(t *testing.T) {
	base := mustBuild(t, demoSpec())
	for _, tt := range []struct {
		name            string
		change          func(*stack.Member)
		attribute, hint string
	}{
		{"no name", func(m *stack.Member) { m.Name = "" }, "name", "letter or digit"},
		{"name of a path", func(m *stack.Member) { m.Name = "../x" }, "name", "letter or digit"},
		{"long name", func(m *stack.Member) { m.Name = strings.Repeat("x", 64) }, "name", "63"},
		{"name of a service", func(m *stack.Member) { m.Name = "lms" }, "name", "lms of the portal's blueprint"},
		{"name of a task", func(m *stack.Member) { m.Name = "backup" }, "name", "backup of the portal's blueprint"},
		{"container of a service", func(m *stack.Member) { m.Kind, m.Name = stack.MemberTask, "lms-2" }, "name", "would have the name"},
		{"container that is replaced", func(m *stack.Member) { m.Kind, m.Name = stack.MemberTask, "lms-2_previous" }, "name", "would have the name"},
		{"no image", func(m *stack.Member) { m.Image = "" }, "image", "`from`"},
		{"bad image", func(m *stack.Member) { m.Image = "Not An Image" }, "image", "docker pull"},
		{"from nothing", func(m *stack.Member) { m.From = "lsm" }, "from", `Did you mean "lms"?`},
		{"second load balancer", func(m *stack.Member) { m.From = "load-balancer" }, "from", "Give an image"},
		{"second database on its files", func(m *stack.Member) { m.From = "mysql" }, "from", `volumes = { "/var/lib/mysql"`},
		{"task in a database's files", func(m *stack.Member) { m.Kind, m.From = stack.MemberTask, "mongo" }, "from", "data/mongo is written by mongo"},
		{"files of a database", func(m *stack.Member) { m.Volumes = volume("/x", "mysql") }, "volumes./x", "which must have it for itself"},
		{"name of a volume", func(m *stack.Member) { m.Volumes = volume("/x", "../secrets") }, "volumes./x.name", "name of a directory"},
		{"relative target", func(m *stack.Member) { m.Volumes = volume("x", "v") }, "volumes.x", "absolute path"},
		{"target that climbs", func(m *stack.Member) { m.Volumes = volume("/a/../x", "v") }, "volumes./a/../x", "absolute path"},
		{"root as target", func(m *stack.Member) { m.SecretFiles = map[string]string{"/": ""} }, "secret_files./", "absolute path"},
		{"two things at one place", func(m *stack.Member) {
			m.Volumes, m.SecretFiles = volume("/x", "v"), map[string]string{"/x": ""}
		}, "secret_files./x", "volumes./x"},
		{"given at a place that is taken", func(m *stack.Member) {
			m.SecretFiles, m.GivenSecrets = map[string]string{"/x": ""}, map[string]string{"/x": "a"}
		}, "secret_files_wo", "secret_files./x"},
		{"given without a name", func(m *stack.Member) { m.GivenSecrets = map[string]string{"/x": "../a"} }, "secret_files_wo", "name of a file"},
		{"mark without quotes", func(m *stack.Member) { m.SecretFiles = map[string]string{"/x": "[[ secret key ]]"} }, "secret_files./x", `[[ secret "name" ]]`},
		{"mark of a path", func(m *stack.Member) { m.SecretFiles = map[string]string{"/x": `[[ secret "a/b" ]]`} }, "secret_files./x", "name of a file"},
		{"mark of the folder", func(m *stack.Member) { m.SecretFiles = map[string]string{"/x": `[[ secret "given" ]]`} }, "secret_files./x", "taken"},
		{"user by name", func(m *stack.Member) { m.User = "root" }, "user", "in numbers"},
		{"user that cannot read", func(m *stack.Member) { m.From, m.User = "lms", "33:33" }, "user", "/portal/secrets/edxapp.yml"},
		{"variable", func(m *stack.Member) { m.Environment = map[string]string{"A B": ""} }, "environment", "letters"},
		{"little memory", func(m *stack.Member) { m.Resources.Memory = 1 << 20 }, "memory", "6 MiB"},
		{"negative processors", func(m *stack.Member) { m.Resources.CPUs = -1 }, "cpus", "0.01"},
		{"negative processes", func(m *stack.Member) { m.Resources.PIDs = -1 }, "pids", "negative"},
		{"negative time to stop", func(m *stack.Member) { m.StopGrace = -1 }, "stop_grace", "negative"},
		{"check without a command", func(m *stack.Member) { m.Healthcheck = &stack.Healthcheck{Test: []string{"curl", "x"}} }, "healthcheck.test", "CMD"},
		{"check too often", func(m *stack.Member) {
			m.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "x"}, Interval: time.Microsecond}
		}, "healthcheck.interval", "1ms"},
		{"check too patient", func(m *stack.Member) {
			m.Healthcheck = &stack.Healthcheck{Test: []string{"CMD", "x"}, Retries: 9999}
		}, "healthcheck.retries", "1000"},
		{"negative replicas", func(m *stack.Member) { m.Replicas = -1 }, "replicas", "negative"},
		{"replicas of a task", func(m *stack.Member) { m.Kind, m.Replicas = stack.MemberTask, 2 }, "replicas", "one container"},
		{"replicas on one directory", func(m *stack.Member) { m.Replicas, m.Volumes = 2, volume("/x", "own") }, "replicas", "start-first"},
		{"replicas of a database", func(m *stack.Member) {
			m.From, m.Replicas, m.Volumes = "mysql", 2, volume("/var/lib/mysql", "mysql2")
		}, "replicas", "data/mysql2"},
		{"order of updates", func(m *stack.Member) { m.Update = "sideways" }, "update", "stop-first"},
		{"restart on", func(m *stack.Member) { m.RestartOn = []string{"sunday"} }, "restart_on_override", "overrides"},
		{"run on and schedule", func(m *stack.Member) {
			m.Kind, m.RunOn, m.Schedule = stack.MemberTask, map[string]string{"a": "b"}, "{}"
		}, "run_on", "schedule"},
		{"negative timeout", func(m *stack.Member) { m.Kind, m.Timeout = stack.MemberTask, -1 }, "timeout", "negative"},
		{"waits for nothing", func(m *stack.Member) { m.DependsOn = []string{"mysq"} }, "depends_on", `Did you mean "mysql"?`},
		{"waits for a manual task", func(m *stack.Member) { m.DependsOn = []string{"reindex"} }, "depends_on", "somebody else starts"},
		{"route of a task", func(m *stack.Member) { m.Kind, m.Routes = stack.MemberTask, []stack.Route{{Host: "a.b", Port: 1}} }, "routes", "runs and ends"},
		{"host of a route", func(m *stack.Member) { m.Routes = []stack.Route{{Host: "a.b", Port: 1}, {Host: "A.c", Port: 1}} }, "routes.1", "a.c"},
		{"path of a route", func(m *stack.Member) { m.Routes = []stack.Route{{Host: "a.b", Path: "x", Port: 1}} }, "routes.0", "plain"},
		{"port of a route", func(m *stack.Member) { m.Routes = []stack.Route{{Host: "a.b", Port: 70000}} }, "routes.0", "65535"},
		{"body of a route", func(m *stack.Member) { m.Routes = []stack.Route{{Host: "a.b", Port: 1, MaxBody: -1}} }, "routes.0", "negative"},
		{"the lms's own host", func(m *stack.Member) { m.Routes = []stack.Route{{Host: "learn.acme.com", Port: 1}} }, "routes", "the service lms of the portal's blueprint"},
		{"a path of nginx", func(m *stack.Member) { m.Routes = []stack.Route{{Host: "learn.acme.com", Path: "/static", Port: 1}} }, "routes", "learn.acme.com/static/"},
		{"one route twice", func(m *stack.Member) { m.Routes = []stack.Route{{Host: "a.b", Port: 1}, {Host: "a.b", Port: 2}} }, "routes", "routed twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := service("chat", "chat")
			tt.change(&m)
			refusedMember(t, base, m, nil, tt.attribute, tt.hint)
		})
	}
}

func TestRoutesNeedALoadBalancer(t *testing.T) {
	base := mustBuild(t, userSpec(t, "services: {web: {image: web}}\n"))
	m := service("chat", "chat")
	m.Routes = []stack.Route{{Host: "a.b", Port: 1}}
	refusedMember(t, base, m, nil, "routes", "ingress: caddy")
}

func TestNamesOfTheProvidersOwnContainers(t *testing.T) {
	spec := userSpec(t, "services: {web: {image: web}}\n")
	spec.Name = "portal"
	base := mustBuild(t, spec)
	for _, name := range []string{"scheduler", "agent-1"} {
		refusedMember(t, base, stack.Member{Kind: stack.MemberTask, Name: name, From: "web"}, nil, "name", "containers of its own")
	}
	mustJoin(t, base, stack.Member{Kind: stack.MemberTask, Name: "tool", From: "web"})
}

// What a blueprint's services share, and what they only read, is free.
func TestDataThatIsShared(t *testing.T) {
	base := mustBuild(t, userSpec(t, `services:
  web: {image: web, volumes: ['site:/s', 'one:/o']}
  cron: {image: web, volumes: ['site:/s', 'one:/o:ro']}
  init: {image: web, volumes: ['one:/o'], x-portal: {task: deploy}}
volumes: {site: {}, one: {}}
`))
	shared := service("chat", "chat")
	shared.Volumes = map[string]stack.MemberVolume{"/s": {Name: "site"}, "/o": {Name: "one", ReadOnly: true}}
	mustJoin(t, base, shared)
	shared.Volumes = volume("/o", "one")
	refusedMember(t, base, shared, nil, "volumes./o", "web of the portal's blueprint")
}

func TestMembersAmongEachOther(t *testing.T) {
	base := mustBuild(t, demoSpec())
	db := service("chat-db", "postgres")
	db.Volumes = volume("/var/lib/postgresql/data", "chat")
	others := []*stack.Stack{mustJoin(t, base, db)}

	mustJoin(t, base, db, append(others, base)...) // itself is in nobody's way
	second := service("wiki-db", "postgres")
	second.Volumes = volume("/data", "chat")
	refusedMember(t, base, second, others, "volumes./data", "chat-db of the portal's service/chat-db")
	second.Update = stack.StartFirst
	refusedMember(t, base, second, others, "volumes./data", "data/chat")
	reader := second
	reader.Volumes = map[string]stack.MemberVolume{"/data": {Name: "chat", ReadOnly: true}}
	mustJoin(t, base, reader, others...)
	task := stack.Member{Kind: stack.MemberTask, Name: "chat-db", Image: "postgres"}
	refusedMember(t, base, task, others, "name", "chat-db of the portal's service/chat-db")
	task.Name = "chat-db-1"
	refusedMember(t, base, task, others, "name", "would have the name")
}
