// SPDX-License-Identifier: MPL-2.0

package action

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/action"
)

// The pages of the actions are written by hand, as they could only be made with
// Terraform 1.14. They must say what the schema and the examples say.
func TestPages(t *testing.T) {
	const root = "../../.."
	for _, newAction := range []func() action.Action{NewTaskRun, NewRestart, NewRestore} {
		a, ok := newAction().(*portalAction)
		if !ok {
			t.Fatal("it is another action")
		}
		page := read(t, filepath.Join(root, "templates", "actions", a.name+".md"))
		if !strings.Contains(page, a.description) {
			t.Errorf("%s: the page has not the description %q", a.name, a.description)
		}
		for name, attribute := range a.schema().Attributes {
			line := "- `" + name + "` ("
			if !strings.Contains(page, line) || !strings.Contains(page, ") "+attribute.GetMarkdownDescription()+"\n") {
				t.Errorf("%s: the page has not the attribute %s with %q", a.name, name, attribute.GetMarkdownDescription())
			}
		}
		example := read(t, filepath.Join(root, "examples", "actions", "portal_"+a.name, "action.tf"))
		if !strings.Contains(page, "```terraform\n"+example+"```\n") {
			t.Errorf("%s: the page has not the example as it is in examples/", a.name)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
