// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A ttl that a busy machine keeps.
const ttl = 3 * time.Second

func flagsFor(d string, more ...string) []string {
	return append([]string{"--dir", d, "--host", "dal-1", "--ttl", ttl.String()}, more...)
}

func TestProgramIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]struct {
		code   int
		output string
	}{
		"exit 0":                         {0, ""},
		"exit 7":                         {7, ""},
		"kill -9 $$":                     {137, ""},
		"echo $0 $1; pwd":                {0, "a b\n" + wd(t) + "\n"},
		"cat":                            {0, ""}, // its input has ended
		"setsid sleep 60 & echo started": {0, "started\n"},
		"kill -PIPE $$":                  {141, ""},
	} {
		w := start(t, append(flagsFor(t.TempDir()), "--", "sh", "-c", script, "a", "b")...)
		if code := w.code(t); code != want.code || w.output.String() != want.output {
			t.Errorf("%s: exit code %d, output %q", script, code, &w.output)
		}
	}
	for program, code := range map[string]int{"no-such-program": 127, "/etc/passwd": 126, t.TempDir(): 126} {
		d := t.TempDir()
		w := start(t, append(flagsFor(d), "--", program)...)
		if got := w.code(t); got != code || !strings.Contains(w.output.String(), "cannot start "+program) {
			t.Errorf("%s: exit code %d, output %q", program, got, &w.output)
		}
		// It gave the lease back.
		if w := start(t, append(flagsFor(d, "--wait", "0s"), "--", "true")...); w.code(t) != 0 {
			t.Errorf("after %s: %s", program, &w.output)
		}
	}
}

func wd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	must(t, err)
	return dir
}

func TestSignalsArePassedOn(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGWINCH, 37} {
		w := start(t, append(flagsFor(t.TempDir()), "--", "bash", "-c", "trap 'echo heard; exit 3' "+strconv.Itoa(int(sig))+"; echo ready; while :; do sleep 0.02; done")...)
		w.says(t, "ready")
		must(t, w.Process.Signal(sig))
		if code := w.code(t); code != 3 || !strings.Contains(w.output.String(), "heard") {
			t.Errorf("%s: exit code %d, output %q", sig, code, &w.output)
		}
	}
}

// A second server does not start, and says why; it starts at once when the first
// one has ended in order.
func TestSecondWaits(t *testing.T) {
	t.Parallel()
	d, file := t.TempDir(), filepath.Join(t.TempDir(), "data")
	first := startServing(t, file, flagsFor(d)...)
	one := writes(t, file)

	refused := start(t, append(flagsFor(d, "--wait", "100ms"), "--", "sh", "-c", "echo started")...)
	if code := refused.code(t); code != ExitHeld {
		t.Errorf("exit code %d", code)
	}
	host, _ := os.Hostname()
	for _, part := range []string{"another server has the data directory", `host "dal-1"`, host, "since 20", "renewed its lease"} {
		if !strings.Contains(refused.output.String(), part) {
			t.Errorf("it does not say %q but:\n%s", part, &refused.output)
		}
	}
	if strings.Contains(refused.output.String(), "started\n") {
		t.Error("it was started")
	}

	told := start(t, append(flagsFor(d), "--", "true")...)
	told.says(t, "in use by")
	must(t, told.Process.Signal(syscall.SIGTERM))
	if code := told.code(t); code != 143 {
		t.Errorf("told to end while it waits: exit code %d", code)
	}

	second := startServing(t, file, flagsFor(d)...)
	second.says(t, "in use by")
	time.Sleep(ttl + ttl/2) // the first one renews: its time is not up
	if pids, _ := written(t, file); pids[len(pids)-1] != one {
		t.Fatal("the second one runs beside the first one")
	}
	begin := time.Now()
	must(t, first.Process.Signal(syscall.SIGTERM))
	first.code(t)
	writes(t, file, one)
	if d := time.Since(begin); d > ttl/2 {
		t.Errorf("the second one started %s after the end of the first one", d)
	}
	assertNoOverlap(t, file)
}

// The wrapper is killed: its server dies with it, and another one may start when
// the time is up.
func TestWrapperKilled(t *testing.T) {
	t.Parallel()
	d, file := t.TempDir(), filepath.Join(t.TempDir(), "data")
	first := startServing(t, file, flagsFor(d)...)
	one := writes(t, file)
	second := startServing(t, file, flagsFor(d)...)
	second.says(t, "in use by")
	begin := time.Now()
	must(t, first.Process.Kill())
	first.code(t)
	eventually(t, func() bool { return !alive(one) }, func() string { return "the server outlives its wrapper" })
	writes(t, file, one)
	if d := time.Since(begin); d < ttl-ttl/parts-ttl/10 || d > 3*ttl {
		t.Errorf("the second one started %s after the first one was killed; the ttl is %s", d, ttl)
	}
	second.says(t, "took the lease over from container")
	assertNoOverlap(t, file)
}

// assertNoOverlap fails when two servers wrote by turns.
func assertNoOverlap(t *testing.T, file string) {
	t.Helper()
	pids, _ := written(t, file)
	seen := map[int]bool{}
	for i, pid := range pids {
		if i > 0 && pids[i-1] == pid {
			continue
		}
		if seen[pid] {
			t.Fatalf("server %d wrote again after another one had", pid)
		}
		seen[pid] = true
	}
}

// A holder that stands still with its server has the lock, so nobody takes over
// while it may go on. When it goes on, it either renews the lease that nobody
// took, or its server is killed and the other one gets it.
func TestFrozenWithLock(t *testing.T) {
	t.Parallel()
	d, file := t.TempDir(), filepath.Join(t.TempDir(), "data")
	first := startServing(t, file, flagsFor(d)...)
	one := writes(t, file)
	second := startServing(t, file, flagsFor(d)...)
	freeze(t, first.Process.Pid, one)
	second.says(t, "still has the lock")
	if pids, _ := written(t, file); pids[len(pids)-1] != one {
		t.Fatal("the second one runs while the first one may go on")
	}
	thaw(t, one, first.Process.Pid)
	time.Sleep(ttl)
	select {
	case <-first.ended:
		if code := first.code(t); code != ExitLost || alive(one) || !strings.Contains(first.output.String(), "the server was killed") {
			t.Errorf("exit code %d, server alive %v:\n%s", code, alive(one), &first.output)
		}
		writes(t, file, one)
	default:
		if pids, _ := written(t, file); pids[len(pids)-1] != one {
			t.Error("the second one runs beside the first one")
		}
	}
	assertNoOverlap(t, file)
}

// Where the lock does not hold anybody up, a server that stood still too long is
// killed as soon as it goes on.
func TestFrozenWithoutLock(t *testing.T) {
	t.Parallel()
	d, file := t.TempDir(), filepath.Join(t.TempDir(), "data")
	first := startServing(t, file, flagsFor(d)...)
	one := writes(t, file)
	freeze(t, first.Process.Pid, one)
	second := startServing(t, file, flagsFor(d, "--lock-wait", "0s")...)
	second.says(t, "the lease is taken over without it")
	two := writes(t, file, one)
	thawed := uptime()
	thaw(t, one, first.Process.Pid)
	if code := first.code(t); code != ExitLost || alive(one) {
		t.Errorf("exit code %d, server alive %v:\n%s", code, alive(one), &first.output)
	}
	pids, at := written(t, file)
	last, lines := time.Duration(0), 0
	for i, pid := range pids {
		if pid == one && at[i] > thawed {
			last, lines = at[i]-thawed, lines+1
		}
	}
	t.Logf("the server that went on wrote %d lines, the last one %s after it did", lines, last)
	if last > time.Second {
		t.Errorf("it wrote for %s", last)
	}
	if !alive(two) {
		t.Error("the second one does not run")
	}
}

// freeze stops a wrapper, then its server: the worst order.
func freeze(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		must(t, syscall.Kill(pid, syscall.SIGSTOP))
	}
}

func thaw(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		must(t, syscall.Kill(pid, syscall.SIGCONT))
	}
}

// The server is killed before the lease's time is up when the drive fails.
func TestDriveFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testing.T, string){
		"the directory is gone":                   func(t *testing.T, d string) { must(t, os.RemoveAll(d)) },
		"another one, read-only, is in its place": readOnly,
	} {
		t.Run(name, func(t *testing.T) {
			d := filepath.Join(t.TempDir(), "lease")
			must(t, os.Mkdir(d, 0o700))
			w := start(t, append(flagsFor(d), "--", "sh", "-c", "echo pid $$; exec sleep 60")...)
			w.says(t, "pid")
			begin := time.Now()
			fail(t, d)
			code := w.code(t)
			if code != ExitLost || time.Since(begin) > ttl {
				t.Errorf("exit code %d after %s:\n%s", code, time.Since(begin), &w.output)
			}
			for _, part := range []string{"cannot renew the lease", "the server was killed"} {
				if !strings.Contains(w.output.String(), part) {
					t.Errorf("it does not say %q but:\n%s", part, &w.output)
				}
			}
		})
	}
}

// readOnly puts a file system that is read-only in the place of a directory.
func readOnly(t *testing.T, d string) {
	t.Helper()
	must(t, syscall.Mount("tmpfs", d, "tmpfs", syscall.MS_RDONLY, ""))
	t.Cleanup(func() { must(t, syscall.Unmount(d, syscall.MNT_DETACH)) })
}

// A full drive ends no lease: a renewal needs no room.
func TestDriveFull(t *testing.T) {
	t.Parallel()
	d := t.TempDir()
	mount(t, d)
	first := start(t, append(flagsFor(d), "--", "sh", "-c", "echo ready; exec sleep 60")...)
	first.says(t, "ready")
	f, err := os.Create(filepath.Join(d, "ballast"))
	must(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	time.Sleep(2 * ttl)
	if second := start(t, append(flagsFor(d, "--wait", "0s"), "--", "true")...); second.code(t) != ExitHeld {
		t.Errorf("exit code %d:\n%s", second.code(t), &second.output)
	}
	must(t, first.Process.Signal(syscall.SIGTERM))
	if code := first.code(t); code != 143 {
		t.Errorf("exit code %d:\n%s", code, &first.output)
	}
	if next := start(t, append(flagsFor(d), "--", "true")...); next.code(t) != 0 {
		t.Errorf("the next one, on the full drive: exit code %d:\n%s", next.code(t), &next.output)
	}
}

// mount puts a small file system at a directory for the test.
func mount(t *testing.T, d string) {
	t.Helper()
	must(t, syscall.Mount("tmpfs", d, "tmpfs", 0, "size=256k"))
	t.Cleanup(func() { must(t, syscall.Unmount(d, syscall.MNT_DETACH)) })
}
