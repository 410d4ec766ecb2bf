// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func mustJoin(t *testing.T, base *stack.Stack, m stack.Member, others ...*stack.Stack) *stack.Stack {
	t.Helper()
	part, err := Join(base, m, others...)
	if err != nil {
		t.Fatalf("Join: %v", err)
	}
	return part
}

func service(name, image string) stack.Member {
	return stack.Member{Kind: stack.MemberService, Name: name, Image: image}
}

// chat is a service that says all that can be said.
func chat() stack.Member {
	return stack.Member{
		Kind: stack.MemberService, Name: "chat", Image: "acme/chat:1.2",
		Entrypoint: []string{"/chat"}, Command: []string{"serve"},
		Environment: map[string]string{"LISTEN": ":8080"}, User: "2000:2000", WorkingDir: "/srv",
		Volumes: map[string]stack.MemberVolume{
			"/data": {Name: "chat"}, "/media": {Name: "media", ReadOnly: true}, "/overrides": {Name: "overrides", ReadOnly: true},
		},
		SecretFiles: map[string]string{
			"/run/secrets/chat.toml": "[[servers]]\nmysql = \"[[ secret \"mysql-password\" ]]\"\nkey = \"[[secret \"chat-key\"]]\"\n",
		},
		GivenSecrets: map[string]string{"/run/secrets/smtp": "service-chat-0a-v1"},
		Healthcheck:  &stack.Healthcheck{Test: []string{"CMD", "/chat", "ping"}, Interval: 10 * time.Second},
		Resources:    stack.Resources{Memory: 256 << 20, CPUs: 0.5},
		StopGrace:    time.Minute, ReadOnly: true,
		Routes:    []stack.Route{{Host: "chat.acme.com", Port: 8080}, {Host: "learn.acme.com", Path: "/chat/", Port: 8080, MaxBody: 1 << 20}},
		DependsOn: []string{"mysql", "edxapp-migrations"},
		RestartOn: []string{stack.RestartOnOverrides},
	}
}

func TestMembersGolden(t *testing.T) {
	base := mustBuild(t, demoSpec())
	for _, m := range []stack.Member{
		chat(),
		service("plain", "acme/plain:1"),
		{Kind: stack.MemberService, Name: "lms-admin", From: "lms", Command: []string{"lms", "--admin"}, Environment: map[string]string{"SERVICE_VARIANT": "admin"}, Replicas: 2},
		{Kind: stack.MemberTask, Name: "report", From: "lms", Command: []string{"python", "report.py"}, Timeout: time.Hour},
		{Kind: stack.MemberTask, Name: "seed", From: "lms", RunOn: map[string]string{"release": "7"}},
		{Kind: stack.MemberBackup, Name: "backup-nightly", From: "backup", Schedule: `{"cron":"15 2 * * *"}`, GivenSecrets: map[string]string{"/portal/secrets/repository.env": "backup-nightly-v1"}},
	} {
		t.Run(m.Name, func(t *testing.T) {
			golden(t, filepath.Join("member", m.Name+".golden.json"), readable(t, mustJoin(t, base, m)))
		})
	}
}

// A task of the lms must neither answer for it nor restart with it.
func TestATaskTakesNoTrafficOfWhatItComesFrom(t *testing.T) {
	base := mustBuild(t, demoSpec())
	for _, from := range []string{"lms", "nginx", "rabbitmq", "edxapp-migrations"} {
		m := stack.Member{Kind: stack.MemberTask, Name: "tool", From: from}
		if from == "rabbitmq" {
			m.Volumes = map[string]stack.MemberVolume{"/var/lib/rabbitmq": {Name: "rabbitmq", ReadOnly: true}}
		}
		s := mustJoin(t, base, m).Services["tool"]
		if s.Task == nil || s.Task.When != stack.Manual || s.Restart != "no" || s.Replicas != 1 {
			t.Errorf("from %s: task %+v, restart %s, %d replicas", from, s.Task, s.Restart, s.Replicas)
		}
		if len(s.Routes)+len(s.Ports)+len(s.RestartOn)+len(s.DependsOn) > 0 || s.Healthcheck != nil {
			t.Errorf("from %s: routes %v, ports %v, restart on %v, waits for %v, check %v", from, s.Routes, s.Ports, s.RestartOn, s.DependsOn, s.Healthcheck)
		}
		if got := s.Networks["acme_default"]; !slices.Equal(got, []string{"tool"}) || s.Hostname == from {
			t.Errorf("from %s: it answers to %v and %q", from, got, s.Hostname)
		}
	}
}

func TestWhenATaskRuns(t *testing.T) {
	base := mustBuild(t, demoSpec())
	task := func(m stack.Member) *stack.Service {
		m.Kind, m.Name = stack.MemberTask, "tool"
		return mustJoin(t, base, m).Services["tool"]
	}
	if got := task(stack.Member{From: "edxapp-migrations"}).Task; got.When != stack.Manual || got.Timeout != time.Hour {
		t.Errorf("by hand: %+v, want the timeout of what it comes from", got)
	}
	if got := task(stack.Member{From: "backup", Schedule: "{}", Timeout: time.Minute}).Task; got.When != stack.Scheduled || got.Schedule != "{}" || got.Timeout != time.Minute {
		t.Errorf("by the clock: %+v", got)
	}
	first := task(stack.Member{From: "lms", RunOn: map[string]string{"x": "1"}})
	if first.Task.When != stack.Deploy || first.DependsOn["mysql"] != stack.Healthy || first.DependsOn["edxapp-migrations"] != stack.Completed {
		t.Errorf("at an apply: %+v after %v, want it to wait as the lms does", first.Task, first.DependsOn)
	}
	second := task(stack.Member{From: "lms", RunOn: map[string]string{"x": "2"}})
	if stack.Digest(first) == stack.Digest(second) {
		t.Error("another value of run_on leaves the digest, so the task would not run again")
	}
}

func TestOrderOfUpdates(t *testing.T) {
	base := mustBuild(t, demoSpec())
	own := map[string]stack.MemberVolume{"/x": {Name: "own"}}
	for _, tt := range []struct {
		name   string
		change func(*stack.Member)
		want   stack.UpdateOrder
	}{
		{"without files", func(*stack.Member) {}, stack.StartFirst},
		{"files of its own", func(m *stack.Member) { m.Volumes = own }, stack.StopFirst},
		{"files of its own, said to be shared", func(m *stack.Member) { m.Volumes, m.Update = own, stack.StartFirst }, stack.StartFirst},
		{"files that it reads", func(m *stack.Member) { m.Volumes = map[string]stack.MemberVolume{"/x": {Name: "own", ReadOnly: true}} }, stack.StartFirst},
		{"files that the blueprint shares", func(m *stack.Member) { m.Volumes = map[string]stack.MemberVolume{"/x": {Name: "media"}} }, stack.StartFirst},
		{"as it comes", func(m *stack.Member) { m.Image, m.From = "", "memcached" }, stack.StopFirst},
		{"of a task", func(m *stack.Member) { m.Image, m.From = "", "reindex" }, stack.StartFirst},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := service("chat", "chat")
			tt.change(&m)
			if got := mustJoin(t, base, m).Services["chat"].Update; got != tt.want {
				t.Errorf("update is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhoseTheFilesAre(t *testing.T) {
	m := chat()
	part := mustJoin(t, mustBuild(t, demoSpec()), m)
	want := map[string]stack.Directory{
		"data/chat":  {UID: 2000, GID: 2000, Mode: 0o750},
		"data/media": {UID: 1000, GID: 1000, Mode: 0o755},
		"overrides":  {UID: 1000, GID: 1000, Mode: 0o770},
	}
	if !maps.Equal(part.Directories, want) {
		t.Errorf("directories are %v, want %v", part.Directories, want)
	}
	for name, f := range part.Files {
		if f.UID != 2000 || f.GID != 2000 || f.Mode != 0o400 || !f.Template || !strings.HasPrefix(name, "secrets/") {
			t.Errorf("%s is %+v", name, f)
		}
	}
	if got := part.Secrets; len(got) != 2 || got["mysql-password"] != mustBuild(t, demoSpec()).Secrets["mysql-password"] || got["chat-key"] != (stack.Secret{}) {
		t.Errorf("secrets are %v, want the blueprint's and a new one", got)
	}
	m.User = ""
	for name, f := range mustJoin(t, mustBuild(t, demoSpec()), m).Files {
		if f.Mode != 0o444 {
			t.Errorf("%s has mode %o: nobody knows which user of the image reads it", name, f.Mode)
		}
	}
}

func TestAMemberReachesAndIsReached(t *testing.T) {
	base := mustBuild(t, userSpec(t, `services:
  web: {image: web, networks: {back: {aliases: [www]}}}
  db: {image: db, networks: [data], healthcheck: {disable: true}}
  none: {image: none, networks: [data], deploy: {replicas: 0}}
  edge: {image: caddy, networks: [front], configs: [c]}
networks: {front: {}, back: {internal: true}, data: {labels: {a: b}}}
configs: {c: {x-portal: {ingress: caddy}}}
`))
	for _, tt := range []struct {
		name   string
		change func(*stack.Member)
		want   string
	}{
		{"as it comes", func(m *stack.Member) { m.From = "web" }, "acme_back"},
		{"what it needs", func(m *stack.Member) { m.DependsOn = []string{"db"} }, "acme_data"},
		{"who needs it", func(m *stack.Member) { m.Routes = []stack.Route{{Host: "a.b", Port: 1}} }, "acme_front"},
		{"all", func(m *stack.Member) {
			m.From, m.DependsOn, m.Routes = "web", []string{"db"}, []stack.Route{{Host: "a.b", Port: 1}}
		}, "acme_back acme_data acme_front"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := service("chat", "chat")
			tt.change(&m)
			part := mustJoin(t, base, m)
			s := part.Services["chat"]
			if got := strings.Join(sortedKeys(s.Networks), " "); got != tt.want || got != strings.Join(sortedKeys(part.Networks), " ") {
				t.Errorf("networks are %s, and those of the part %v; want %s", got, sortedKeys(part.Networks), tt.want)
			}
			for name, n := range part.Networks {
				if n.Internal != base.Networks[name].Internal || !maps.Equal(n.Labels, base.Networks[name].Labels) {
					t.Errorf("network %s is %+v", name, n)
				}
			}
			for _, aliases := range s.Networks {
				if !slices.Equal(aliases, []string{"chat"}) {
					t.Errorf("it answers to %v", aliases)
				}
			}
			if condition, waits := s.DependsOn["db"]; waits && condition != stack.Started {
				t.Errorf("it waits for db to be %s, which has no check", condition)
			}
		})
	}
	for _, tt := range []struct{ needs, attribute string }{{"", "from"}, {"none", "depends_on"}} {
		m := service("chat", "chat")
		if tt.needs != "" {
			m.DependsOn = []string{tt.needs}
		}
		var found Problems
		if _, err := Join(base, m); !errors.As(err, &found) || found[0].Attribute != tt.attribute {
			t.Errorf("needing %q: %v, want a problem of %s", tt.needs, err, tt.attribute)
		}
	}
}

func TestPortsStayWithWhatItComesFrom(t *testing.T) {
	base := mustBuild(t, userSpec(t, "services: {web: {image: web, ports: ['80:80'], restart: always, x-portal: {role: web}}}\n"))
	s := mustJoin(t, base, stack.Member{Kind: stack.MemberService, Name: "second", From: "web", Image: "web:2", Entrypoint: []string{"/web"}}).Services["second"]
	if len(s.Ports) > 0 || s.Restart != "always" || s.Role != "" || s.Image != "web:2" {
		t.Errorf("ports %v, restart %s, image %s of role %q", s.Ports, s.Restart, s.Image, s.Role)
	}
}
