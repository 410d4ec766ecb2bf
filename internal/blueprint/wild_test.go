// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Plain Compose files as they are found in the wild, each with the whole
// stack that it becomes.
func TestPlainComposeFiles(t *testing.T) {
	entries, err := os.ReadDir("testdata/wild")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			spec := stack.Spec{
				Name: "acme", Domain: "learn.acme.com", StudioDomain: "studio.learn.acme.com",
				Blueprint: filepath.Join("testdata", "wild", entry.Name()),
			}
			s := mustBuild(t, spec)
			golden(t, filepath.Join("wild", entry.Name()+".golden.json"), readable(t, s))
			checkInvariants(t, s)
		})
	}
}

func TestAddonTurnsServiceOn(t *testing.T) {
	spec := stack.Spec{
		Name: "acme", Domain: "learn.acme.com", StudioDomain: "studio.learn.acme.com",
		Blueprint: "testdata/wild/mastodon/compose.yml", Addons: []string{"search"},
	}
	s := mustBuild(t, spec)
	if s.Services["es"] == nil {
		t.Fatal("the add-on's service is missing")
	}
	if got := s.Services["web"].DependsOn["es"]; got != stack.Healthy {
		t.Errorf("web waits for es to be %q, want healthy now that it is there", got)
	}
}
