// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/privateportals/terraform-provider-portal/tools/usage"
)

// roles of the built-in blueprint's images, without those of the add-ons that are
// left out.
var roles = []string{
	"compete", "edxapp", "elasticsearch", "forum", "glados", "load-balancer", "mailer", "memcached", "mongo", "mysql", "nginx", "ops",
	"rabbitmq", "redis",
}

// imageOf is a dummy reference for a role.
func imageOf(role string) string { return "scale.example.com/" + role + ":1" }

func images() []string {
	out := make([]string, len(roles))
	for i, role := range roles {
		out[i] = imageOf(role)
	}
	return out
}

const configuration = `terraform {
  required_providers {
    portal = { source = "privateportals/portal" }
  }
}

variable "portals" { type = set(string) }
variable "hosts" { type = map(string) }
variable "images" { type = map(string) }

provider "portal" {
  storage     = { path = %q }
  subnet_pool = "10.192.0.0/10"
  hosts       = { for name, endpoint in var.hosts : name => { endpoint = endpoint } }
}

resource "portal" "this" {
  for_each = var.portals
  name     = each.key
  domain   = "${each.key}.example.com"
  images   = var.images
  addons   = ["compete", "glados"] # 23 containers with them
}
`

// terraform runs the real Terraform with the built provider.
type terraform struct {
	provider    string
	directory   string
	environment []string
}

// newTerraform lays a configuration out in a directory, for hosts by their
// sockets.
func newTerraform(dir, provider string, sockets []string) (*terraform, error) {
	storage := filepath.Join(dir, "storage")
	t := &terraform{provider: provider, directory: filepath.Join(dir, "terraform"), environment: []string{
		"TF_CLI_CONFIG_FILE=" + filepath.Join(dir, "terraform.rc"),
		"TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1",
	}}
	hosts, byRole := map[string]string{}, map[string]string{}
	for _, socket := range sockets {
		hosts[strings.TrimSuffix(filepath.Base(socket), ".sock")] = "unix://" + socket
	}
	for _, role := range roles {
		byRole[role] = imageOf(role)
	}
	variables, err := json.Marshal(map[string]any{"hosts": hosts, "images": byRole})
	if err != nil {
		return nil, err
	}
	return t, errors.Join(
		os.MkdirAll(storage, 0o755), os.MkdirAll(t.directory, 0o755),
		os.WriteFile(filepath.Join(dir, "terraform.rc"), fmt.Appendf(nil,
			"provider_installation {\n  dev_overrides {\n    \"privateportals/portal\" = %q\n  }\n  direct {}\n}\n",
			filepath.Dir(provider)), 0o600),
		os.WriteFile(filepath.Join(t.directory, "main.tf"), fmt.Appendf(nil, configuration, storage), 0o600),
		os.WriteFile(filepath.Join(t.directory, "hosts.auto.tfvars.json"), variables, 0o600),
	)
}

// cost is what one run of terraform took.
type cost struct {
	time time.Duration
	// cpu is what Terraform and the provider used of the processors.
	cpu time.Duration
	// provider is the provider alone.
	provider  usage.Usage
	terraform int64 // peak memory, bytes
}

// run calls terraform with the portals that there should be, and wants this exit
// code.
func (t *terraform) run(ctx context.Context, portals []string, code int, arguments ...string) (cost, error) {
	list, err := json.Marshal(map[string][]string{"portals": portals})
	if err != nil {
		return cost{}, err
	}
	if err := os.WriteFile(filepath.Join(t.directory, "portals.auto.tfvars.json"), list, 0o600); err != nil {
		return cost{}, err
	}
	cmd := exec.CommandContext(ctx, "terraform", append([]string{"-chdir=" + t.directory}, arguments...)...)
	cmd.Args = append(cmd.Args, "-no-color")
	cmd.Env = append(os.Environ(), t.environment...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	used := usage.Watch(t.provider, 250*time.Millisecond)
	begin := time.Now()
	err = cmd.Run()
	c := cost{time: time.Since(begin), provider: used()}
	if cmd.ProcessState == nil {
		return c, err
	}
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if own, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.terraform = own.Maxrss * 1024
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		text := output.String()
		if len(text) > 4000 {
			text = text[:2000] + "\n…\n" + text[len(text)-2000:]
		}
		return c, fmt.Errorf("%s ended with %d instead of %d:\n%s", strings.Join(cmd.Args, " "), got, code, text)
	}
	return c, nil
}
