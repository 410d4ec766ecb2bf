// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"pgregory.net/rapid"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

var builtinAddons = []string{"glados", "companion-cube", "compete", "learner-support", "lp-certs"}

// anySpec draws a portal of the built-in blueprint.
func anySpec(t *rapid.T) stack.Spec {
	spec := demoSpec()
	spec.Name = rapid.StringMatching(`[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?`).Draw(t, "name")
	spec.HTTPPort = rapid.IntRange(0, 65535).Draw(t, "port")
	for _, addon := range builtinAddons {
		if rapid.Bool().Draw(t, addon) {
			spec.Addons = append(spec.Addons, addon)
			spec.Images[addon] = "registry.example.com/" + addon + ":1"
		}
	}
	spec.Services = map[string]stack.Tuning{}
	for _, name := range []string{"lms", "cms", "mysql", "backup"} {
		if rapid.Bool().Draw(t, "tune "+name) {
			spec.Services[name] = stack.Tuning{
				Memory:      rapid.Int64Range(6<<20, 8<<30).Draw(t, "memory"),
				Environment: map[string]string{"X": rapid.StringMatching(`[ -~]*`).Draw(t, "x")},
			}
		}
	}
	return spec
}

func TestBuildIsDeterministicAndSound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		spec := anySpec(rt)
		first, err := Build(context.Background(), spec, testOptions)
		if err != nil {
			rt.Fatal(err)
		}
		second, err := Build(context.Background(), spec, testOptions)
		if err != nil {
			rt.Fatal(err)
		}
		a, _ := json.Marshal(first)
		b, _ := json.Marshal(second)
		if !bytes.Equal(a, b) {
			rt.Fatal("two builds of one spec differ")
		}
		checkInvariants(rt, first)
	})
}

type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkInvariants is what every stack promises.
func checkInvariants(t reporter, s *stack.Stack) {
	t.Helper()
	for name := range s.Files {
		if section := strings.SplitN(name, "/", 2)[0]; section != "config" && section != "secrets" || path.Clean(name) != name {
			t.Errorf("file %s lies outside config/ and secrets/", name)
		}
	}
	for _, svc := range s.Services {
		if _, err := reference.ParseNormalizedNamed(svc.Image); err != nil {
			t.Errorf("%s: image %q: %v", svc.Name, svc.Image, err)
		}
		if svc.Task != nil && (svc.Restart != "no" || svc.Replicas != 1) {
			t.Errorf("%s: a task with restart %q and %d replicas", svc.Name, svc.Restart, svc.Replicas)
		}
		for network := range svc.Networks {
			if _, ok := s.Networks[network]; !ok {
				t.Errorf("%s: network %s is not in the stack", svc.Name, network)
			}
		}
		for _, m := range svc.Mounts {
			if m.Source != "" && !provided(s, strings.TrimPrefix(m.Source, s.Directory+"/")) {
				t.Errorf("%s: nobody makes the source of the mount %s", svc.Name, m.Source)
			}
		}
	}
}

// provided tells whether storage makes a path of the portal's directory.
func provided(s *stack.Stack, name string) bool {
	if _, ok := s.Directories[name]; ok {
		return true
	}
	if name == stack.IngressFolder {
		return s.Ingress != nil
	}
	if secret, ok := strings.CutPrefix(name, "secrets/"); ok {
		if _, ok := s.Secrets[secret]; ok {
			return true
		}
	}
	for file := range s.Files {
		if file == name || strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

func digests(s *stack.Stack) map[string]string {
	d := map[string]string{}
	for name, svc := range s.Services {
		d[name] = stack.Digest(svc)
	}
	return d
}

// changed names the services whose digest differs.
func changed(before, after *stack.Stack) []string {
	b, a := digests(before), digests(after)
	var names []string
	for _, name := range sortedKeys(a) {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	return names
}

func TestATuningChangesItsServiceOnly(t *testing.T) {
	three := 3
	for _, tt := range []struct {
		name   string
		tuning stack.Tuning
		want   string
	}{
		{"environment", stack.Tuning{Environment: map[string]string{"GUNICORN_WORKERS": "4"}}, "[lms]"},
		{"memory", stack.Tuning{Memory: 3 << 30}, "[lms]"},
		{"cpus", stack.Tuning{CPUs: 1.5}, "[lms]"},
		{"image", stack.Tuning{Image: "registry.example.com/edxapp:next"}, "[lms]"},
		{"replicas are no part of a container", stack.Tuning{Replicas: &three}, "[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := mustBuild(t, demoSpec())
			spec := demoSpec()
			spec.Services = map[string]stack.Tuning{"lms": tt.tuning}
			if got := fmt.Sprint(changed(before, mustBuild(t, spec))); got != tt.want {
				t.Errorf("changed %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnAddonLeavesTheOthersAlone(t *testing.T) {
	spec := demoSpec()
	spec.Addons, spec.Images["glados"] = []string{"glados"}, "registry.example.com/glados:1"
	got := fmt.Sprint(changed(mustBuild(t, demoSpec()), mustBuild(t, spec)))
	// The load balancer is told of the new route while it runs.
	if want := "[glados glados-worker]"; got != want {
		t.Errorf("changed %s, want %s", got, want)
	}
}

func TestTheSameMistakesGiveTheSameProblems(t *testing.T) {
	spec := stack.Spec{Name: "acme", Domain: "learn.acme.com", StudioDomain: "studio.learn.acme.com"}
	var first Problems
	for range 20 {
		_, err := Build(context.Background(), spec, testOptions)
		var found Problems
		if !errors.As(err, &found) {
			t.Fatal(err)
		}
		if first == nil {
			first = found
		}
		if first.Error() != found.Error() {
			t.Fatalf("once:\n%s\nthen:\n%s", first, found)
		}
	}
}
