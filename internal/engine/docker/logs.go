// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
)

const (
	// logLines of a container's output go into an error.
	logLines = 30
	// maxLog bounds them, in bytes: a line may be as long as it likes.
	maxLog = 64 << 10
)

// Logs implements engine.Engine.
func (e *Engine) Logs(ctx context.Context, name string, lines int) (string, error) {
	about := engine.Error{Container: name}
	var unreachable error
	for _, h := range e.pool.Hosts() {
		c, err := h.Client(ctx)
		if err != nil {
			unreachable = fail(h, "reach the host", about, err)
			continue // another may have it
		}
		log, err := readLog(ctx, c, name, lines)
		switch {
		case err == nil:
			return log, nil
		case !cerrdefs.IsNotFound(err):
			return "", fail(h, "read the log of", about, err)
		}
	}
	if unreachable != nil {
		return "", unreachable
	}
	return "", fail(nil, "read the log of", about, fmt.Errorf("no host of the pool has this container"))
}

// readLog reads the last lines that a container wrote, to both streams.
func readLog(ctx context.Context, c *client.Client, ref string, lines int) (string, error) {
	r, err := inspect(ctx, c, ref)
	if err != nil {
		return "", err
	}
	var text string
	err = pool.Retry(ctx, func() error {
		body, err := c.ContainerLogs(ctx, ref, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)})
		if err != nil {
			return err
		}
		defer body.Close()
		text, err = LogText(body, r.Config.Tty)
		return err
	})
	return text, err
}

// LogText takes the frames away that tell the streams apart, where there are
// any, and keeps the end of what is too long.
func LogText(body io.Reader, tty bool) (string, error) {
	var out bytes.Buffer
	var err error
	if tty {
		_, err = io.Copy(&out, body)
	} else {
		_, err = stdcopy.StdCopy(&out, &out, body)
	}
	return ending(out.String()), err
}

// ending keeps the end of an output that is too long to be shown.
func ending(output string) string {
	text := strings.ToValidUTF8(strings.TrimRight(output, "\r\n"), "?")
	if len(text) > maxLog {
		text = "…" + text[len(text)-maxLog:]
	}
	return text
}
