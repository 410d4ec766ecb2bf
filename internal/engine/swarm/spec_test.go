// SPDX-License-Identifier: MPL-2.0

package swarm

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/swarm"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func lms() (*stack.Stack, *stack.Service) {
	s := &stack.Service{
		Name: "lms", Image: "registry.test/edxapp:1", Replicas: 3, Entrypoint: []string{"/entry"}, Command: []string{"run"},
		Environment: map[string]string{"GREETING": "{{ hello }}"}, User: "1000:1000", WorkingDir: "/srv",
		Mounts:      []stack.Mount{{Source: "/srv/portals/acme/data/media", Target: "/media"}, {Target: "/tmp", Size: 1 << 20, Mode: 0o1777}},
		Ports:       []stack.Port{{Container: 8000, Protocol: "tcp"}},
		Networks:    map[string][]string{"acme_default": {"learn"}, "front_edge": {"acme.portals.internal"}},
		Healthcheck: &stack.Healthcheck{Test: []string{"CMD", "true"}, Interval: time.Minute, Retries: 3},
		Resources:   stack.Resources{Memory: 2 << 30, MemoryReservation: 1 << 30, CPUs: 0.5, PIDs: 100},
		Restart:     "unless-stopped", StopGrace: 90 * time.Second, Init: true, ShmSize: 64 << 20, Update: stack.StartFirst,
		ExtraHosts: []string{"ldap:10.0.0.7"}, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
	}
	st := &stack.Stack{
		Portal: "acme", Directory: "/srv/portals/acme", StorageID: "d1", Constraints: []string{"node.labels.zone == a"},
		Services: map[string]*stack.Service{"lms": s},
		Networks: map[string]stack.Network{"acme_default": {}, "front_edge": {Gateway: "front"}},
	}
	return st, s
}

func around(api string) surroundings {
	return surroundings{
		networks: map[string]string{"acme_default": "n1", "front_edge": "n2"}, image: "registry.test/edxapp:1@sha256:abc", api: api,
	}
}

func TestSpec(t *testing.T) {
	st, s := lms()
	spec := specOf(st, s, around("1.41"))
	c := spec.TaskTemplate.ContainerSpec
	if spec.Name != "acme-lms" || spec.Labels[pool.LabelPortal] != "acme" || spec.Labels[pool.LabelDigest] != stack.Digest(s) || spec.Labels[labelReplicas] != "3" {
		t.Errorf("name %s, labels %v", spec.Name, spec.Labels)
	}
	if _, shown := c.Labels[pool.LabelPortal]; shown {
		t.Error("engine docker would take a container of Swarm for its own")
	}
	if !slices.Equal(c.Command, []string{"/entry"}) || !slices.Equal(c.Args, []string{"run"}) || c.Image != "registry.test/edxapp:1@sha256:abc" {
		t.Errorf("it starts %v %v of %s", c.Command, c.Args, c.Image)
	}
	if !slices.Equal(c.Env, []string{`GREETING={{"{{"}} hello }}`}) {
		t.Errorf("Swarm would fill in %v", c.Env)
	}
	if c.Healthcheck.Interval != oldInterval || c.Privileges != nil {
		t.Errorf("for an old engine: %+v, %+v", c.Healthcheck, c.Privileges)
	}
	if newer := specOf(st, s, around("1.44")).TaskTemplate.ContainerSpec; newer.Healthcheck.Interval != time.Minute || !newer.Privileges.NoNewPrivileges {
		t.Errorf("for a newer engine: %+v, %+v", newer.Healthcheck, newer.Privileges)
	}
	if last := c.Mounts[len(c.Mounts)-1]; last.Target != "/dev/shm" || last.Type != mount.TypeTmpfs || last.TmpfsOptions.SizeBytes != 64<<20 {
		t.Errorf("/dev/shm is %+v", last)
	}
	if !slices.Equal(c.Hosts, []string{"10.0.0.7 ldap"}) {
		t.Errorf("hosts %v", c.Hosts)
	}
	want := []swarm.NetworkAttachmentConfig{{Target: "n1", Aliases: []string{"lms", "learn"}}, {Target: "n2", Aliases: []string{"acme.portals.internal"}}}
	if got := spec.TaskTemplate.Networks; !reflect.DeepEqual(got, want) {
		t.Errorf("networks %+v", got)
	}
	if u := spec.UpdateConfig; u.Order != "start-first" || u.FailureAction != "rollback" || u.Parallelism != 1 {
		t.Errorf("updates %+v", u)
	}
	if p := spec.TaskTemplate.Placement.Constraints; !slices.Equal(p, st.Constraints) {
		t.Errorf("constraints %v", p)
	}
	s.Ports[0].Host = 80
	st.Ingress = &stack.Ingress{Service: "lms"}
	spec = specOf(st, s, around("1.41"))
	if spec.UpdateConfig.Order != "stop-first" {
		t.Error("two replicas would publish one port of a node")
	}
	if p := spec.TaskTemplate.Placement.Constraints; !slices.Contains(p, onManagers) {
		t.Errorf("constraints of a load balancer: %v", p)
	}
	s.Task = &stack.Task{When: stack.Manual}
	spec = specOf(st, s, around("1.41"))
	if j := spec.Mode.ReplicatedJob; j == nil || *j.TotalCompletions != 0 || spec.UpdateConfig != nil || spec.TaskTemplate.RestartPolicy.Condition != "none" {
		t.Errorf("a task is %+v", spec.Mode)
	}
}

// TestShape compares what was asked for with what Swarm shows of it later.
func TestShape(t *testing.T) {
	st, s := lms()
	asked := specOf(st, s, around("1.41"))
	var shown swarm.ServiceSpec
	text, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		t.Fatal(err)
	}
	c := shown.TaskTemplate.ContainerSpec
	c.Isolation, c.DNSConfig = "default", &swarm.DNSConfig{}
	shown.TaskTemplate.Runtime, shown.TaskTemplate.ForceUpdate = swarm.RuntimeContainer, 3
	slices.Reverse(shown.TaskTemplate.Networks)
	if got := shapeOf(shown); got != asked.Labels[labelShape] {
		t.Errorf("the shape is\n%s, and was\n%s", got, asked.Labels[labelShape])
	}
	for part, change := range map[string]func(){
		"env":    func() { c.Env = append(c.Env, "DEBUG=1") },
		"limits": func() { shown.TaskTemplate.Resources.Limits.MemoryBytes = 1 },
		"image":  func() { c.Image = "registry.test/edxapp:2" },
		"args":   func() { c.Args = nil },
	} {
		before := strings.Fields(shapeOf(shown))
		change()
		after := strings.Fields(shapeOf(shown))
		var differ []string
		for i := range before {
			if before[i] != after[i] {
				differ = append(differ, before[i][:strings.Index(before[i], "=")])
			}
		}
		if !slices.Equal(differ, []string{part}) {
			t.Errorf("a change of %s shows as one of %v", part, differ)
		}
	}
}

// TestImage: what Docker's client completes is no change.
func TestImage(t *testing.T) {
	for asked, shown := range map[string]string{
		"busybox": "busybox:latest", "ghcr.io/a/b:1": "ghcr.io/a/b:1@sha256:abc", "ghcr.io/a/b@sha256:abc": "ghcr.io/a/b@sha256:abc",
	} {
		spec := swarm.ServiceSpec{Annotations: swarm.Annotations{Labels: map[string]string{labelImage: asked}}}
		spec.TaskTemplate.ContainerSpec = &swarm.ContainerSpec{Image: shown}
		if got := imageOf(spec); got != asked {
			t.Errorf("%s is shown as %s, and read as %s", asked, shown, got)
		}
		spec.TaskTemplate.ContainerSpec.Image = "other:2"
		if got := imageOf(spec); got != "other:2" {
			t.Errorf("another image is read as %s", got)
		}
	}
}

func TestLease(t *testing.T) {
	st, s := lms()
	in := around("1.41")
	in.wrap = func(c *swarm.ContainerSpec) { c.Command = agent.LeaseCommand("", []string{"mysqld"}) }
	c := specOf(st, s, in).TaskTemplate.ContainerSpec
	if slices.Contains(c.Command, "--host") || c.Command[len(c.Command)-1] != "mysqld" {
		t.Errorf("it starts %v", c.Command)
	}
}

func TestRefusals(t *testing.T) {
	st, s := lms()
	e := &Engine{}
	if err := e.Accepts(st); err != nil {
		t.Errorf("an ordinary stack is refused: %v", err)
	}
	s.Ports[0].HostIP = "127.0.0.1"
	s.SecurityOpt = []string{"seccomp=unconfined"}
	err := e.Accepts(st)
	if err == nil || !strings.Contains(err.Error(), "lms: it publishes port 8000 on the address 127.0.0.1 alone") || !strings.Contains(err.Error(), "seccomp=unconfined") {
		t.Errorf("refused with %v", err)
	}
}
