// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const archiveName = ".archive"

// archive moves the portal's directory to .archive/<portal>-<time> and returns
// the path on the hosts. Without a directory it has nothing to do.
func (s *server) archive(now time.Time) (string, error) {
	d, err := s.ownDir()
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	d.Close()
	shelf, err := s.drive.shared(archiveName)
	if err != nil {
		return "", err
	}
	defer shelf.Close()
	base := s.portal + "-" + now.UTC().Format("20060102T150405Z")
	name := base
	for n := 2; ; n++ {
		_, err := shelf.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return "", explain("archiving to", shelf.child(name), err)
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
	if err := s.drive.Rename(s.portal, archiveName+"/"+name); err != nil {
		return "", explain("archiving to", shelf.child(name), err)
	}
	return shelf.child(name), errors.Join(shelf.sync(), s.drive.sync())
}

// delete removes the portal's directory. It is renamed first, so it is never
// there in half; the next delete finishes one that was cut off.
func (s *server) delete() error {
	d, err := s.ownDir()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		d.Close()
		if err := s.drive.Rename(s.portal, deletingPrefix+s.portal+"-"+randomHex(4)); err != nil {
			return explain("deleting", s.drive.child(s.portal), err)
		}
		if err := s.drive.sync(); err != nil {
			return err
		}
	}
	return s.sweep()
}
