// SPDX-License-Identifier: MPL-2.0

package e2e_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

// No generated secret is anywhere but on the drive.
func (a *academy) testSecrets(t *testing.T) {
	secrets := a.secrets(t)
	if len(secrets) < 12 {
		t.Fatalf("the portal has %d secrets only", len(secrets))
	}
	plan := a.tf.Plan(t)
	places := map[string]string{
		"the plan": plan.Text, "the plan in JSON": plan.JSON, "the state in JSON": a.tf.State(t),
		"the manifest": a.read(t, "portal.json"),
	}
	files, err := filepath.Glob(filepath.Join(a.tf.Dir, "*.tfstate*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the state's files: %v, %v", files, err)
	}
	for _, file := range append(files, a.trace) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		places[filepath.Base(file)] = string(text)
	}
	maps.Copy(places, a.inspected(t))
	for place, text := range places {
		if text == "" && place[:6] != "docker" {
			t.Errorf("%s is empty: nothing was searched", place)
		}
		for name, secret := range secrets {
			if bytes.Contains([]byte(text), secret) {
				t.Errorf("%s shows %s", place, name)
			}
		}
	}
}

// inspected is what Docker shows of the portal's containers, by where.
func (a *academy) inspected(t *testing.T) map[string]string {
	t.Helper()
	places := map[string]string{}
	for _, c := range a.list(t, filters.NewArgs(filters.Arg("label", pool.LabelPortal+"="+a.Name))) {
		_, raw, err := a.Docker.ContainerInspectWithRaw(enginetest.Context(t), c.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		places["docker inspect "+c.Names[0]] = string(raw)
		places["docker logs "+c.Names[0]] = a.logs(t, c.ID)
	}
	return places
}

// secrets are the contents of all files below secrets/, by path.
func (a *academy) secrets(t *testing.T) map[string][]byte {
	t.Helper()
	root := filepath.Join(a.Directory(), "secrets")
	found := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if text = bytes.TrimSpace(text); len(text) < 16 {
			t.Errorf("%s has %d characters only", path, len(text))
			return err
		}
		found[path[len(root):]] = slices.Clone(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// logs is all that one of the portal's containers has written, by its name
// ("lms-1") or its id.
func (a *academy) logs(t *testing.T, of string) string {
	t.Helper()
	if len(of) != 64 {
		of = a.Container(of)
	}
	r, err := a.Docker.ContainerLogs(enginetest.Context(t), of, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
