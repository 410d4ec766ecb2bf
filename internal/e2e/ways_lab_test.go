// SPDX-License-Identifier: MPL-2.0

//go:build lab

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/acctest"
	"github.com/privateportals/terraform-provider-portal/internal/acctest/lab"
)

// testWays has all that a host can be at once in one provider: dead, hanging,
// another one than it was, and well.
func (e *estate) testWays(t *testing.T) {
	well, dead, hanging := e.Hosts[0], e.Hosts[1], e.Hosts[2]
	foreign := e.knownAs(t, well, hanging)
	kept := house{"initech", 18003, fmt.Sprintf("host = %q", well.Name)}
	before := acctest.NewTerraform(t, e.config(nil, kept))
	before.Apply(t)
	must(t, dead.Kill(t.Context()))
	must(t, hanging.Pause())
	e.off = []*lab.Host{dead, hanging}
	defer func() {
		must(t, dead.Start(t.Context()))
		must(t, hanging.Resume())
		e.off = nil
	}()
	config := func(p house) string {
		text := e.config(nil, p)
		other := strings.Replace(well.SSH(), well.Name+" = {", "other = {", 1)
		other = strings.Replace(other, filepath.Join(e.ClientDir(), "known_hosts"), foreign, 1)
		return strings.Replace(text, "  hosts = {", "  hosts = {\n    "+other, 1)
	}
	for host, parts := range map[string][]string{
		dead.Name:    {"ssh://root@" + dead.Address, "Docker Engine"},
		hanging.Name: {"ssh://root@" + hanging.Address, "no answer within"},
		"other":      {"ssh://root@" + well.Address, "key"},
	} {
		t.Run(host, func(t *testing.T) {
			tf := acctest.NewTerraform(t, config(house{"acme", 18001, fmt.Sprintf("host = %q", host)}))
			r := tf.Fail(t)
			t.Logf("failed after %s:\n%s", r.Took.Round(time.Millisecond), r.Output)
			says(t, r, append(parts, "Portal acme", fmt.Sprintf("host %q", host))...)
			if r.Took > soon {
				t.Errorf("it took %s", r.Took)
			}
		})
	}
	t.Run("there already", func(t *testing.T) {
		r := planEmpty(t, before)
		t.Logf("the plan of a portal that is there already took %s", r.Took.Round(time.Millisecond))
	})
	t.Run("well", func(t *testing.T) {
		p := house{"globex", 18002, ""}
		tf := acctest.NewTerraform(t, config(p))
		r := tf.Apply(t)
		e.note(t, p)
		e.whole(t, p, well.Name, "db-1", "web-1")
		again := planEmpty(t, tf)
		t.Logf("the portal on the host that is well: apply %s, plan %s", r.Took.Round(time.Millisecond), again.Took.Round(time.Millisecond))
		tf.Destroy(t)
	})
	before.Destroy(t)
}

// knownAs is a file of known hosts that has another host's key for a host.
func (e *estate) knownAs(t *testing.T, h, other *lab.Host) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.ClientDir(), "known_hosts"))
	must(t, err)
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, other.Address) {
			lines = append(lines, strings.ReplaceAll(line, other.Address, h.Address))
		}
	}
	if len(lines) == 0 {
		t.Fatalf("%s is not in known_hosts:\n%s", other.Name, text)
	}
	file := filepath.Join(t.TempDir(), "known_hosts")
	must(t, os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600))
	return file
}
