// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/client"
)

// Retry runs f again, up to three times, while it fails with what IsTransient
// accepts. Where f changes something, f itself must look whether an earlier
// attempt did it: an error may hide a success.
func Retry(ctx context.Context, f func() error) error {
	gap := minRepeatGap
	for attempt := 0; ; attempt++ {
		err := f()
		if err == nil || attempt == maxRepeats || ctx.Err() != nil || !IsTransient(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(gap):
		}
		gap = min(2*gap, maxRepeatGap)
	}
}

// IsTransient tells whether a call may succeed if it is made again: the
// connection was dropped or refused, or the daemon answered with a 5xx.
// Whether it happened all the same is not known.
func IsTransient(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return transientConn(err) || cerrdefs.IsInternal(err) || cerrdefs.IsUnavailable(err) || refusedUpgrade(err)
}

// transientConn tells whether a connection was refused, or dropped while a
// request was under way; net/http closes a connection that it sees dropped, so
// that a body still being written meets net.ErrClosed. A time-out is not
// transient.
func transientConn(err error) bool {
	var nerr net.Error
	if errors.As(err, &nerr) && nerr.Timeout() {
		return false
	}
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNREFUSED) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// refusedUpgrade knows the client's untyped error for a 5xx where it wanted
// to take over the connection (attach, exec).
func refusedUpgrade(err error) bool {
	return strings.Contains(err.Error(), "unable to upgrade to tcp, received 5")
}

// IsUnreachable tells whether err means that the daemon was not there at all.
func IsUnreachable(err error) bool {
	var u *UnreachableError
	return errors.As(err, &u) || client.IsErrConnectionFailed(err)
}

// cancelOnClose releases a request's context with its body.
type cancelOnClose struct {
	io.ReadCloser
	cancel func()
}

func (c *cancelOnClose) Close() error {
	err := c.ReadCloser.Close()
	c.cancel()
	return err
}
