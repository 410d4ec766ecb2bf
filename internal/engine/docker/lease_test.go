// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
)

// What a service starts is what Docker would start without a lease.
func TestCommandOf(t *testing.T) {
	entrypoint, command := []string{"docker-entrypoint.sh"}, []string{"mysqld"}
	for name, tt := range map[string]struct {
		service container.Config
		want    []string
	}{
		"the image's own":                {container.Config{}, []string{"docker-entrypoint.sh", "mysqld"}},
		"a command":                      {container.Config{Cmd: []string{"mysqld", "--x"}}, []string{"docker-entrypoint.sh", "mysqld", "--x"}},
		"an entrypoint":                  {container.Config{Entrypoint: []string{"sh"}}, []string{"sh"}},
		"both":                           {container.Config{Entrypoint: []string{"sh"}, Cmd: []string{"-c", "x"}}, []string{"sh", "-c", "x"}},
		"no entrypoint":                  {container.Config{Entrypoint: []string{}}, []string{"mysqld"}},
		"no entrypoint, a command":       {container.Config{Entrypoint: []string{}, Cmd: []string{"x"}}, []string{"x"}},
		"an empty entrypoint, a command": {container.Config{Entrypoint: []string{""}, Cmd: []string{"x"}}, []string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := CommandOf(&tt.service, entrypoint, command); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if !slices.Equal(entrypoint, []string{"docker-entrypoint.sh"}) || !slices.Equal(command, []string{"mysqld"}) {
		t.Error("what the image says was changed")
	}
}
