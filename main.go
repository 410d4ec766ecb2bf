// SPDX-License-Identifier: MPL-2.0

// The provider's binary: Terraform starts it as a plugin, and a Docker host
// runs it, inside a container, as the agent that works beside the shared drive.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
	"github.com/privateportals/terraform-provider-portal/internal/provider"
)

// version is set by the linker for a release.
var version = "dev"

// address is where Terraform finds the provider.
const address = "registry.terraform.io/privateportals/portal"

// collectOften lets garbage be half of what is in use, unless the environment says
// something else: a plan of many portals keeps little of what it makes on the way.
// That takes some percent of the time, and a fifth of the memory away.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// logWhenAsked keeps the SDK from writing a line about each of its steps unless a
// variable of Terraform's asks for a log. Without one, Terraform reads all lines and
// drops them, which is a quarter of what a plan of many portals costs.
func logWhenAsked() {
	if !slices.ContainsFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TF_LOG") }) {
		_ = os.Setenv("TF_LOG_SDK", "OFF")
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		os.Exit(agent.Main(os.Args[2:]))
	}

	var debug bool
	flag.BoolVar(&debug, "debug", false, "keep running, so that a debugger can attach; Terraform is told by TF_REATTACH_PROVIDERS")
	flag.Parse()

	collectOften()
	logWhenAsked()
	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: address,
		Debug:   debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
