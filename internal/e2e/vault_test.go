// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	dockermount "github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/pkg/stdcopy"
	"go.yaml.in/yaml/v4"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// vault is a portal with what backups are about: of the built-in blueprint the
// databases and the two tasks, on the demo images.
type vault struct {
	*bed
	domain string
	images map[string]string
	// tools is a container like the backup's, to look around with.
	tools running
}

func newVault(t *testing.T) *vault {
	t.Helper()
	var images map[string]string
	if err := json.Unmarshal([]byte(demoImages(t)), &images); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(images, func(role, _ string) bool { return !slices.Contains([]string{"mysql", "mongo", "ops"}, role) })
	b := newBed(t)
	v := &vault{bed: b, domain: "learn." + b.Name + ".test", images: images}
	v.reduceBlueprint(t)
	v.tf = acctest.NewTerraform(t, v.config())
	v.tf.Apply(t)
	v.tools = v.begin(t, "backup", command("exec sleep infinity"))
	return v
}

func (v *vault) config() string {
	images, err := json.Marshal(v.images)
	if err != nil {
		panic(err)
	}
	return v.ProviderConfig() + fmt.Sprintf(`
resource "portal" "vault" {
  name      = %q
  domain    = %q
  blueprint = %q
  images    = %s
}
`, v.Name, v.domain, v.Blueprint, images)
}

// reduceBlueprint makes the portal's blueprint a copy of the built-in one, with
// the services that a vault has.
func (v *vault) reduceBlueprint(t *testing.T) {
	t.Helper()
	const builtin = "../blueprint/private-portal"
	if err := os.Remove(filepath.Join(v.Blueprint, "compose.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(v.Blueprint, os.DirFS(builtin)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(builtin, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	services, ok := file["services"].(map[string]any)
	if !ok {
		t.Fatalf("the built-in blueprint has no services: %T", file["services"])
	}
	maps.DeleteFunc(services, func(name string, _ any) bool {
		return !slices.Contains([]string{"mysql", "mongo", "backup", "restore"}, name)
	})
	if text, err = yaml.Marshal(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(v.Blueprint, "compose.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// result is the last line of a task's standard output.
type result struct {
	OK        bool
	Error     string
	Snapshot  string
	Bytes     int64
	Files     int
	Parts     []string
	Snapshots json.RawMessage
}

// outcome is what a task's run came to.
type outcome struct {
	exit           int
	stdout, stderr string
	result         result
}

// option changes the container of a run.
type option func(*container.Config, *container.HostConfig)

// env sets a variable.
func env(name, value string) option {
	return func(c *container.Config, _ *container.HostConfig) {
		c.Env = append(slices.DeleteFunc(c.Env, func(v string) bool { return strings.HasPrefix(v, name+"=") }), name+"="+value)
	}
}

// args are given to the task's command.
func args(words ...string) option {
	return func(c *container.Config, _ *container.HostConfig) { c.Cmd = append(c.Cmd, words...) }
}

// command replaces the task's command by a shell script.
func command(script string) option {
	return func(c *container.Config, _ *container.HostConfig) { c.Cmd = []string{"bash", "-euc", script} }
}

// mounted puts a file or directory of the host at a path, instead of what is
// mounted there.
func mounted(source, target string) option {
	return func(_ *container.Config, h *container.HostConfig) {
		h.Mounts = slices.DeleteFunc(h.Mounts, func(m dockermount.Mount) bool { return m.Target == target })
		h.Mounts = append(h.Mounts, dockermount.Mount{Type: dockermount.TypeBind, Source: source, Target: target, ReadOnly: true})
	}
}

// run runs a task in a container of its own that is like the task's, but for
// the options.
func (v *vault) run(t *testing.T, task string, options ...option) outcome {
	t.Helper()
	return v.begin(t, task, options...).wait(t)
}

// must runs a task that has to succeed.
func (v *vault) must(t *testing.T, task string, options ...option) outcome {
	t.Helper()
	o := v.run(t, task, options...)
	if o.exit != 0 || !o.result.OK {
		t.Fatalf("%s: exit code %d\n%s%s", task, o.exit, o.stdout, o.stderr)
	}
	return o
}

// refused runs a task that has to fail, and to say why.
func (v *vault) refused(t *testing.T, task, why string, options ...option) outcome {
	t.Helper()
	o := v.run(t, task, options...)
	if o.exit == 0 || o.result.OK || !strings.Contains(o.result.Error, why) {
		t.Errorf("%s does not fail with %q: exit code %d\n%s%s", task, why, o.exit, o.stdout, o.stderr)
	}
	return o
}

// running is a task's run that goes on.
type running struct {
	v    *vault
	id   string
	task string
}

func (v *vault) begin(t *testing.T, task string, options ...option) running {
	t.Helper()
	like := v.Inspect(t, task)
	config, host := *like.Config, *like.HostConfig
	config.Labels, config.Env, config.Cmd = nil, slices.Clone(config.Env), slices.Clone(config.Cmd)
	host.Mounts = slices.Clone(host.Mounts)
	for _, change := range options {
		change(&config, &host)
	}
	networks := &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{}}
	for name := range like.NetworkSettings.Networks {
		networks.EndpointsConfig[name] = &network.EndpointSettings{}
	}
	ctx := enginetest.Context(t)
	made, err := v.Docker.ContainerCreate(ctx, &config, &host, networks, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := v.Docker.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	if err := v.Docker.ContainerStart(ctx, made.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return running{v, made.ID, task}
}

// await waits until the run says a text.
func (r running) await(t *testing.T, text string) {
	t.Helper()
	logs, err := r.v.Docker.ContainerLogs(enginetest.Context(t), r.id, container.LogsOptions{ShowStderr: true, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	lines, w := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(io.Discard, w, logs)
		w.CloseWithError(err)
	}()
	defer lines.Close()
	var said strings.Builder
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		fmt.Fprintln(&said, scanner.Text())
		if strings.Contains(scanner.Text(), text) {
			return
		}
	}
	t.Fatalf("%s ended before it said %q:\n%s", r.task, text, said.String())
}

// kill ends a run as a host that dies does.
func (r running) kill(t *testing.T) {
	t.Helper()
	if err := r.v.Docker.ContainerKill(enginetest.Context(t), r.id, "KILL"); err != nil {
		t.Fatal(err)
	}
	r.wait(t)
}

// wait waits for the end of a run.
func (r running) wait(t *testing.T) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	ended, failed := r.v.Docker.ContainerWait(ctx, r.id, container.WaitConditionNotRunning)
	select {
	case err := <-failed:
		t.Fatal(err)
	case <-ended:
	}
	found, err := r.v.Docker.ContainerInspect(ctx, r.id)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := r.v.Docker.ContainerLogs(ctx, r.id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	var stdout, stderr bytes.Buffer
	if _, err := stdcopy.StdCopy(&stdout, &stderr, logs); err != nil {
		t.Fatal(err)
	}
	o := outcome{exit: found.State.ExitCode, stdout: stdout.String(), stderr: stderr.String()}
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	// A run that was killed, or a script of a test, has no result.
	_ = json.Unmarshal([]byte(lines[len(lines)-1]), &o.result)
	return o
}

// sh runs a script in a container like the backup's, and returns what it prints.
func (v *vault) sh(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	made, err := v.Docker.ContainerExecCreate(ctx, v.tools.id, container.ExecOptions{
		Cmd: []string{"bash", "-euc", script}, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := v.Docker.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var stdout, stderr strings.Builder
	if _, err := stdcopy.StdCopy(&stdout, &stderr, conn.Reader); err != nil {
		t.Fatal(err)
	}
	ended, err := v.Docker.ContainerExecInspect(ctx, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if ended.ExitCode != 0 {
		t.Fatalf("exit code %d of\n%s\n%s%s", ended.ExitCode, script, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// mysql runs statements as root, and returns the rows.
func (v *vault) mysql(t *testing.T, statements string) string {
	t.Helper()
	return v.sh(t, "mysql --defaults-extra-file=/portal/secrets/mysql.cnf --default-character-set=utf8mb4 -N <<'END'\n"+statements+"\nEND\n")
}

// mongo runs a Python script on the document store's `client`.
func (v *vault) mongo(t *testing.T, script string) string {
	t.Helper()
	return v.sh(t, "python3 - <<'END'\n"+`import json, datetime, bson, pymongo
from bson import json_util
password = json.loads(open("/portal/secrets/mongo.yml").read().split(":", 1)[1])
client = pymongo.MongoClient("mongo", username="edxapp", password=password, authSource="admin")
`+script+"\nEND\n")
}

// snapshots are those of the portal, the newest last.
func (v *vault) snapshots(t *testing.T, options ...option) []string {
	t.Helper()
	o := v.must(t, "backup", append(options, args("list"))...)
	var list []struct {
		ID     string
		Portal string
		Time   time.Time
		Bytes  int64
	}
	if err := json.Unmarshal(o.result.Snapshots, &list); err != nil {
		t.Fatalf("%v in %s", err, o.stdout)
	}
	ids := []string{}
	for _, s := range list {
		if s.Portal != v.Name || s.Time.IsZero() || s.Bytes == 0 {
			t.Errorf("a snapshot lacks something: %+v", s)
		}
		ids = append(ids, s.ID)
	}
	return ids
}

// stop stops a database; the returned function starts it again.
func (v *vault) stop(t *testing.T, member string) (start func()) {
	t.Helper()
	v.Stop(t, member)
	return func() {
		t.Helper()
		if err := v.Docker.ContainerStart(enginetest.Context(t), v.Container(member), container.StartOptions{}); err != nil {
			t.Fatal(err)
		}
		v.awaitHealthy(t, member)
	}
}

func (v *vault) awaitHealthy(t *testing.T, member string) {
	t.Helper()
	check := map[string]string{"mysql-1": "mysqladmin ping --host=127.0.0.1 --silent", "mongo-1": `bash -c 'exec 3<>"/dev/tcp/$HOSTNAME/27017"'`}[member]
	eventually(t, member, func() bool {
		code, _ := v.exec(t, member, check)
		return code == 0
	})
}

// stop tells a run to stop.
func (r running) stop(t *testing.T) {
	t.Helper()
	if err := r.v.Docker.ContainerStop(enginetest.Context(t), r.id, container.StopOptions{}); err != nil {
		t.Fatal(err)
	}
}

// byHand starts the task's own container the way an operator does.
func (v *vault) byHand(t *testing.T, task string) string {
	t.Helper()
	out, err := exec.Command("docker", "start", "--attach", v.Container(task)).CombinedOutput()
	if err != nil {
		t.Fatalf("docker start -a %s: %v\n%s", v.Container(task), err, out)
	}
	return string(out)
}
