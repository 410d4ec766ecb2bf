// SPDX-License-Identifier: MPL-2.0

//go:build !windows

package pool

import (
	"context"
	"errors"
	"net"
)

const localEndpoint = "unix:///var/run/docker.sock"

// dialPipe fails: named pipes exist on Windows alone.
func dialPipe(context.Context, string) (net.Conn, error) {
	return nil, errors.New("npipe:// works on Windows only")
}
