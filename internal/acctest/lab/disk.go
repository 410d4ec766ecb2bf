// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// makeDisk makes a file with an empty file system in it, all of which root may
// fill. It has no journal: it is no more durable than this machine's memory.
func makeDisk(ctx context.Context, path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return fmt.Errorf("make a disk of %d bytes: %w", size, err)
	}
	return run(ctx, "", "mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", path)
}

// awaitDetached waits until the kernel has let go of a disk that is mounted no
// more. Mounted again before, there would be two of one disk.
func awaitDetached(ctx context.Context, path string) error {
	return await(ctx, func() (bool, error) {
		backing, _ := filepath.Glob("/sys/block/loop*/loop/backing_file") // the pattern is right
		for _, file := range backing {
			if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) == path {
				return false, fmt.Errorf("%s is still in use (%s)", path, file)
			}
		}
		return true, nil
	}, nil)
}

// fillFile makes a file so large that nothing else can be written beside it.
func fillFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	var disk syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &disk); err != nil {
		return err
	}
	var size int64
	for more := int64(disk.Bavail) * disk.Bsize; more >= disk.Bsize; { //nolint:gosec // disks are smaller
		switch err := syscall.Fallocate(int(f.Fd()), 0, size, more); {
		case err == nil:
			size += more
		case errors.Is(err, syscall.ENOSPC):
			more /= 2
		case !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("fill a disk: %w", err)
		}
	}
	return nil
}
