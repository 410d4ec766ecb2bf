// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// terraform does the work by `terraform apply`, `plan` and `destroy` with the
// provider that is measured.
type terraform struct {
	workload
	commander
}

const configuration = `terraform {
  required_providers {
    portal = { source = "privateportals/portal" }
  }
}

provider "portal" {
  storage = { path = %q }
}
`

const resources = `
variable "portals" {
  type = set(string)
}

resource "portal" "this" {
  for_each  = var.portals
  name      = each.key
  domain    = "${each.key}.example.com"
  blueprint = %q
}
`

// newTerraform lays out the configuration.
func newTerraform(w workload, provider, socket string) (*terraform, error) {
	t := &terraform{workload: w, commander: commander{
		socket: socket,
		helper: provider,
		environment: []string{
			"TF_CLI_CONFIG_FILE=" + filepath.Join(w.dir, "terraform.rc"),
			"TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1",
		},
	}}
	blueprint := filepath.Join(w.dir, "blueprint", "compose.yaml")
	if err := os.Mkdir(t.storage(), 0o755); err != nil {
		return nil, err
	}
	return t, writeFiles(map[string][]byte{
		blueprint: []byte(w.composeFile("", true)),
		filepath.Join(w.dir, "terraform.rc"): fmt.Appendf(nil,
			"provider_installation {\n  dev_overrides {\n    \"privateportals/portal\" = %q\n  }\n  direct {}\n}\n",
			filepath.Dir(provider)),
		filepath.Join(t.portals(), "main.tf"): fmt.Appendf(nil, configuration+resources, t.storage(), blueprint),
	})
}

func (t *terraform) storage() string { return filepath.Join(t.dir, "storage") }

func (t *terraform) portals() string { return filepath.Join(t.dir, "portals") }

func (t *terraform) name() string { return "terraform with this provider" }

func (t *terraform) prepare(context.Context, string) error { return nil }

// terraform calls terraform on the named portals.
func (t *terraform) terraform(ctx context.Context, names []string, arguments ...string) error {
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	arguments = append(arguments, "-no-color", "-var", "portals="+string(list))
	return t.exec(ctx, []string{"terraform", "-chdir=" + t.portals()}, arguments...)
}

func (t *terraform) project(id string) string { return t.run + "-tf-" + id }

func (t *terraform) apply(ctx context.Context, names []string) error {
	return t.terraform(ctx, names, "apply", "-auto-approve")
}

// plan fails when it finds a difference: what is measured is a plan that finds
// nothing to do.
func (t *terraform) plan(ctx context.Context, names []string) error {
	return t.terraform(ctx, names, "plan", "-detailed-exitcode")
}

func (t *terraform) create(ctx context.Context, id string) error {
	return t.apply(ctx, []string{t.project(id)})
}

func (t *terraform) read(ctx context.Context, id string) error {
	return t.plan(ctx, []string{t.project(id)})
}

func (t *terraform) destroy(ctx context.Context, id string) error {
	return t.terraform(ctx, []string{t.project(id)}, "destroy", "-auto-approve")
}

// destroyAll takes down every portal that is left.
func (t *terraform) destroyAll(ctx context.Context) error {
	return t.terraform(ctx, []string{}, "destroy", "-auto-approve")
}

// start is a plan of the named portals that asks the engine nothing: what
// Terraform, the provider's process and the blueprint cost by themselves.
func (t *terraform) start(ctx context.Context, names []string) error {
	return t.terraform(ctx, names, "plan", "-refresh=false")
}

// names of n portals, for the measurements with many.
func (t *terraform) names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = t.project(fmt.Sprintf("many-%02d", i))
	}
	return names
}
