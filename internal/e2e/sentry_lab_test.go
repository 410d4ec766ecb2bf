// SPDX-License-Identifier: MPL-2.0

//go:build lab

package e2e_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sentry counts the databases that run on a data directory, on whatever host
// and however they were started or ended. The kernel tells it each time that
// one opens the file "running", and that the last process of one is gone.
type sentry struct {
	inotify *os.File

	mu    sync.Mutex
	open  int
	most  int         // that ran at once
	ended []time.Time // when none was left
	began []time.Time // when there was one again
}

// watch posts a sentry before a data directory that is yet to be made.
func watch(t *testing.T, directory string) *sentry {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	must(t, err)
	s := &sentry{inotify: os.NewFile(uintptr(fd), "inotify")}
	stop, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		// It is made a while before the first container.
		for {
			_, err := syscall.InotifyAddWatch(fd, directory, syscall.IN_OPEN|syscall.IN_CLOSE)
			if err == nil {
				break
			}
			if !errors.Is(err, syscall.ENOENT) {
				t.Errorf("watch %s: %v", directory, err)
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
		s.follow(t)
	}()
	t.Cleanup(func() {
		close(stop)
		s.inotify.Close()
		<-gone
		if s.most == 0 {
			t.Errorf("no database was seen in %s", directory)
		}
	})
	return s
}

// follow counts until the sentry is withdrawn.
func (s *sentry) follow(t *testing.T) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := s.inotify.Read(buffer)
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("sentry: %v", err)
			}
			return
		}
		for rest := buffer[:n]; len(rest) > 0; {
			mask := binary.NativeEndian.Uint32(rest[4:])
			length := int(binary.NativeEndian.Uint32(rest[12:]))
			name := string(bytes.TrimRight(rest[syscall.SizeofInotifyEvent:syscall.SizeofInotifyEvent+length], "\x00"))
			rest = rest[syscall.SizeofInotifyEvent+length:]
			if mask&syscall.IN_Q_OVERFLOW != 0 {
				t.Error("the sentry missed something")
			}
			if name == "running" {
				s.count(mask&syscall.IN_OPEN != 0)
			}
		}
	}
}

func (s *sentry) count(opened bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if opened {
		if s.open++; s.open == 1 {
			s.began = append(s.began, time.Now())
		}
		s.most = max(s.most, s.open)
		return
	}
	if s.open--; s.open == 0 {
		s.ended = append(s.ended, time.Now())
	}
}

// one asserts that there was never more than one database at once.
func (s *sentry) one(t *testing.T, portal string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most != 1 {
		t.Errorf("%d databases of %s ran at once", s.most, portal)
	}
}

// gap is how long no database ran the last time.
func (s *sentry) gap() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.ended[len(s.ended)-1]
	for _, b := range s.began {
		if b.After(end) {
			return b.Sub(end)
		}
	}
	return 0
}
