// SPDX-License-Identifier: MPL-2.0

package acme

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// process is a program that runs beside the test.
type process struct {
	ended chan struct{}
	log   *log
}

// run starts a program of bin/. It is ended with the test.
func (s *Server) run(t testing.TB, name string, args ...string) *process {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "..", "..", "..", "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("this test needs a certificate authority: run `make bin/pebble` (%v)", err)
	}
	cmd := exec.Command(path, args...)
	p := &process{ended: make(chan struct{}), log: &log{}}
	both := io.MultiWriter(s.log, p.log)
	cmd.Stdout, cmd.Stderr = both, both
	// Validate at once, and accept every nonce: a test waits for either.
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// serves waits until the program accepts connections at all of its addresses. One
// that did not get an address may go on without, while somebody else answers there.
func (p *process) serves(addresses ...string) bool {
	for _, a := range addresses {
		if !p.answers(a) {
			return false
		}
	}
	return !strings.Contains(p.log.String(), "address already in use")
}

// answers waits until the program accepts connections at an address; false
// says that it ended, or takes too long.
func (p *process) answers(address string) bool {
	deadline := time.After(30 * time.Second)
	for {
		select {
		case <-p.ended:
			return false
		case <-deadline:
			return false
		case <-time.After(20 * time.Millisecond):
			if dial(address) {
				return true
			}
		}
	}
}

// log is what the programs write.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
