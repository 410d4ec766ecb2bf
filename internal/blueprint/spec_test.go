// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

func TestSpecProblems(t *testing.T) {
	three := 3
	for _, tt := range []struct {
		name      string
		change    func(*stack.Spec)
		attribute string
		hint      string
	}{
		{"name", func(s *stack.Spec) { s.Name = "Acme Corp" }, "name", "lower-case"},
		{"no domain", func(s *stack.Spec) { s.Domain = "" }, "domain", "it is empty"},
		{"domain with scheme", func(s *stack.Spec) { s.Domain = "https://learn.acme.com" }, "domain", "scheme"},
		{"domain with port", func(s *stack.Spec) { s.Domain = "learn.acme.com:80" }, "domain", "port"},
		{"address", func(s *stack.Spec) { s.Domain = "10.0.0.1" }, "domain", "address"},
		{"upper case", func(s *stack.Spec) { s.StudioDomain = "Studio.acme.com" }, "studio_domain", "studio.acme.com"},
		{"underscore", func(s *stack.Spec) { s.StudioDomain = "a_b.acme.com" }, "studio_domain", "hyphens"},
		{"same domains", func(s *stack.Spec) { s.StudioDomain = s.Domain }, "studio_domain", "told apart"},
		{"port", func(s *stack.Spec) { s.HTTPPort = 70000 }, "http_port", "65535"},
		{"unknown service", func(s *stack.Spec) { s.Services = map[string]stack.Tuning{"lmss": {}} }, "services.lmss", `Did you mean "lms"?`},
		{"service of an add-on", func(s *stack.Spec) { s.Services = map[string]stack.Tuning{"glados": {}} }, "services.glados", `add "glados" to addons`},
		{"unknown role", func(s *stack.Spec) { s.Images["edxap"] = "x" }, "images.edxap", `Did you mean "edxapp"?`},
		{"unknown add-on", func(s *stack.Spec) { s.Addons = []string{"wheatley"} }, "addons", "There are: companion-cube"},
		{"bad image", func(s *stack.Spec) { s.Images["edxapp"] = "Not An Image" }, "images.edxapp", "docker pull"},
		{"bad tuned image", func(s *stack.Spec) { s.Services = map[string]stack.Tuning{"lms": {Image: "a b"}} }, "services.lms.image", "docker pull"},
		{"replicas of a task", func(s *stack.Spec) { s.Services = map[string]stack.Tuning{"backup": {Replicas: &three}} }, "services.backup.replicas", "task"},
		{"replicas of a database", func(s *stack.Spec) { s.Services = map[string]stack.Tuning{"mysql": {Replicas: &three}} }, "services.mysql.replicas", "data directory"},
		{"little memory", func(s *stack.Spec) { s.Services = map[string]stack.Tuning{"lms": {Memory: 1024}} }, "services.lms.memory", "6 MiB"},
		{"negative processors", func(s *stack.Spec) { s.Services = map[string]stack.Tuning{"lms": {CPUs: -1}} }, "services.lms.cpus", "0.01"},
		{"variable", func(s *stack.Spec) {
			s.Services = map[string]stack.Tuning{"lms": {Environment: map[string]string{"A=B": ""}}}
		}, "services.lms.environment", "letters"},
		{"no such blueprint", func(s *stack.Spec) { s.Blueprint = "./nowhere" }, "blueprint", "does not exist"},
		{"folder without a Compose file", func(s *stack.Spec) { s.Blueprint = "testdata/wild" }, "blueprint", "compose.yaml"},
		{"port that nothing uses", func(s *stack.Spec) { s.Blueprint, s.Images = "testdata/wild/wordpress", nil }, "http_port", "PORTAL_HTTP_PORT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := demoSpec()
			tt.change(&spec)
			found := problems(t, spec)
			for _, p := range found {
				if p.Attribute == tt.attribute && strings.Contains(p.Detail, tt.hint) {
					return
				}
			}
			t.Errorf("want the attribute %q and %q in:\n%s", tt.attribute, tt.hint, found)
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	spec := demoSpec()
	spec.Services = map[string]stack.Tuning{"lmss": {}, "cmss": {}}
	spec.Images["edxap"] = "x"
	spec.Addons = []string{"nope"}
	if found := problems(t, spec); len(found) != 4 {
		t.Errorf("want 4 problems, got:\n%s", found)
	}
}

func TestMissingImagesAreOneProblemToPaste(t *testing.T) {
	spec := demoSpec()
	spec.Images = nil
	spec.Addons = []string{"glados"}
	found := problems(t, spec)
	if len(found) != 1 || found[0].Attribute != "images" {
		t.Fatalf("want one problem of images, got:\n%s", found)
	}
	golden(t, "missing-images.golden.txt", []byte(found[0].Detail+"\n"))
}

func TestStoragePathMustBeAbsolute(t *testing.T) {
	for _, path := range []string{"", "portals", "/", "/srv/../etc", "/srv/"} {
		_, err := Build(context.Background(), demoSpec(), Options{StoragePath: path})
		var found Problems
		if !errors.As(err, &found) || !strings.Contains(found[0].Summary, "storage path") {
			t.Errorf("path %q: got %v", path, err)
		}
	}
}

func TestCancelledBuildStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Build(ctx, demoSpec(), testOptions); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
