// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// explanations of what a drive answers, and what to do about it.
var explanations = []struct {
	errno  syscall.Errno
	code   wire.Code
	remedy string
}{
	{syscall.ENOSPC, wire.NoSpace, "free some space on the shared drive (or inodes: df -i), then apply again"},
	{syscall.EDQUOT, wire.NoSpace, "raise the quota of the shared drive or free some space, then apply again"},
	{syscall.EROFS, wire.ReadOnly, "the shared drive is mounted read-only on this host: mount it read-write"},
	{syscall.EACCES, wire.Denied, "the agent runs as root: an NFS export needs the option no_root_squash for the Docker hosts"},
	{syscall.EPERM, wire.Denied, "the agent runs as root and sets owners: an NFS export needs the option no_root_squash for the Docker hosts"},
	{syscall.ENOLCK, wire.Other, "the shared drive gives no locks on files: mount it with NFS 4, or run rpc.statd on this host for NFS 3"},
	{syscall.ESTALE, wire.Stale, "the host's mount of the shared drive is stale: mount it again"},
	{syscall.EIO, wire.Other, "the shared drive failed: see the host's kernel log (dmesg)"},
	{syscall.ENOTEMPTY, wire.Other, "something still writes there: stop it, then apply again"},
	{syscall.EBUSY, wire.Other, "something still uses it: stop it, then apply again"},
}

// explain wraps an error of the file system: what was done, to which path as
// the hosts see it, why it failed and what helps. An error that was explained
// already stays as it is.
func explain(doing, shown string, err error) error {
	if known := (*wire.Error)(nil); errors.As(err, &known) {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &wire.Error{Code: wire.NotExist, Text: fmt.Sprintf("%s %s: it does not exist", doing, shown)}
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Errorf("%s %s: %w", doing, shown, err)
	}
	for _, e := range explanations {
		if e.errno == errno {
			return &wire.Error{Code: e.code, Text: fmt.Sprintf("%s %s: %s: %s", doing, shown, errno, e.remedy)}
		}
	}
	return fmt.Errorf("%s %s: %w", doing, shown, errno)
}
