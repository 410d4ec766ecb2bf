// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"bytes"
	"io"
	"sync"
)

// lockedBuffer is a buffer that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// both writes to two writers.
type both [2]io.Writer

func (b both) Write(p []byte) (int, error) { return io.MultiWriter(b[0], b[1]).Write(p) }
