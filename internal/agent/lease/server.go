// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// server is the program that the lease is for.
type server struct {
	mu    sync.Mutex
	pid   int // zero when it is gone
	ended chan int
}

// startServer starts a program with the standard streams of this process. It is
// killed when this process dies; so the calling thread, which the kernel takes
// for the parent, must live on. lock stays open in it.
func startServer(argv []string, lock *os.File) (*server, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return nil, err
	}
	// What it leaves behind comes to this process and not to the init, so that
	// all of it is found when it must be killed.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become the parent of what the program leaves behind: %w", err)
	}
	files := []uintptr{0, 1, 2}
	if lock != nil {
		files = append(files, lock.Fd())
	}
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: files,
		Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, &os.PathError{Op: "start", Path: path, Err: err}
	}
	s := &server{pid: pid, ended: make(chan int, 1)}
	go s.reap()
	return s, nil
}

// reap waits for all children, and tells of the end of the server itself.
func (s *server) reap() {
	main := s.pid
	for {
		var info unix.Siginfo
		// Looked at before it is reaped, so that no signal goes to a process that
		// got its number.
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil: // no children any more
			return
		}
		s.mu.Lock()
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if err == nil && pid == main {
			s.pid = 0
			s.ended <- exitCode(status)
		}
		s.mu.Unlock()
	}
}

// exitCode is the one that a shell would tell.
func exitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// signal passes a signal on.
func (s *server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pid != 0 {
		_ = unix.Kill(s.pid, sig)
	}
}

// kill makes an end of the server and of all that it has started. It tells
// whether nothing of it is left.
func (s *server) kill(patience time.Duration) bool {
	s.signal(syscall.SIGKILL)
	self, end := os.Getpid(), uptime()+patience
	for {
		left := descendants(self)
		if len(left) == 0 {
			return true
		}
		for _, pid := range left {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		if uptime() > end {
			return false
		}
		time.Sleep(time.Millisecond)
	}
}

// descendants lists the processes below one that have not ended.
func descendants(of int) []int {
	children := map[int][]int{}
	ended := map[int]bool{}
	names, _ := os.ReadDir("/proc")
	for _, entry := range names {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue
		}
		// The program's name, in parentheses, may hold anything.
		_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], pid)
		ended[pid] = fields[0] == "Z" || fields[0] == "X"
	}
	var out []int
	for todo := children[of]; len(todo) > 0; todo = todo[1:] {
		if pid := todo[0]; !ended[pid] {
			out = append(out, pid)
		}
		todo = append(todo, children[todo[0]]...)
	}
	return out
}
