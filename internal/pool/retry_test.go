// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestIsTransient(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("no such container"), false},
		{context.Canceled, false},
		{os.ErrDeadlineExceeded, false},
		{io.EOF, true},
		{io.ErrUnexpectedEOF, true},
		{&net.OpError{Op: "write", Err: net.ErrClosed}, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		{fmt.Errorf("import: %w", syscall.EPIPE), true},
	} {
		if got := IsTransient(c.err); got != c.want {
			t.Errorf("IsTransient(%v) = %t, want %t", c.err, got, c.want)
		}
	}
}

func TestRetryEndsWhenTheErrorStays(t *testing.T) {
	calls := 0
	err := Retry(t.Context(), func() error {
		calls++
		return io.EOF
	})
	if !errors.Is(err, io.EOF) || calls != maxRepeats+1 {
		t.Errorf("got %v after %d calls, want EOF after %d", err, calls, maxRepeats+1)
	}
	calls = 0
	if err := Retry(t.Context(), func() error { calls++; return errors.New("refused") }); err == nil || calls != 1 {
		t.Errorf("a refusal was repeated: %d calls", calls)
	}
}
