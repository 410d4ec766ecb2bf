// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
)

// academyAddress is the resource's address in academy's configuration.
const academyAddress = "portal.academy"

// The members of the built-in blueprint, with the add-on glados.
var (
	academyServices = []string{
		"mysql-1", "mongo-1", "redis-1", "memcached-1", "elasticsearch-1", "rabbitmq-1",
		"lms-1", "cms-1", "lms-workers-1", "cms-workers-1", "forum-1", "nginx-1",
		"glados-1", "glados-worker-1", "load-balancer-1", "mailer-1",
	}
	academyTasks = []string{"edxapp-migrations", "compile-assets", "create-superuser", "reindex", "backup", "restore"}
)

// academy is a whole portal: the built-in blueprint on the demo images.
type academy struct {
	*bed
	images string // role → image, as an expression
	domain string
	// door tells where its load balancer listens, as host:port.
	door func(*testing.T) string
	// trace is the file that all commands write their TF_LOG=trace to.
	trace string
}

func newAcademy(t *testing.T) *academy {
	t.Helper()
	images := demoImages(t)
	b := newBed(t)
	a := academyOf(b, images)
	a.door = a.published
	a.trace = filepath.Join(t.TempDir(), "trace.log")
	a.tf = a.tf.With("TF_LOG=trace", "TF_LOG_PATH="+a.trace)
	a.tf.Write(t, a.config(""))
	return a
}

func academyOf(b *bed, images string) *academy {
	return &academy{bed: b, images: images, domain: "learn." + b.Name + ".localhost"}
}

// published is where the load balancer listens on this machine.
func (a *academy) published(t *testing.T) string {
	t.Helper()
	bindings := a.Inspect(t, "load-balancer-1").NetworkSettings.Ports["8080/tcp"]
	if len(bindings) == 0 {
		t.Fatal("the load balancer publishes no port")
	}
	return "127.0.0.1:" + bindings[0].HostPort
}

// demoImages builds the images that are not there yet, and returns the map
// from role to image.
func demoImages(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("../../tools/images/build")
	var said strings.Builder
	cmd.Stderr = &said
	images, err := cmd.Output()
	if err != nil {
		t.Fatalf("build the demo images: %v\n%s", err, said.String())
	}
	if !json.Valid(images) {
		t.Fatalf("tools/images/build printed %q", images)
	}
	return string(images)
}

// config is a configuration that tunes some services:
// `lms = { replicas = 3 }`.
func (a *academy) config(services string) string {
	return a.ProviderConfig() + a.resource(services, "")
}

// resource is the portal with services and more attributes.
func (a *academy) resource(services, more string) string {
	return fmt.Sprintf(`
resource "portal" "academy" {
  name     = %q
  domain   = %q
  addons   = ["glados"]
  images   = %s
  services = { %s }
  %s
}
`, a.Name, a.domain, a.images, services, more)
}

func (a *academy) studio() string { return "studio." + a.domain }

// everything are the members that the portal has with more of some services.
func everything(more ...string) []string {
	return slices.Concat(academyServices, academyTasks, more)
}

// only asserts that a plan changes these members of the stack and nothing else.
func (a *academy) only(t *testing.T, plan *acctest.Plan, services ...string) {
	t.Helper()
	change, ok := plan.Changes[academyAddress]
	if !ok || len(plan.Changes) != 1 || !slices.Equal(change.Actions, []string{"update"}) {
		t.Errorf("the plan is not an update of the portal alone:\n%s", plan.Text)
	}
	if got := change.Services(); !slices.Equal(got, services) {
		t.Errorf("the plan changes %v instead of %v:\n%s", got, services, plan.Text)
	}
}

// start runs a task the way an operator does, and returns its output.
func (a *academy) start(t *testing.T, task string) string {
	t.Helper()
	out, err := exec.Command("docker", "start", "--attach", a.Container(task)).CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
		t.Fatalf("docker start -a %s: exit code %d\n%s", a.Container(task), exit.ExitCode(), out)
	}
	return string(out)
}

// secret is a generated secret of the portal.
func (a *academy) secret(t *testing.T, name string) string {
	t.Helper()
	value := strings.TrimSpace(a.read(t, "secrets", name))
	if len(value) < 16 {
		t.Fatalf("the secret %s has %d characters", name, len(value))
	}
	return value
}

// compose is the command of Docker Compose, if this machine has one.
func compose() []string {
	if path, err := filepath.Abs("../../bin/docker-compose"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return []string{path}
		}
	}
	if exec.Command("docker", "compose", "version").Run() == nil {
		return []string{"docker", "compose"}
	}
	return nil
}
