// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests run wrappers and their servers as processes of their own: this test
// binary again.
const (
	envWrapper = "TEST_LEASE_WRAPPER"
	envServer  = "TEST_LEASE_SERVER"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(envWrapper) != "":
		os.Unsetenv(envWrapper)
		os.Exit(Main(os.Args[1:]))
	case os.Getenv(envServer) != "":
		fmt.Fprintln(os.Stderr, serve(os.Getenv(envServer)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serve appends the time by the host's clock to a file, as fast as it can, until
// it is told to end.
func serve(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	for {
		if _, err := fmt.Fprintf(f, "%d %d\n", os.Getpid(), uptime()); err != nil {
			return err
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// wrapper is a running one.
type wrapper struct {
	*exec.Cmd
	output lockedBuffer
	ended  chan struct{}
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs a wrapper. What it runs is killed with it when the test ends.
func start(t *testing.T, args ...string) *wrapper {
	t.Helper()
	w := &wrapper{Cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{})}
	w.Env = append(os.Environ(), envWrapper+"=1")
	w.Stdout, w.Stderr = &w.output, &w.output
	w.WaitDelay = time.Second
	must(t, w.Start())
	go func() {
		_ = w.Wait()
		close(w.ended)
	}()
	t.Cleanup(func() {
		_ = w.Process.Signal(syscall.SIGCONT)
		_ = w.Process.Kill()
		<-w.ended
	})
	return w
}

// startServing runs a wrapper whose program writes to file.
func startServing(t *testing.T, file string, args ...string) *wrapper {
	t.Helper()
	return start(t, append(args, "--", "env", envServer+"="+file, os.Args[0])...)
}

// code waits for the end of a wrapper.
func (w *wrapper) code(t *testing.T) int {
	t.Helper()
	select {
	case <-w.ended:
	case <-time.After(time.Minute):
		t.Fatalf("the wrapper does not end; it wrote:\n%s", &w.output)
	}
	return w.ProcessState.ExitCode()
}

// says waits until a wrapper has written something.
func (w *wrapper) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(w.output.String(), text) },
		func() string { return fmt.Sprintf("the wrapper does not say %q but:\n%s", text, &w.output) })
}

func eventually(t *testing.T, ok func() bool, otherwise func() string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(otherwise())
		}
	}
}

// written lists who wrote to a server's file, and when by uptime, line by line.
func written(t *testing.T, file string) (pids []int, at []time.Duration) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var pid int
		var ns int64
		if _, err := fmt.Sscan(line, &pid, &ns); err == nil && strings.HasSuffix(line, "\n") {
			pids, at = append(pids, pid), append(at, time.Duration(ns))
		}
	}
	return pids, at
}

// writes waits until somebody other than the given processes writes, and returns
// who.
func writes(t *testing.T, file string, but ...int) (pid int) {
	t.Helper()
	eventually(t, func() bool {
		pids, _ := written(t, file)
		if len(pids) == 0 {
			return false
		}
		pid = pids[len(pids)-1]
		for _, other := range but {
			if pid == other {
				return false
			}
		}
		return true
	}, func() string { return "nobody writes to " + file })
	return pid
}

// alive tells whether a process is there and no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
