// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/privateportals/terraform-provider-portal/internal/engine/enginetest"
)

// Exec runs a command in a container of the portal, and returns what it wrote
// and its exit code.
func (p *Portal) Exec(t *testing.T, member string, command ...string) (output string, code int) {
	t.Helper()
	ctx := enginetest.Context(t)
	made, err := p.Docker.ContainerExecCreate(ctx, p.Container(member), container.ExecOptions{
		Cmd: command, AttachStdout: true, AttachStderr: true,
	})
	must(t, err)
	attached, err := p.Docker.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	must(t, err)
	defer attached.Close()
	var out bytes.Buffer
	_, err = stdcopy.StdCopy(&out, &out, attached.Reader)
	must(t, err)
	ended, err := p.Docker.ContainerExecInspect(ctx, made.ID)
	must(t, err)
	return out.String(), ended.ExitCode
}

// Play starts a task of the portal as somebody does by hand, waits until it has
// ended, and returns its exit code.
func (p *Portal) Play(t *testing.T, task string) (code int64) {
	t.Helper()
	ctx := enginetest.Context(t)
	ended, failed := p.Docker.ContainerWait(ctx, p.Container(task), container.WaitConditionNextExit)
	must(t, p.Docker.ContainerStart(ctx, p.Container(task), container.StartOptions{}))
	select {
	case result := <-ended:
		return result.StatusCode
	case err := <-failed:
		t.Fatal(err)
		return 0
	}
}

// Log is what a container of the portal wrote, the last lines of it.
func (p *Portal) Log(t *testing.T, member string) string {
	t.Helper()
	return p.log(enginetest.Context(t), p.Container(member))
}

// Members names the containers of the portal, whatever their state: "web-1".
func (p *Portal) Members(t *testing.T) []string {
	t.Helper()
	var members []string
	for _, c := range p.containers(enginetest.Context(t), t) {
		members = append(members, strings.TrimPrefix(c.Names[0], "/"+p.Container("")))
	}
	return members
}
