// SPDX-License-Identifier: MPL-2.0

// Package lint tests the project's linter configuration: that its rules on
// imports catch what they are there for, and nothing else.
package lint

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

const (
	module    = "github.com/privateportals/terraform-provider-portal"
	docker    = "github.com/docker/docker/client"
	cli       = "github.com/docker/cli/cli/config"
	framework = "github.com/hashicorp/terraform-plugin-framework/resource"
)

// TestImportRules writes a small copy of the module's tree in which each file
// has one import, lints it with the project's own configuration, and compares
// the files found at fault with those that are.
func TestImportRules(t *testing.T) {
	imports := []struct {
		file, imports string
		denied        bool
	}{
		{"main.go", framework, false},
		{"internal/provider/portal/resource.go", framework, false},
		{"internal/acctest/provider.go", framework, false},
		{"internal/acctest/docker.go", docker, false},
		{"internal/pool/host.go", docker, false},
		{"internal/pool/credentials.go", cli, false},
		{"internal/engine/docker/run.go", docker, false},
		{"internal/agent/image.go", docker, false},
		{"internal/e2e/bed_test.go", docker, false},
		{"internal/deploy/deploy.go", module + "/internal/engine", false},
		{"internal/stack/files_test.go", "os", false},

		{"internal/stack/terraform.go", framework, true},
		{"internal/stack/docker.go", docker, true},
		{"internal/stack/os.go", "os", true},
		{"internal/stack/net.go", "net", true},
		{"internal/stack/http.go", "net/http", true},
		{"internal/stack/engine.go", module + "/internal/engine", true},
		{"internal/ingress/os.go", "os", true},
		{"internal/overrides/os.go", "os", true},
		{"internal/overrides/ownership/storage.go", module + "/internal/storage", true},
		{"internal/schedule/os.go", "os", true},
		{"internal/cron/http.go", "net/http", true},
		{"internal/blueprint/docker.go", docker, true},
		{"internal/blueprint/terraform.go", framework, true},
		{"internal/deploy/docker.go", docker, true},
		{"internal/deploy/terraform.go", framework, true},
		{"internal/engine/docker.go", docker, true},
		{"internal/engine/docker/terraform.go", framework, true},
		{"internal/engine/docker/terraform_test.go", framework, true},
		{"internal/pool/terraform.go", framework, true},
		{"internal/provider/portal/docker.go", docker, true},
		{"internal/provider/portal/cli.go", cli, true},
		{"internal/storage/docker.go", docker, true},
		{"internal/storage/docker_test.go", docker, true},
	}

	root := t.TempDir()
	write(t, root, "go.mod", "module "+module+"\n\ngo 1.26\n")
	var want []string
	for _, i := range imports {
		pkg := strings.ReplaceAll(filepath.Base(filepath.Dir(i.file)), ".", "main")
		write(t, root, i.file, fmt.Sprintf("package %s\n\nimport _ %q\n", pkg, i.imports))
		if i.denied {
			want = append(want, i.file)
		}
	}
	sort.Strings(want)

	got := lint(t, root)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the linter finds fault with\n  %s\nwant\n  %s",
			strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// lint returns the files beneath root that break a rule on imports, sorted.
func lint(t *testing.T, root string) []string {
	t.Helper()
	config, err := filepath.Abs("../../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	golangci, err := exec.Command("go", "tool", "-n", "golangci-lint").Output()
	if err != nil {
		t.Fatalf("find golangci-lint: %v", err)
	}
	cmd := exec.Command(strings.TrimSpace(string(golangci)), "run",
		"--config", config, "--enable-only", "depguard", "--allow-parallel-runners",
		"--path-mode", "abs", "--output.text.path", "stdout", "--output.text.print-issued-lines=false",
		"--output.text.colors=false", "--show-stats=false", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOLANGCI_LINT_CACHE="+t.TempDir())
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
		t.Fatalf("golangci-lint: %v\n%s\n%s", err, out, stderr.String())
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		file, rest, ok := strings.Cut(line, ":")
		if !ok || !strings.Contains(rest, "(depguard)") {
			continue
		}
		if file, err = filepath.Rel(root, file); err != nil {
			t.Fatal(err)
		}
		seen[file] = true
	}
	files := make([]string, 0, len(seen))
	for f := range seen {
		files = append(files, f)
	}
	sort.Strings(files)
	return files
}

func write(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
