// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

const (
	// programsName is the directory of this program on the drive, by its hash.
	// Containers mount it, and need it to start again: none is ever removed.
	programsName = ".portal-agent"
	// ownProgram is what this process runs.
	ownProgram = "/proc/self/exe"
	// abandoned is the age of a program half-written whose agent must be dead,
	// whatever the clocks of two hosts differ by.
	abandoned = 24 * time.Hour
)

// Nobody but root writes there, and containers mount the file read-only.
var (
	programsAttrs = attrs{mode: 0o755}
	programAttrs  = attrs{mode: 0o555}
)

// install puts this program on the drive, unless it is there, and returns its
// path on the hosts. Agents of other portals may be doing the same.
func (s *server) install() (string, error) {
	if err := s.drive.executable(); err != nil {
		return "", err
	}
	name, size, err := ownHash()
	if err != nil {
		return "", err
	}
	programs, err := s.drive.shared(programsName)
	if err != nil {
		return "", err
	}
	defer programs.Close()
	if err := programs.apply(programsAttrs); err != nil {
		return "", err
	}
	if err := programs.sweepPrograms(); err != nil {
		return "", err
	}
	info, err := programs.Lstat(name)
	switch {
	case err == nil && info.Mode().IsRegular() && info.Size() == size && info.Mode().Perm() == programAttrs.mode:
		return programs.child(name), nil
	case err == nil && !info.Mode().IsRegular():
		return "", notRegular(programs.child(name), info, "a regular file")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", explain("looking at", programs.child(name), err)
	}
	return programs.child(name), programs.copyOwn(name)
}

// sweepPrograms removes what agents that died were writing.
func (d dir) sweepPrograms() error {
	return d.removeWhere(func(name string) bool {
		info, err := d.Lstat(name)
		return isTemp(name) && err == nil && time.Since(info.ModTime()) > abandoned
	})
}

// copyOwn writes this program as the file name: as a whole, or not at all.
func (d dir) copyOwn(name string) error {
	temp := tempName()
	err := d.writeOwn(temp)
	if err == nil {
		err = d.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(explain("writing", d.child(name), err), d.discard(temp))
	}
	return d.sync()
}

func (d dir) writeOwn(name string) error {
	from, err := os.Open(ownProgram)
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, from); err != nil {
		return err
	}
	if err := apply(f, d.child(name), programAttrs); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// ownHash names this program by its content, as the agent's image is tagged.
func ownHash() (name string, size int64, err error) {
	f, err := os.Open(ownProgram)
	if err != nil {
		return "", 0, fmt.Errorf("reading the agent's own program: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if size, err = io.Copy(sum, f); err != nil {
		return "", 0, fmt.Errorf("reading the agent's own program: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], size, nil
}

// executable fails where the drive is mounted so that no program on it can be
// started.
func (d dir) executable() error {
	f, err := d.Open(".")
	if err != nil {
		return explain("opening", d.path, err)
	}
	defer f.Close()
	var info unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &info); err != nil {
		return explain("looking at", d.path, err)
	}
	if info.Flags&unix.ST_NOEXEC != 0 {
		return &wire.Error{Code: wire.Denied, Text: fmt.Sprintf(
			"%s is mounted with the option noexec on this host, and services with a lease run a program from it: mount the shared drive with the option exec (mount -o remount,exec %s)", d.path, d.path)}
	}
	return nil
}
