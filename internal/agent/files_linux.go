// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"io"

	"github.com/privateportals/terraform-provider-portal/internal/agent/fileserver"
)

func serveFiles(ctx context.Context, f filesFlags, in io.Reader, out io.Writer) error {
	return fileserver.Serve(ctx, fileserver.Options{
		Root: f.root, Path: f.path, Portal: f.portal,
		In: in, Out: out,
		Timing: fileserver.DefaultTiming,
	})
}
