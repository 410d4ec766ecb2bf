// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// full uses every field of a service.
func full() (*stack.Stack, *stack.Service) {
	s := &stack.Service{
		Name: "lms", Role: "edxapp", Image: "edxapp:1", Replicas: 3,
		Entrypoint: []string{"/entrypoint"}, Command: []string{"lms"},
		Environment: map[string]string{"B": "2", "A": "1", "EMPTY": ""},
		User:        "1000:1000", WorkingDir: "/edx", Hostname: "lms",
		Labels: map[string]string{"team": "learning"},
		Mounts: []stack.Mount{
			{Source: "/srv/portals/acme/config/abc/edxapp.yml", Target: "/portal/config/edxapp.yml", ReadOnly: true},
			{Source: "/srv/portals/acme/data/media", Target: "/edx/var/media"},
			{Target: "/tmp", Size: 64 << 20, Mode: 0o1777},
		},
		Ports: []stack.Port{
			{Container: 8000, Host: 8000, HostIP: "127.0.0.1", Protocol: "tcp"},
			{Container: 53, Protocol: "udp"},
		},
		Networks:   map[string][]string{"acme_default": {"web", "lms"}, "acme_back": nil},
		ExtraHosts: []string{"idp:10.0.0.7"}, DNS: []string{"10.0.0.2"},
		DependsOn: map[string]stack.Condition{"mysql": stack.Healthy, "compile-assets": stack.Completed},
		Healthcheck: &stack.Healthcheck{
			Test: []string{"CMD", "curl", "-f", "http://127.0.0.1:8000/heartbeat"}, Interval: 30 * time.Second,
			Timeout: 10 * time.Second, StartPeriod: 3 * time.Minute, StartInterval: 2 * time.Second, Retries: 3,
		},
		Resources: stack.Resources{Memory: 2 << 30, MemoryReservation: 1 << 30, CPUs: 1.5, PIDs: 512},
		Restart:   "on-failure:5", StopSignal: "SIGQUIT", StopGrace: 1500 * time.Millisecond,
		Init: true, ReadOnly: true, TTY: true, StdinOpen: true,
		CapAdd: []string{"CHOWN"}, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges"},
		GroupAdd: []string{"33"}, Sysctls: map[string]string{"net.core.somaxconn": "1024"},
		Ulimits: map[string]stack.Ulimit{"nofile": {Soft: 1024, Hard: 4096}, "memlock": {Soft: -1, Hard: -1}},
		ShmSize: 128 << 20, LogDriver: "json-file", LogOptions: map[string]string{"max-size": "10m"},
	}
	return &stack.Stack{
		Portal: "acme", Directory: "/srv/portals/acme", StorageID: "drive-1",
		Services: map[string]*stack.Service{"lms": s},
	}, s
}

func TestCreateBody(t *testing.T) {
	for _, api := range []string{"1.41", "1.51"} {
		t.Run(api, func(t *testing.T) {
			st, s := full()
			golden(t, "full-"+api, st, s, api)
		})
	}
	t.Run("least", func(t *testing.T) {
		s := &stack.Service{Name: "backup", Task: &stack.Task{When: stack.Scheduled}, Image: "ops:1", Replicas: 1}
		golden(t, "least", &stack.Stack{Portal: "acme", Directory: "/srv/portals/acme"}, s, "1.41")
	})
}

// golden compares the create call of a service with the file of that name.
func golden(t *testing.T, name string, st *stack.Stack, s *stack.Service, api string) {
	t.Helper()
	b := bodyOf(st, s, 2, "1.2.3", api)
	// The digest is the domain's matter.
	for k, v := range b.config.Labels {
		if v == stack.Digest(s) {
			b.config.Labels[k] = "DIGEST"
		}
	}
	got, err := json.MarshalIndent(struct {
		Create container.CreateRequest
		Rest   []string
	}{container.CreateRequest{Config: b.config, HostConfig: b.host, NetworkingConfig: b.network}, b.rest}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got)+"\n" {
		t.Errorf("%s differs (run with -update and look at the difference):\n%s", path, got)
	}
}

func TestReplicaAlias(t *testing.T) {
	services := map[string]*stack.Service{
		"lms":     {Name: "lms", Networks: map[string][]string{"acme_default": {"web", "lms-2"}}},
		"lms-3":   {Name: "lms-3"}, // a service of its own
		"migrate": {Name: "migrate", Task: &stack.Task{When: stack.Deploy}},
	}
	st := &stack.Stack{Portal: "acme", Services: services}
	for _, c := range []struct {
		service string
		number  int
		want    []string
	}{
		{"lms", 1, []string{"lms", "web", "lms-2", "lms-1"}},
		{"lms", 2, []string{"lms", "web", "lms-2"}},
		{"lms", 3, []string{"lms", "web", "lms-2"}},
		{"lms-3", 1, []string{"lms-3", "lms-3-1"}},
		{"migrate", 1, []string{"migrate"}},
	} {
		got := endpoint(st, services[c.service], c.number, "acme_default").Aliases
		if !slices.Equal(got, c.want) {
			t.Errorf("%s number %d: %q, want %q", c.service, c.number, got, c.want)
		}
	}
}

func TestIntendedSurvivesItsLabel(t *testing.T) {
	_, s := full()
	want := intendedOf(s)
	got, ok := parseIntended(want.encode())
	if !ok || got.settings() != want.settings() || len(got.Networks) != 2 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, ok := parseIntended(""); ok {
		t.Error("an empty label was understood")
	}
	// What Docker reports of the container that was made is what was intended.
	if is := settingsOf(hostConfig(s)); is != want.settings() {
		t.Errorf("made with %+v, intended %+v", is, want.settings())
	}
}

func TestDependsOnSurvivesItsLabel(t *testing.T) {
	_, s := full()
	got := ParseDependsOn(dependsOn(s.DependsOn))
	if len(got) != 2 || got[0] != "compile-assets" || got[1] != "mysql" {
		t.Errorf("got %v", got)
	}
	if got := ParseDependsOn(""); got != nil {
		t.Errorf("got %v of nothing", got)
	}
}
