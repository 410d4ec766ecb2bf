// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

var testOptions = Options{StoragePath: "/srv/portals"}

// demoSpec is a portal of the built-in blueprint that has all it needs.
func demoSpec() stack.Spec {
	return stack.Spec{
		Name: "acme", Domain: "learn.acme.com", StudioDomain: "studio.learn.acme.com", HTTPPort: 8080,
		Images: map[string]string{"edxapp": "registry.example.com/edxapp:hawthorn.2", "forum": "registry.example.com/forum:1"},
	}
}

// golden compares text with testdata/<name>.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs; run `go test ./internal/blueprint -update` and read the difference", file)
	}
}

func mustBuild(t *testing.T, spec stack.Spec) *stack.Stack {
	t.Helper()
	s, err := Build(context.Background(), spec, testOptions)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return s
}

// readable is a stack with its files' contents as text.
func readable(t *testing.T, s *stack.Stack) []byte {
	t.Helper()
	type file struct {
		stack.File
		Content string
	}
	files := map[string]file{}
	for name, f := range s.Files {
		files[name] = file{f, string(f.Content)}
	}
	type shown struct {
		stack.Stack
		Files map[string]file
	}
	text, err := json.MarshalIndent(shown{*s, files}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}
