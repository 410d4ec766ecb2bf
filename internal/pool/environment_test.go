// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"testing"

	"github.com/docker/cli/cli/config"
)

// useConfigDir makes Docker's configuration folder another one. The library
// reads DOCKER_CONFIG once per process only.
func useConfigDir(t *testing.T, dir string) {
	t.Helper()
	before := config.Dir()
	config.SetDir(dir)
	t.Cleanup(func() { config.SetDir(before) })
}
