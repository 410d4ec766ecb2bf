// SPDX-License-Identifier: MPL-2.0

package backup_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/provider/action/actiontest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }

// site is a portal that keeps files, and is backed up with the scripts of the
// built-in blueprint.
type site struct {
	*acctest.Portal
	ops string // image of the tasks
}

func newSite(t *testing.T) site {
	t.Helper()
	acctest.PreCheck(t)
	s := site{acctest.NewPortal(t), opsImage(t)}
	compose, err := os.ReadFile("testdata/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Blueprint, "compose.yaml"), compose, 0o600); err != nil {
		t.Fatal(err)
	}
	scripts := os.DirFS("../../blueprint/private-portal/scripts")
	if err := os.CopyFS(filepath.Join(s.Blueprint, "scripts"), scripts); err != nil {
		t.Fatal(err)
	}
	return s
}

// opsImage builds the demo image of the tasks if it is not there yet.
func opsImage(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("../../../tools/images/build", "ops")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build the demo image: %v\n%s", err, said.String())
	}
	var images map[string]string
	if err := json.Unmarshal(out, &images); err != nil || images["ops"] == "" {
		t.Fatalf("tools/images/build printed %q: %v", out, err)
	}
	return images["ops"]
}

// config is the portal with more resources.
func (s site) config(more string) string {
	return s.Config(fmt.Sprintf("images = { ops = %q }", s.ops)) + more
}

// schedule is a backup schedule of the portal.
func (s site) schedule(cron, attributes string) string {
	return s.config(fmt.Sprintf(`
resource "portal_backup_schedule" "acc" {
  portal  = portal.acc.name
  name    = "nightly"
  cron    = %q
  include = ["media", "overrides"]
  %s
}
`, cron, attributes))
}

// media is the path of an uploaded file.
func (s site) media(name string) string { return filepath.Join(s.Directory(), "data", "media", name) }

func (s site) upload(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(s.media(name), []byte(content), 0o644); err != nil { //nolint:gosec // others serve it
		t.Fatal(err)
	}
	if err := os.Chown(s.media(name), 1000, 1000); err != nil {
		t.Fatal(err)
	}
}

// actions are those of the provider, for the portal's drive.
func (s site) actions(t *testing.T) actiontest.Server {
	t.Helper()
	return acctest.Actions(t, map[string]any{"storage": map[string]any{"path": s.Storage}})
}
