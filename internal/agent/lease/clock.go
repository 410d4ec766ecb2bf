// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// uptime is the time since the host was started, with the time that it was
// suspended: a clock that nobody sets.
func uptime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // never fails
	return time.Duration(t.Nano())
}

// alarm goes off at a time by uptime, also when that passed in a suspension.
type alarm struct {
	timer *os.File
	at    atomic.Int64
}

func newAlarm(at time.Duration) (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	a := &alarm{timer: os.NewFile(uintptr(fd), "timer")}
	return a, a.set(at)
}

// set puts the alarm off.
func (a *alarm) set(at time.Duration) error {
	a.at.Store(int64(at))
	raw, err := a.timer.SyscallConn()
	if err != nil {
		return err
	}
	var setErr error
	err = raw.Control(func(fd uintptr) {
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(at, 1)))}
		setErr = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME, &spec, nil)
	})
	if err == nil {
		err = setErr
	}
	return err
}

// wait returns when the time has come.
func (a *alarm) wait() {
	var expirations [8]byte
	for uptime() < time.Duration(a.at.Load()) {
		if _, err := a.timer.Read(expirations[:]); err != nil {
			time.Sleep(10 * time.Millisecond) // a timer of another kind
		}
	}
}
