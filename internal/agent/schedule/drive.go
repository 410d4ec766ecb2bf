// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

const (
	// driveMarker is in the root of every shared drive.
	driveMarker = ".portal-storage"
	recordsDir  = "records"
	// maxRecord bounds a history that is read, in bytes; maxSecret a secret.
	maxRecord = 4 << 20
	maxSecret = 64 << 10
)

// SharedDrive is the drive as it is mounted in the scheduler's container. It is
// opened for each use, beneath the portal's own directory: what a container
// may have planted there leads nowhere else.
type SharedDrive struct {
	// Root is where the drive is mounted here, Path where on the hosts.
	Root, Path string
}

// Check implements Drive.
func (d SharedDrive) Check() error {
	info, err := os.Lstat(path.Join(d.Root, driveMarker))
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return fmt.Errorf("%s is not the shared drive (%s: %w): mount the drive there on this host", d.Path, driveMarker, bare(err))
	}
	return nil
}

// ReadHistory implements Drive.
func (d SharedDrive) ReadHistory(portal, task string) (schedule.History, error) {
	if err := d.Check(); err != nil {
		return schedule.History{}, err
	}
	// Without the portal's directory the drive is not to be trusted.
	home, err := d.portal(portal)
	if err != nil {
		return schedule.History{}, err
	}
	defer home.Close()
	name := path.Join(recordsDir, recordFile(task))
	data, err := read(home, name, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return schedule.History{}, nil
	}
	if err != nil {
		return schedule.History{}, d.fail("read", portal, name, err)
	}
	h, err := schedule.ParseHistory(data)
	if err != nil {
		return schedule.History{}, &InvalidError{d.fail("read", portal, name, err)}
	}
	return h, nil
}

// WriteHistory implements Drive. A reader sees the old history or the new one,
// also after a crash.
func (d SharedDrive) WriteHistory(portal, task string, h schedule.History) error {
	home, err := d.portal(portal)
	if err != nil {
		return err
	}
	defer home.Close()
	if err := home.Mkdir(recordsDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return d.fail("make", portal, recordsDir, err)
	}
	name := recordFile(task)
	records, err := home.OpenRoot(recordsDir)
	if err == nil {
		defer records.Close()
		err = replace(records, name, h.Record())
	}
	if err != nil {
		return d.fail("write", portal, path.Join(recordsDir, name), err)
	}
	return nil
}

// Secret implements Drive.
func (d SharedDrive) Secret(portal, name string) (string, error) {
	home, err := d.portal(portal)
	if err != nil {
		return "", err
	}
	defer home.Close()
	file := path.Join(schedule.GivenSecrets, name)
	data, err := read(home, file, maxSecret)
	if err != nil {
		return "", d.fail("read", portal, file, err)
	}
	return strings.TrimSpace(string(data)), nil
}

// portal opens a portal's directory.
func (d SharedDrive) portal(portal string) (*os.Root, error) {
	drive, err := os.OpenRoot(d.Root)
	if err != nil {
		return nil, fmt.Errorf("open the shared drive at %s: %w", d.Path, bare(err))
	}
	defer drive.Close()
	info, err := drive.Lstat(portal)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory")
	}
	var home *os.Root
	if err == nil {
		home, err = drive.OpenRoot(portal)
	}
	if err != nil {
		return nil, d.fail("open", portal, "", err)
	}
	return home, nil
}

// fail says what was done to which path on the hosts.
func (d SharedDrive) fail(what, portal, name string, err error) error {
	return fmt.Errorf("%s %s: %w", what, path.Join(d.Path, portal, name), bare(err))
}

// bare takes the path as it is in the container out of an error.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func recordFile(task string) string { return schedule.RecordName(task) + ".json" }

// read returns the whole of a regular file of at most limit bytes.
func read(root *os.Root, name string, limit int64) ([]byte, error) {
	// A pipe in its place must not hang the scheduler.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > limit:
		return nil, fmt.Errorf("it has %d bytes: at most %d are read", info.Size(), limit)
	}
	var data bytes.Buffer
	_, err = io.Copy(&data, io.LimitReader(f, limit))
	return data.Bytes(), err
}

// replace makes or replaces a file.
func replace(root *os.Root, name string, data []byte) error {
	temp := ".tmp-" + rand.Text()
	err := write(root, temp, data)
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp) // the error before says more
		return err
	}
	return flush(root)
}

func write(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// flush makes renames last.
func flush(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	// Some file systems cannot do this, and have no need to.
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
