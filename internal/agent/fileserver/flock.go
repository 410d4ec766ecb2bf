// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// flockName is the file in overrides/ that everybody locks who writes there:
// package storage tells other programs how. The portal's own lock is out of
// their reach.
const flockName = ".lock"

// flockRetry is how often a lock that is held is tried again. A call that waits
// for it could not be given up, and an NFS client would only try as well, at
// longer and longer intervals.
const flockRetry = 10 * time.Millisecond

// makeFlock makes the file that is locked, for all who may write in d. Its inode
// is the lock, so a file that is there is never replaced.
func (d dir) makeFlock() error {
	info, err := d.Stat(".")
	if err != nil {
		return explain("reading", d.path, err)
	}
	uid, gid := owner(info)
	_, err = d.create(flockName, nil, attrs{uid: uid, gid: gid, mode: info.Mode().Perm() & 0o666})
	return err
}

// flock takes the lock of those who write in d, and waits for it up to patience.
// Closing the file releases it.
func (d dir) flock(patience time.Duration) (*os.File, error) {
	deadline := time.Now().Add(patience)
	for {
		f, err := d.tryFlock()
		if f != nil || err != nil {
			return f, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another program has held the lock %s for %s: nothing was written; find it with lslocks or fuser on the host that it runs on, stop it, and apply again",
				d.child(flockName), patience)
		}
		time.Sleep(flockRetry)
	}
}

// tryFlock returns nil when somebody else has the lock.
func (d dir) tryFlock() (*os.File, error) {
	// NFS locks a file for writing only if it is open for writing.
	f, info, err := d.openAs(flockName, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, d.makeFlock()
	}
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, nil
	}
	if err != nil {
		f.Close()
		return nil, explain("locking", d.child(flockName), err)
	}
	now, err := d.Lstat(flockName)
	if err == nil && os.SameFile(now, info) {
		return f, nil
	}
	f.Close()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, explain("locking", d.child(flockName), err)
	}
	return nil, nil // somebody put another file in its place, which others lock now
}
