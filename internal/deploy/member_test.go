// SPDX-License-Identifier: MPL-2.0

//go:build linux

package deploy

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// memberBed is a bed with a load balancer, and its portal runs.
const ingressPath = stack.IngressFolder + "/config.json"

func memberBed(t *testing.T) *bed {
	b := newBed(t)
	if _, err := b.Create(t.Context(), b.spec(), b.routed(), nil); err != nil {
		t.Fatal(err)
	}
	b.fake.Ran()
	return b
}

// routed is the bed's stack behind a load balancer.
func (b *bed) routed() *stack.Stack {
	st := b.stack()
	st.Services["web"].Routes = []stack.Route{{Host: "learn.acme.com", Path: "/", Port: 8000}}
	st.Services["lb"] = &stack.Service{Name: "lb", Image: "caddy:2", Replicas: 1, Networks: st.Services["web"].Networks, Update: stack.StopFirst}
	st.Ingress = &stack.Ingress{Service: "lb", Format: "caddy", File: "config.json", Reload: []string{"caddy", "reload"}}
	st.Directories["ingress"] = stack.Directory{Mode: 0o755}
	return st
}

func chat() stack.Member {
	return stack.Member{
		Kind: stack.MemberService, Name: "chat", Image: "chat:1", Replicas: 2,
		User: "1000:1000", DependsOn: []string{"mysql"},
		Routes: []stack.Route{{Host: "chat.acme.com", Path: "/", Port: 8080}},
	}
}

func (b *bed) mustApply(m stack.Member) MemberState {
	b.t.Helper()
	s, err := b.ApplyMember(b.t.Context(), "acme", m, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func TestMemberJoinsAndLeaves(t *testing.T) {
	b := memberBed(t)
	before := b.ids()
	s := b.mustApply(chat())
	if s.Summary.Replicas != 2 || s.Summary.Status != stack.StatusRunning || s.Host == "" {
		t.Errorf("state is %+v", s)
	}
	if ran := b.fake.Ran(); !slices.Contains(ran, "exec acme-lb-1 [caddy reload]") {
		t.Errorf("the load balancer was not told: %v", ran)
	}
	if config := b.read("acme/" + ingressPath); !strings.Contains(config, "chat.acme.com") || !strings.Contains(config, "learn.acme.com") {
		t.Errorf("the routes are %s", config)
	}
	for name, id := range before {
		if b.ids()[name] != id {
			t.Errorf("%s was replaced", name)
		}
	}
	// Neither of the two parts touches the other.
	if r, err := b.Update(t.Context(), b.spec(), b.routed(), nil); err != nil || !maps.Equal(r.Services, stack.Summarize(b.routed())) {
		t.Errorf("%v, services are %v", err, r.Services)
	}
	if len(b.ids()) != len(before)+2 {
		t.Errorf("containers are %v", b.ids())
	}
	if config := b.read("acme/" + ingressPath); !strings.Contains(config, "chat.acme.com") {
		t.Error("the portal's update dropped the member's routes")
	}
	read, found, err := b.ReadMember(t.Context(), "acme", "service/chat")
	if err != nil || !found || read.Summary != s.Summary || read.Member.Image != "chat:1" {
		t.Errorf("read %+v, %v, %v", read, found, err)
	}

	if err := b.RemoveMember(t.Context(), "acme", "service/chat"); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(b.ids(), before) {
		t.Errorf("containers are %v, were %v", b.ids(), before)
	}
	if config := b.read("acme/" + ingressPath); strings.Contains(config, "chat.acme.com") {
		t.Error("the routes are still there")
	}
	if _, found, err := b.ReadMember(t.Context(), "acme", "service/chat"); found || err != nil {
		t.Errorf("after the removal: %v, %v", found, err)
	}
	if err := b.RemoveMember(t.Context(), "acme", "service/chat"); err != nil {
		t.Errorf("a second removal: %v", err)
	}
}

func TestPortalThatGoesFirstTakesItsMembers(t *testing.T) {
	b := memberBed(t)
	b.mustApply(chat())
	if err := b.Delete(t.Context(), "acme", stack.Retain); err != nil {
		t.Fatal(err)
	}
	if len(b.ids()) > 0 {
		t.Errorf("left over: %v", b.ids())
	}
	b.Deployer = &Deployer{Engine: b.fake, Version: "test"}
	if _, found, err := b.ReadMember(t.Context(), "acme", "service/chat"); found || err != nil {
		t.Errorf("read: %v, %v", found, err)
	}
	if err := b.RemoveMember(t.Context(), "acme", "service/chat"); err != nil {
		t.Errorf("removing it afterwards: %v", err)
	}
	_, err := b.ApplyMember(t.Context(), "acme", chat(), nil)
	if !errors.Is(err, ErrNoPortal) {
		t.Errorf("adding to a portal that is gone: %v", err)
	}
	// It comes back without them.
	if _, err := b.Create(t.Context(), b.spec(), b.routed(), nil); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.read("acme/"+ingressPath), "chat.acme.com") {
		t.Error("the routes of a member that is gone came back")
	}
}

func TestRoutesThatClash(t *testing.T) {
	b := memberBed(t)
	m := chat()
	m.Routes[0].Host = "learn.acme.com"
	_, err := b.ApplyMember(t.Context(), "acme", m, nil)
	wantError(t, err, "learn.acme.com", "web")
	b.mustApply(chat())
	second := chat()
	second.Name = "talk"
	_, err = b.ApplyMember(t.Context(), "acme", second, nil)
	wantError(t, err, "chat.acme.com", "chat")
	if len(b.ids()) != len(b.stack().Services)+4 { // lb, a second web, two of chat
		t.Errorf("something was made: %v", b.ids())
	}
}

func TestBrokenUpdateOfAMemberIsRolledBack(t *testing.T) {
	b := memberBed(t)
	before := b.mustApply(chat())
	b.fake.Fail = func(op *stack.Operation) error {
		if op.Kind == stack.WaitHealthy && op.Service == "chat" && op.ContainerID == "" {
			return errors.New("unhealthy")
		}
		return nil
	}
	m := chat()
	m.Image = "chat:broken"
	m.Routes = []stack.Route{{Host: "talk.acme.com", Path: "/", Port: 8080}}
	s, err := b.ApplyMember(t.Context(), "acme", m, nil)
	wantError(t, err, "unhealthy", "serves as before")
	if s.Summary != before.Summary {
		t.Errorf("what runs is %+v, was %+v", s.Summary, before.Summary)
	}
	// The routes of what does not run are nobody's.
	b.fake.Fail = nil
	if _, err := b.Update(t.Context(), b.spec(), b.routed(), nil); err != nil {
		t.Fatal(err)
	}
	if config := b.read("acme/" + ingressPath); strings.Contains(config, "talk.acme.com") || !strings.Contains(config, "chat.acme.com") {
		t.Errorf("the routes are %s", config)
	}
}

func TestMemberKilledAtAnyCallIsFinished(t *testing.T) {
	for cut := range 16 {
		b := memberBed(t)
		b.killAfter(cut)
		_, _ = b.ApplyMember(t.Context(), "acme", chat(), nil)
		b.fake.Fail = nil
		s := b.mustApply(chat())
		if s.Summary.Status != stack.StatusRunning || s.Summary.Replicas != 2 {
			t.Errorf("cut after %d calls: %+v", cut, s)
		}
		b.killAfter(cut)
		_ = b.RemoveMember(t.Context(), "acme", "service/chat")
		b.fake.Fail = nil
		if err := b.RemoveMember(t.Context(), "acme", "service/chat"); err != nil {
			t.Fatal(err)
		}
		if len(b.ids()) != len(b.routed().Services)+1 {
			t.Errorf("cut after %d calls: %v", cut, b.ids())
		}
	}
}

func TestGivenSecretsStayOnTheDrive(t *testing.T) {
	b := memberBed(t)
	m := chat()
	m.User = ""
	m.GivenSecrets = map[string]string{"/run/secrets/token": "chat-token"}
	if _, err := b.ApplyMember(t.Context(), "acme", m, map[string]string{"chat-token": "tell-nobody"}); err != nil {
		t.Fatal(err)
	}
	if got := b.read("acme/secrets/given/chat-token"); got != "tell-nobody" {
		t.Errorf("the file holds %q", got)
	}
	b.mustApply(m) // without the value: it stays
	if got := b.read("acme/secrets/given/chat-token"); got != "tell-nobody" {
		t.Errorf("the file holds %q", got)
	}
	if strings.Contains(b.read("acme/records/member-service-chat.json"), "tell-nobody") {
		t.Error("the record shows the secret")
	}
	if err := b.RemoveMember(t.Context(), "acme", "service/chat"); err != nil {
		t.Fatal(err)
	}
	if b.exists("acme/secrets/given/chat-token") {
		t.Error("the secret is still there")
	}
}

func TestRunTask(t *testing.T) {
	b := memberBed(t)
	m := stack.Member{Kind: stack.MemberTask, Name: "report", From: "web", Command: []string{"report"}}
	s := b.mustApply(m)
	if s.Summary.Status != stack.StatusReady || len(s.Runs) > 0 {
		t.Errorf("state is %+v", s)
	}
	var told []string
	run, err := b.RunTask(t.Context(), "acme", "report", func(line string) { told = append(told, line) })
	if err != nil || run.ExitCode != 0 || run.Started.IsZero() || len(told) == 0 {
		t.Errorf("%+v, %v, %q", run, err, told)
	}
	read, _, err := b.ReadMember(t.Context(), "acme", "task/report")
	if err != nil || len(read.Runs) != 1 || !read.Runs[0].OK {
		t.Errorf("read %+v, %v", read, err)
	}
	b.fake.ExitCode = func(string) int { return 4 }
	run, err = b.RunTask(t.Context(), "acme", "report", func(string) {})
	wantError(t, err, "exit code 4", "acme-report")
	if run.ExitCode != 4 {
		t.Errorf("run is %+v", run)
	}
	history := filepath.Join(b.drive, "acme/records/runs-report.json")
	if err := os.WriteFile(history, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveMember(t.Context(), "acme", "task/report"); err != nil {
		t.Fatal(err)
	}
	if b.exists("acme/records/runs-report.json") {
		t.Error("the history of a task that is gone is still there")
	}
	_, err = b.RunTask(t.Context(), "acme", "nothing", func(string) {})
	wantError(t, err, `no task "nothing"`, "migrate")
}

// A task with RunOn runs when it is made and when RunOn changes, and not else.
func TestTaskRunsOnAChange(t *testing.T) {
	b := memberBed(t)
	runs := func() (n int) {
		for _, id := range b.fake.Ran() {
			if id == "start acme-seed" {
				n++
			}
		}
		return n
	}
	m := stack.Member{Kind: stack.MemberTask, Name: "seed", Image: "seed:1", RunOn: map[string]string{"version": "1"}}
	for _, tc := range []struct {
		version string
		runs    int
	}{{"1", 1}, {"1", 0}, {"2", 1}} {
		m.RunOn = map[string]string{"version": tc.version}
		b.mustApply(m)
		if got := runs(); got != tc.runs {
			t.Errorf("version %s: %d runs, want %d", tc.version, got, tc.runs)
		}
	}
	b.fake.ExitCode = func(string) int { return 3 }
	m.RunOn = map[string]string{"version": "3"}
	_, err := b.ApplyMember(t.Context(), "acme", m, nil)
	wantError(t, err, "exit code 3", "seed")
}

func TestRestartServices(t *testing.T) {
	b := memberBed(t)
	if err := b.RestartServices(t.Context(), "acme", []string{"web"}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if got := b.restarts(); !slices.Equal(got, []string{"acme-web-1", "acme-web-2"}) {
		t.Errorf("restarted %v", got)
	}
	err := b.RestartServices(t.Context(), "acme", []string{"nobody"}, func(string) {})
	wantError(t, err, `no service "nobody"`, "mysql, web")
	if err := b.RestartServices(t.Context(), "nobody", nil, func(string) {}); !errors.Is(err, ErrNoPortal) {
		t.Errorf("a portal that is not there: %v", err)
	}
}

func TestRestoreStopsAndStartsTheWriters(t *testing.T) {
	b := newBed(t)
	st := b.routed()
	st.Services["backup"] = &stack.Service{
		Name: "backup", Image: "ops:1", Replicas: 1, Task: &stack.Task{When: stack.Scheduled},
		Environment: map[string]string{"RESTIC_REPOSITORY": "/portal/backups/restic", "RESTIC_CACHE_DIR": "/x", "OTHER": "1"},
	}
	st.Services["restore"] = &stack.Service{
		Name: "restore", Image: "ops:1", Replicas: 1, Task: &stack.Task{When: stack.Manual},
		Environment: map[string]string{"RESTORE_WRITERS": "web gone migrate"},
	}
	if _, err := b.Create(t.Context(), b.spec(), st, nil); err != nil {
		t.Fatal(err)
	}
	before := b.ids()
	for _, code := range []int{0, 1} {
		b.fake.Ran()
		b.fake.ExitCode = func(task string) int {
			if strings.HasPrefix(task, "restore-run-") {
				return code
			}
			return 0
		}
		_, err := b.Restore(t.Context(), "acme", RestoreOptions{}, func(string) {})
		if (err == nil) != (code == 0) {
			t.Errorf("exit code %d: %v", code, err)
		}
		var order []string
		for _, id := range b.fake.Ran() {
			switch {
			case id == "stop acme-web-1", id == "start acme-web-1":
				order = append(order, id)
			case strings.HasPrefix(id, "start acme-restore-run-"):
				order = append(order, "restore")
			case id == "start acme-migrate":
				order = append(order, "migrate")
			case strings.Contains(id, "mysql") || strings.Contains(id, "lb"):
				t.Errorf("%s is no business of a restore", id)
			}
		}
		want := []string{"stop acme-web-1", "restore", "migrate", "start acme-web-1"}
		if code != 0 { // the data are those of before
			want = slices.Delete(want, 2, 3)
		}
		if !slices.Equal(order, want) {
			t.Errorf("exit code %d: %v", code, order)
		}
		if !maps.Equal(b.ids(), before) {
			t.Errorf("exit code %d: containers are %v", code, b.ids())
		}
	}
}

// A restore from another portal reads that one's repository, and cannot write to
// it.
func TestRestoreServiceOfAnotherPortal(t *testing.T) {
	restore := &stack.Service{
		Environment: map[string]string{"RESTIC_REPOSITORY": "/portal/backups/restic", "RESTIC_CACHE_DIR": "/portal/backups/cache"},
		Mounts: []stack.Mount{
			{Source: "/srv/b/backups", Target: "/portal/backups"},
			{Source: "/srv/b/secrets/restic-password", Target: "/portal/secrets/restic-password", ReadOnly: true},
		},
	}
	backup := &stack.Service{
		Environment: map[string]string{"RESTIC_REPOSITORY": "/portal/backups/restic", "RESTIC_CACHE_DIR": "/portal/backups/other", "BACKUP_KEEP_LAST": "1"},
		Mounts: []stack.Mount{
			{Source: "/srv/a/backups", Target: "/portal/backups"},
			{Source: "/srv/a/data/media", Target: "/edx/var/media"},
			{Source: "/srv/a/secrets/restic-password", Target: "/portal/secrets/restic-password", ReadOnly: true},
		},
	}
	s := restoreService(restore, backup, RestoreOptions{From: "a", Snapshot: "123"}, "b")
	wantEnv := map[string]string{
		"RESTIC_REPOSITORY": "/portal/source/restic", "RESTIC_CACHE_DIR": "/portal/backups/cache",
		"RESTORE_PORTAL": "a", "RESTORE_SNAPSHOT": "123",
	}
	if !maps.Equal(s.Environment, wantEnv) {
		t.Errorf("environment is %v", s.Environment)
	}
	wantMounts := []stack.Mount{
		{Source: "/srv/b/backups", Target: "/portal/backups"},
		{Source: "/srv/a/backups", Target: "/portal/source", ReadOnly: true},
		{Source: "/srv/a/secrets/restic-password", Target: "/portal/secrets/restic-password", ReadOnly: true},
	}
	if !slices.Equal(s.Mounts, wantMounts) {
		t.Errorf("mounts are %v", s.Mounts)
	}
}
