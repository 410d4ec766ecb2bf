// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package agent

import (
	"fmt"
	"os"
)

func runLease([]string) int {
	fmt.Fprintln(os.Stderr, "agent: the agent runs in Linux containers only")
	return 1
}
