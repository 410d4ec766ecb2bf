// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/long"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// One portal for all parts, as it takes most of a minute to come up. They are
// in the order of a portal's life, and each leaves it whole.
func TestPrivatePortal(t *testing.T) {
	t.Parallel()
	a := newAcademy(t)
	r := a.tf.Apply(t)
	t.Logf("the portal was made in %s", r.Took)

	for _, part := range []struct {
		name string
		run  func(*testing.T)
		long bool
	}{
		{"nothing to do after the apply", a.testNoChange, false},
		{"the pages", a.testPages, false},
		{"routes", a.testRoutes, false},
		{"drift", a.testDrift, false},
		{"environment", a.testEnvironment, true},
		{"forged headers", a.testForgedHeaders, true},
		{"replicas", a.testReplicas, true},
		{"mail", a.testMail, false},
		{"overrides", a.testOverrides, true},
		{"broken image", a.testBrokenImage, true},
		{"own service", a.testService, true},
		{"tasks", a.testTasks, false},
		{"courses", a.testCourses, true},
		{"backup and restore", a.testRestore, true},
		{"compose", a.testCompose, true},
		{"import", a.testImport, true},
		{"no secret leaves the drive", a.testSecrets, false},
		{"destroy and come back", a.testReturn, true},
	} {
		if part.long && !acctest.Thorough {
			continue
		}
		if !t.Run(part.name, part.run) {
			t.Log("the portal may not be whole any more: what follows may fail for that reason")
		}
	}
}

func (a *academy) testNoChange(t *testing.T) {
	a.noChange(t)
	a.has(t, everything()...)
}

var (
	probed = regexp.MustCompile(`data-service="([^"]+)" data-state="([^"]+)"`)
	worker = regexp.MustCompile(`a task ran on worker ([0-9a-f]+) `)
)

// everyDependency is what the lms and the cms need.
const everyDependency = "MySQL, Document store, Redis, Memcached, RabbitMQ, Search, Mail"

// reached lists the dependencies that a front page says are there.
func reached(page string) string {
	var there []string
	for _, probe := range probed.FindAllStringSubmatch(page, -1) {
		if probe[2] == "ok" {
			there = append(there, probe[1])
		}
	}
	return strings.Join(there, ", ")
}

// The front page shows what each service below it really did.
func (a *academy) testPages(t *testing.T) {
	b := a.browser(t)
	for host, workers := range map[string]string{a.domain: "lms-workers-1", a.studio(): "cms-workers-1"} {
		page := b.page(t, host, "/")
		if got := reached(page); got != everyDependency {
			t.Errorf("%s reaches %s:\n%s", host, got, page)
		}
		task := worker.FindStringSubmatch(page)
		if id := a.Inspect(t, workers).Config.Hostname; task == nil || task[1] != id {
			t.Errorf("%s: the task was run by %v instead of %s, %s", host, task, workers, id)
		}
	}
	if page := b.page(t, a.domain, "/"); !strings.Contains(page, `class="lms"`) {
		t.Errorf("the domain is not answered by the lms:\n%s", page)
	}
	if page := b.page(t, a.studio(), "/"); !strings.Contains(page, `class="cms"`) {
		t.Errorf("the studio's domain is not answered by the cms:\n%s", page)
	}
}

func (a *academy) testRoutes(t *testing.T) {
	b := a.browser(t)
	if got := b.get(t, "learn.another.localhost", "/"); got.status != 404 {
		t.Errorf("another hostname answers %d: %s", got.status, got.body)
	}
	if got := b.get(t, "glados."+a.domain, "/heartbeat"); got.status != 200 {
		t.Errorf("the add-on answers %d: %s", got.status, got.body)
	}
	style := b.get(t, a.domain, "/static/academy/style.css")
	if style.status != 200 || !strings.Contains(strings.Join(style.header.Values("Server"), " "), "nginx") {
		t.Errorf("a static file answers %d, %v", style.status, style.header)
	}

	// Learners may send 4 MB, authors import whole courses.
	send := func(host string, size int) int {
		contentType, body := upload(t, "file", make([]byte, size))
		return b.send(t, host, "/", contentType, body).status
	}
	if got := send(a.domain, 5<<20); got != 413 {
		t.Errorf("5 MB to the lms are answered with %d", got)
	}
	if got := send(a.domain, 3<<20); got == 413 || got >= 500 {
		t.Errorf("3 MB to the lms are answered with %d", got)
	}
	if got := send(a.studio(), 20<<20); got == 413 || got >= 500 {
		t.Errorf("20 MB to the studio are answered with %d", got)
	}
}

// What is done to the lms by hand is seen as a change of the lms alone, and
// mended without touching anything else.
func (a *academy) testDrift(t *testing.T) {
	lms := a.Container("lms-1")
	remove := func(t *testing.T) {
		if err := a.Docker.ContainerRemove(enginetest.Context(t), lms, container.RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name      string
		says      string // what the plan shows
		spoil     func(*testing.T)
		untouched bool // the lms itself runs on as well
	}{
		{"removed", "", remove, false},
		{"stopped", "exited with code 0", func(t *testing.T) {
			if err := a.Docker.ContainerStop(enginetest.Context(t), lms, container.StopOptions{}); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"less memory", "memory 512 MiB instead of 2 GiB", func(t *testing.T) {
			limits := container.UpdateConfig{Resources: container.Resources{Memory: 512 << 20, MemorySwap: 512 << 20}}
			if _, err := a.Docker.ContainerUpdate(enginetest.Context(t), lms, limits); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"made again with another image", enginetest.ImageName, func(t *testing.T) { // as a control panel does: all labels are kept
			was := a.Inspect(t, "lms-1")
			remove(t)
			was.Config.Image, was.Config.Entrypoint = enginetest.Image(t), []string{"sleep", "infinity"}
			was.Config.Cmd = nil
			networks := &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
				stack.NetworkName(a.Name, "default"): {Aliases: []string{"lms"}},
			}}
			made, err := a.Docker.ContainerCreate(enginetest.Context(t), was.Config, was.HostConfig, networks, nil, lms)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Docker.ContainerStart(enginetest.Context(t), made.ID, container.StartOptions{}); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"replaced by a stranger", "", func(t *testing.T) {
			remove(t)
			made, err := a.Docker.ContainerCreate(enginetest.Context(t), &container.Config{Image: enginetest.Image(t), StopSignal: "SIGKILL"}, &container.HostConfig{NetworkMode: "none"}, nil, nil, lms)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { // it was put aside, under another name
				if err := a.Docker.ContainerRemove(enginetest.Context(t), made.ID, container.RemoveOptions{Force: true}); err != nil {
					t.Errorf("what was made by hand is gone: %v", err)
				}
			})
			if err := a.Docker.ContainerStart(enginetest.Context(t), made.ID, container.StartOptions{}); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			long.Among(t, tc.name, "stopped", "less memory")
			before := a.Started(t)
			tc.spoil(t)

			plan := a.tf.Plan(t)
			a.only(t, plan, "lms")
			change := plan.Changes[academyAddress]
			if got := change.Attributes(); !slices.Equal(got, []string{"stack"}) {
				t.Errorf("the plan changes the attributes %v:\n%s", got, plan.Text)
			}
			if !strings.Contains(plan.Text, tc.says) {
				t.Errorf("the plan does not say %q:\n%s", tc.says, plan.Text)
			}

			r := a.tf.Apply(t)
			t.Logf("mended in %s", r.Took)
			if tc.untouched {
				a.untouched(t, before)
			} else {
				a.untouched(t, before, "lms-1")
			}
			a.browser(t).page(t, a.domain, "/")
			a.noChange(t)
		})
	}
	a.has(t, everything()...)
}

// accessLog has gunicorn write what the load balancer told it of a request.
const accessLog = `--access-logfile - --access-logformat '%(U)s for=%({x-forwarded-for}i)s proto=%({x-forwarded-proto}i)s` +
	` host=%({x-forwarded-host}i)s port=%({x-forwarded-port}i)s real=%({x-real-ip}i)s forwarded=%({forwarded}i)s.'`

var withEnvironment = fmt.Sprintf("environment = { GUNICORN_CMD_ARGS = %q }", accessLog)

// A change of one service's environment touches that service alone, and
// nobody who visits the portal notices.
func (a *academy) testEnvironment(t *testing.T) {
	a.tf.Write(t, a.config("lms = { "+withEnvironment+" }"))
	a.only(t, a.tf.Plan(t), "lms")

	before, visitors := a.Started(t), a.visit(t)
	r := a.tf.Apply(t)
	visitors.leave(t)
	t.Logf("changed in %s", r.Took)

	a.untouched(t, before, "lms-1")
	if !slices.Contains(a.Inspect(t, "lms-1").Config.Env, "GUNICORN_CMD_ARGS="+accessLog) {
		t.Error("the lms has not got the new environment")
	}
	a.has(t, everything()...)
	a.noChange(t)
}

// Nobody outside can say for the load balancer whom a request is from.
func (a *academy) testForgedHeaders(t *testing.T) {
	got := a.browser(t).get(t, a.domain, "/heartbeat",
		"X-Forwarded-For", "6.6.6.6", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example",
		"X-Forwarded-Port", "666", "X-Real-Ip", "6.6.6.6", "Forwarded", "for=6.6.6.6",
		"X-Forwarded-Ssl", "on")
	if got.status != 200 {
		t.Errorf("a request with forged headers is answered with %d", got.status)
	}
	var line string
	eventually(t, "the request in the log of the lms", func() bool {
		for text := range strings.Lines(a.logs(t, "lms-1")) {
			if strings.HasPrefix(text, "/heartbeat ") && strings.Contains(text, a.domain) {
				line = strings.TrimSpace(text)
			}
		}
		return line != ""
	})
	// The client is the network's gateway, as the port is published by Docker.
	honest := regexp.MustCompile(`^/heartbeat for=[\d.]+ proto=http host=` + regexp.QuoteMeta(a.domain) + `(:\d+)? port=- real=- forwarded=-\.$`)
	if !honest.MatchString(line) || strings.Contains(line, "6.6.6.6") {
		t.Errorf("the lms was told %q", line)
	}
}

func (a *academy) testReplicas(t *testing.T) {
	before := a.Started(t)
	scale := func(n int) string { return fmt.Sprintf("lms = { replicas = %d, %s }", n, withEnvironment) }

	a.tf.Write(t, a.config(scale(3)))
	a.only(t, a.tf.Plan(t), "lms")
	visitors := a.visit(t)
	a.tf.Apply(t)
	visitors.leave(t)
	a.has(t, everything("lms-2", "lms-3")...)
	a.untouched(t, before)
	a.testAllAnswer(t, "lms-1", "lms-2", "lms-3")

	before = a.Started(t)
	a.tf.Write(t, a.config(scale(2)))
	a.only(t, a.tf.Plan(t), "lms")
	visitors = a.visit(t)
	a.tf.Apply(t)
	visitors.leave(t)
	a.has(t, everything("lms-2")...)
	a.untouched(t, before, "lms-3")
	a.testAllAnswer(t, "lms-1", "lms-2")
}

var answeredBy = regexp.MustCompile(`Answered by container ([0-9a-f]+)`)

// testAllAnswer asserts that the load balancer uses all replicas.
func (a *academy) testAllAnswer(t *testing.T, members ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, member := range members {
		missing[a.Inspect(t, member).Config.Hostname] = true
	}
	b := a.browser(t)
	eventually(t, "an answer of each replica", func() bool {
		if found := answeredBy.FindStringSubmatch(b.page(t, a.domain, "/")); found != nil {
			delete(missing, found[1])
		}
		return len(missing) == 0
	})
}

// An image that does not come up leaves what is there serving.
func (a *academy) testBrokenImage(t *testing.T) {
	broken := "portal-test/" + a.Name + ":broken"
	enginetest.ImportImage(t, a.Docker, broken, `ENTRYPOINT ["sh", "-c", "echo the disk is on fire >&2; exit 3"]`)
	t.Cleanup(func() {
		if _, err := a.Docker.ImageRemove(enginetest.Context(t), broken, image.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	before, visitors := a.Started(t), a.visit(t)

	a.tf.Write(t, a.config(fmt.Sprintf("lms = { replicas = 2, image = %q, %s }", broken, withEnvironment)))
	r := a.tf.Fail(t)
	t.Logf("failed after %s", r.Took)
	says(t, r, "Portal "+a.Name, "lms", "the disk is on fire")
	visitors.leave(t)

	a.untouched(t, before)
	a.has(t, everything("lms-2")...)
	a.tf.Write(t, a.config("lms = { replicas = 2, "+withEnvironment+" }"))
	a.noChange(t)
	a.tf.Write(t, a.config("lms = { "+withEnvironment+" }"))
	a.tf.Apply(t)
	a.has(t, everything()...)
}

func (a *academy) testTasks(t *testing.T) {
	if out := a.start(t, "create-superuser"); !strings.Contains(out, "secrets/admin-password") {
		t.Errorf("create-superuser does not say where the password is:\n%s", out)
	}
	if out := a.start(t, "reindex"); !strings.Contains(out, "1 courses are in the search index") {
		t.Errorf("reindex says:\n%s", out)
	}
	// A task that was run by hand is no change.
	a.noChange(t)
}

// The administrator publishes a course, a learner enrols.
func (a *academy) testCourses(t *testing.T) {
	b := a.browser(t)
	a.signIn(t, b)
	b.publish(t, a.studio(), "Galaxies")
	b.submit(t, a.domain, "/", "/enrol", "learner", "Ada", "course", "galaxies")
	a.testGalaxies(t)
}

func (a *academy) signIn(t *testing.T, b *browser) {
	t.Helper()
	page := b.submit(t, a.studio(), "/admin/login/?next=/", "/admin/login/?next=/",
		"username", "admin@"+a.domain, "password", a.secret(t, "admin-password"))
	if !strings.Contains(page, "New course") {
		t.Fatalf("the administrator cannot sign in:\n%s", page)
	}
}

var picture = regexp.MustCompile(`<img src="(/media/courses/[^"]+)"`)

// testGalaxies asserts that the course is found, with its one learner and its
// picture.
func (a *academy) testGalaxies(t *testing.T) {
	t.Helper()
	b := a.browser(t)
	page := b.page(t, a.domain, "/?q=galaxies")
	if !strings.Contains(page, "<h3>Galaxies</h3>") || !strings.Contains(page, `"note">1 learner<`) {
		t.Errorf("the course with one learner is not found:\n%s", page)
	}
	file := picture.FindStringSubmatch(page)
	if file == nil {
		t.Fatalf("the course has no picture:\n%s", page)
	}
	if got := b.get(t, a.domain, file[1]); got.status != 200 || got.header.Get("Content-Type") != "image/png" {
		t.Errorf("the picture answers %d, %v", got.status, got.header)
	}
}

// A backup brings back rows, documents and files.
func (a *academy) testRestore(t *testing.T) {
	if out := a.start(t, "backup"); !strings.Contains(out, "backup: done") {
		t.Errorf("backup says:\n%s", out)
	}
	b := a.browser(t)
	b.submit(t, a.domain, "/", "/enrol", "learner", "Eve", "course", "galaxies")
	if page := b.page(t, a.domain, "/?q=galaxies"); !strings.Contains(page, "2 learners") {
		t.Errorf("the second learner is not there:\n%s", page)
	}
	if err := os.RemoveAll(filepath.Join(a.Directory(), "data", "media", "courses")); err != nil {
		t.Fatal(err)
	}
	// It waits for nobody to write any more, and touches nothing before.
	if out, err := exec.Command("docker", "start", "--attach", a.Container("restore")).CombinedOutput(); err == nil || !strings.Contains(string(out), "Stop them first") {
		t.Errorf("restore beside those who write: %v\n%s", err, out)
	}
	for _, writer := range []string{"lms-1", "cms-1", "lms-workers-1", "cms-workers-1", "forum-1", "glados-1", "glados-worker-1", "memcached-1"} {
		if err := a.Docker.ContainerStop(enginetest.Context(t), a.Container(writer), container.StopOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if out := a.start(t, "restore"); !strings.Contains(out, "restore: done") {
		t.Errorf("restore says:\n%s", out)
	}
	a.tf.Apply(t)
	a.testGalaxies(t)
	a.noChange(t)
}

// Docker Compose shows the portal as one of its projects.
func (a *academy) testCompose(t *testing.T) {
	for _, c := range a.list(t, filters.NewArgs(filters.Arg("label", "com.docker.compose.project="+a.Name))) {
		for _, label := range []string{"service", "container-number", "oneoff", "config-hash", "version"} {
			if c.Labels["com.docker.compose."+label] == "" {
				t.Errorf("%s lacks Compose's label %s", c.Names[0], label)
			}
		}
	}
	command := compose()
	if command == nil {
		t.Log("no Docker Compose here: its labels alone were looked at")
		return
	}
	run := func(args ...string) string {
		out, err := exec.Command(command[0], slices.Concat(command[1:], []string{"-p", a.Name}, args)...).CombinedOutput()
		if err != nil {
			t.Errorf("%v %v: %v\n%s", command, args, err, out)
		}
		return string(out)
	}
	ps := run("ps", "--format", "{{.Name}} {{.Service}} {{.State}}")
	for _, member := range academyServices {
		if !strings.Contains(ps, a.Container(member)+" "+member[:len(member)-len("-1")]+" running\n") {
			t.Errorf("compose ps does not show that %s runs:\n%s", member, ps)
		}
	}
	if all := run("ps", "--all", "--services"); !strings.Contains(all, "create-superuser\n") {
		t.Errorf("compose ps --all does not show the tasks:\n%s", all)
	}
	if logs := run("logs", "--tail", "20", "lms"); !strings.Contains(logs, "lms-1") || !strings.Contains(logs, "/heartbeat") {
		t.Errorf("compose logs lms shows:\n%s", logs)
	}
}

// The portal can be taken over by another state.
func (a *academy) testImport(t *testing.T) {
	another := acctest.NewTerraform(t, a.config("lms = { "+withEnvironment+" }"))
	another.Must(t, "import", "-no-color", academyAddress, a.Name)
	if plan := another.Plan(t); !plan.Empty {
		t.Errorf("after the import the plan is not empty:\n%s", plan.Text)
	}
}

// What a client has learned outlives its containers.
func (a *academy) testReturn(t *testing.T) {
	before := a.secret(t, "admin-password")
	r := a.tf.Destroy(t)
	t.Logf("destroyed in %s", r.Took)
	a.has(t)

	r = a.tf.Apply(t)
	t.Logf("made again in %s", r.Took)
	a.has(t, everything()...)
	if a.secret(t, "admin-password") != before {
		t.Error("the secrets are others than before")
	}
	a.testGalaxies(t)
	a.signIn(t, a.browser(t))
	a.noChange(t)
	a.testSecrets(t)
	a.tf.Destroy(t)
}
