// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
)

// Exec implements engine.Engine.
func (e *Engine) Exec(ctx context.Context, portal, name string, command []string, input []byte) (string, error) {
	h, c, err := e.place(ctx, portal)
	if err != nil {
		return "", err
	}
	about := engine.Error{Portal: portal, Container: name}
	what := fmt.Sprintf("run %q in", command)
	var out bytes.Buffer
	code, err := execute(ctx, c, name, command, input, &out)
	if err != nil {
		return "", fail(h, what, about, err)
	}
	about.Log = ending(out.String())
	if code != 0 {
		return about.Log, fail(h, what, about, fmt.Errorf("it ended with exit code %d", code))
	}
	return about.Log, nil
}

// execute runs a command in a container and returns its exit code. What it
// writes, to both streams, goes to out.
func execute(ctx context.Context, c *client.Client, ref string, command []string, input []byte, out io.Writer) (int, error) {
	exec, err := c.ContainerExecCreate(ctx, ref, container.ExecOptions{
		Cmd: command, AttachStdin: input != nil, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return 0, err
	}
	conn, err := c.ContainerExecAttach(ctx, exec.ID, container.ExecAttachOptions{})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	// Reading and writing do not know the context.
	defer context.AfterFunc(ctx, conn.Close)()
	if input != nil {
		if _, err := conn.Conn.Write(input); err != nil {
			return 0, err
		}
		if err := conn.CloseWrite(); err != nil {
			return 0, err
		}
	}
	if _, err := stdcopy.StdCopy(out, out, conn.Reader); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	result, err := c.ContainerExecInspect(ctx, exec.ID)
	if err != nil {
		return 0, err
	}
	if result.Running {
		return 0, errors.New("its output ended before it did")
	}
	return result.ExitCode, nil
}
