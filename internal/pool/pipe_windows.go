// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"net"

	"github.com/Microsoft/go-winio"
)

const localEndpoint = "npipe:////./pipe/docker_engine"

// dialPipe connects to a named pipe, as Docker Desktop on Windows has it.
func dialPipe(ctx context.Context, addr string) (net.Conn, error) {
	return winio.DialPipeContext(ctx, addr)
}
