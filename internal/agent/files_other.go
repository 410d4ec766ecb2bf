// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package agent

import (
	"context"
	"errors"
	"io"
)

func serveFiles(context.Context, filesFlags, io.Reader, io.Writer) error {
	return errors.New("the agent runs in Linux containers only")
}
