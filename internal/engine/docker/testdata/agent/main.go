// SPDX-License-Identifier: MPL-2.0

// The agent's part of the provider's binary, which is quick to build.
package main

import (
	"os"

	"github.com/privateportals/terraform-provider-portal/internal/agent"
)

func main() { os.Exit(agent.Main(os.Args[2:])) }
