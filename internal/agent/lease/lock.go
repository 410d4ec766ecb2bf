// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile is locked by the holder and by its server, as long as one of them
// lives, so also while they stand still.
const lockFile = "lock"

// errBusy tells that somebody lives who has the lock.
var errBusy = errors.New("the lock is held")

// lock takes the lock. Without locks on this drive it returns nil and no error.
// A file that is removed frees the way by hand: each attempt opens it anew.
func (d dir) lock() (*os.File, error) {
	f, err := os.OpenFile(d.path(lockFile), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, d.explain("open the lock of", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is not a file: find out who put it there, and remove it", d.path(lockFile))
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &whole)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return nil, errBusy
	}
	return nil, nil // the drive knows no locks, and the lease does not depend on them
}
