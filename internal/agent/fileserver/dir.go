// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"syscall"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// maxFile is the largest file the agent reads, in bytes.
const maxFile = 4 << 20

// tempPrefix begins the names of files and directories that are being made.
const tempPrefix = ".tmp-"

// dir is an open directory of the drive. Names given to its methods are single
// names, never paths, and are never followed when they are links.
type dir struct {
	*os.Root
	path string // on the hosts, for messages
}

// attrs are what a file or directory is made with.
type attrs struct {
	uid, gid int
	mode     fs.FileMode // permission bits
}

// child is the path on the hosts of a name in d.
func (d dir) child(name string) string { return path.Join(d.path, name) }

// sub opens the directory name. A link, or something else, is refused.
func (d dir) sub(name string) (dir, error) {
	before, err := d.Lstat(name)
	if err != nil {
		return dir{}, explain("opening", d.child(name), err)
	}
	if !before.IsDir() {
		return dir{}, notRegular(d.child(name), before, "a directory")
	}
	root, err := d.OpenRoot(name)
	if err != nil {
		return dir{}, explain("opening", d.child(name), err)
	}
	after, err := root.Stat(".")
	if err == nil && !os.SameFile(before, after) {
		err = errExchanged
	}
	if err != nil {
		root.Close()
		return dir{}, explain("opening", d.child(name), err)
	}
	return dir{Root: root, path: d.child(name)}, nil
}

// shared opens a directory of the drive that all portals use, and makes it if it
// is not there: other agents may be doing the same.
func (d dir) shared(name string) (dir, error) {
	if err := d.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return dir{}, explain("making", d.child(name), err)
	}
	return d.sub(name)
}

// makeSub opens the directory name, and makes it with a if it is not there. It
// appears with its owner and mode, or not at all. Only the holder of the portal's
// lock may call it.
func (d dir) makeSub(name string, a attrs) (sub dir, made bool, err error) {
	sub, err = d.sub(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return sub, false, err
	}
	temp := tempName()
	if err := d.Mkdir(temp, 0o700); err != nil {
		return dir{}, false, explain("making", d.child(name), err)
	}
	err = d.applyDir(temp, a)
	if err == nil {
		err = d.Rename(temp, name)
	}
	if err != nil {
		err = explain("making", d.child(name), err)
		return dir{}, false, errors.Join(err, d.discard(temp))
	}
	if err := d.sync(); err != nil {
		return dir{}, false, err
	}
	sub, err = d.sub(name)
	return sub, true, err
}

// private opens the directory name, which the agent alone writes to, makes it if
// it is not there, and removes what an agent that died was writing in it. Only
// the holder of the portal's lock may call it.
func (d dir) private(name string, a attrs) (dir, error) {
	sub, made, err := d.makeSub(name, a)
	if err != nil || made {
		return sub, err
	}
	err = sub.apply(a)
	if err == nil {
		err = sub.removeWhere(isTemp)
	}
	if err != nil {
		sub.Close()
		return dir{}, err
	}
	return sub, nil
}

func (d dir) applyDir(name string, a attrs) error {
	sub, err := d.sub(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	return sub.apply(a)
}

// apply gives the directory itself the owner and mode of a.
func (d dir) apply(a attrs) error {
	f, err := d.Open(".")
	if err != nil {
		return explain("opening", d.path, err)
	}
	defer f.Close()
	return apply(f, d.path, a)
}

// open opens a regular file for reading.
func (d dir) open(name string) (*os.File, fs.FileInfo, error) {
	return d.openAs(name, os.O_RDONLY)
}

// openAs opens a regular file to be read, written or both.
func (d dir) openAs(name string, access int) (*os.File, fs.FileInfo, error) {
	var err error
	for range attempts {
		var f *os.File
		var info fs.FileInfo
		if f, info, err = d.tryOpen(name, access); !errors.Is(err, errExchanged) {
			return f, info, err
		}
	}
	return nil, nil, explain("opening", d.child(name), err)
}

// attempts bounds how often a file is opened again that others replace all the
// time.
const attempts = 20

var errExchanged = errors.New("it was exchanged while it was opened")

// tryOpen fails with errExchanged when what it opened is not what it looked at.
func (d dir) tryOpen(name string, access int) (*os.File, fs.FileInfo, error) {
	before, err := d.Lstat(name)
	if err != nil {
		return nil, nil, explain("opening", d.child(name), err)
	}
	if !before.Mode().IsRegular() {
		return nil, nil, notRegular(d.child(name), before, "a regular file")
	}
	// Without O_NONBLOCK a pipe put there meanwhile would hang the agent.
	f, err := d.OpenFile(name, access|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, explain("opening", d.child(name), err)
	}
	after, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, explain("opening", d.child(name), err)
	}
	if !os.SameFile(before, after) {
		f.Close()
		return nil, nil, errExchanged
	}
	return f, after, nil
}

// read returns the whole of a regular file.
func (d dir) read(name string) ([]byte, fs.FileInfo, error) {
	for attempt := 1; ; attempt++ {
		f, info, err := d.open(name)
		if err != nil {
			return nil, nil, err
		}
		data, err := readAll(f, d.child(name))
		f.Close()
		// NFS knows a file no more that another host replaced after it was opened.
		if isCode(err, wire.Stale) && attempt < attempts {
			continue
		}
		return data, info, err
	}
}

// readHashed returns the whole of a regular file with its hash.
func (d dir) readHashed(name string) (wire.ReadReply, error) {
	data, _, err := d.read(name)
	if err != nil {
		return wire.ReadReply{}, err
	}
	return wire.ReadReply{Data: data, Hash: wire.Hash(data)}, nil
}

func readAll(f *os.File, shown string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, explain("reading", shown, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB, which no file of its kind is: make it smaller", shown, maxFile>>20)
	}
	return data, nil
}

// checkSize refuses to write what could not be read again.
func checkSize(shown string, data []byte) error {
	if len(data) > maxFile {
		return fmt.Errorf("%s would have %d bytes: at most %d MiB are allowed", shown, len(data), maxFile>>20)
	}
	return nil
}

// write makes or replaces the file name: a reader sees the old one or the new
// one, also after a crash.
func (d dir) write(name string, data []byte, a attrs) error {
	temp := tempName()
	err := d.writeNew(temp, data, a)
	if err == nil {
		err = d.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(explain("writing", d.child(name), err), d.discard(temp))
	}
	return d.sync()
}

// create makes the file name as a whole, unless something is there.
func (d dir) create(name string, data []byte, a attrs) (made bool, err error) {
	if _, err := d.Lstat(name); err == nil {
		return false, nil
	}
	temp := tempName()
	err = d.writeNew(temp, data, a)
	if err == nil {
		// A link, unlike a rename, fails when somebody else was first.
		err = d.Link(temp, name)
		made = err == nil
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err != nil {
		err = explain("writing", d.child(name), err)
	}
	return made, errors.Join(err, d.discard(temp), d.sync())
}

// writeNew makes the file name, which must not be there.
func (d dir) writeNew(name string, data []byte, a attrs) error {
	f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := apply(f, d.child(name), a); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// remove removes the file name, if it is there.
func (d dir) remove(name string) error {
	info, err := d.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return notRegular(d.child(name), info, "a regular file")
	}
	if err == nil {
		err = d.Remove(name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain("removing", d.child(name), err)
	}
	return d.sync()
}

// discard removes what was begun and could not be finished.
func (d dir) discard(name string) error {
	if err := d.RemoveAll(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain("removing", d.child(name), err)
	}
	return nil
}

// sync makes renames in d last.
func (d dir) sync() error {
	f, err := d.Open(".")
	if err != nil {
		return explain("opening", d.path, err)
	}
	defer f.Close()
	err = f.Sync()
	// Some file systems cannot sync a directory, and have no need to.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	if err != nil {
		return explain("writing", d.path, err)
	}
	return nil
}

// list returns the names in d.
func (d dir) list() ([]string, error) {
	f, err := d.Open(".")
	if err != nil {
		return nil, explain("opening", d.path, err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, explain("listing", d.path, err)
	}
	return names, nil
}

// removeWhere removes the entries that match tells to, whole trees too. Links
// are removed, not what they point at.
func (d dir) removeWhere(match func(name string) bool) error {
	names, err := d.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !match(name) {
			continue
		}
		if err := d.RemoveAll(name); err != nil {
			return explain("removing", d.child(name), err)
		}
	}
	return nil
}

// tempRE is narrow: in overrides/, other programs have temporary files as well.
var tempRE = regexp.MustCompile(`^` + regexp.QuoteMeta(tempPrefix) + `[0-9a-f]{16}$`)

func isTemp(name string) bool { return tempRE.MatchString(name) }

func tempName() string { return tempPrefix + randomHex(8) }

// randomHex returns n random bytes as hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// apply gives an open file the owner and mode of a, where they differ: an
// owner that is right already needs no right to change it.
func apply(f *os.File, shown string, a attrs) error {
	info, err := f.Stat()
	if err != nil {
		return explain("reading", shown, err)
	}
	uid, gid := owner(info)
	if uid != a.uid || gid != a.gid {
		if err := f.Chown(a.uid, a.gid); err != nil {
			return explain(fmt.Sprintf("giving to user %d:%d the path", a.uid, a.gid), shown, err)
		}
	}
	if info.Mode().Perm() != a.mode {
		if err := f.Chmod(a.mode); err != nil {
			return explain(fmt.Sprintf("setting mode %04o of", a.mode), shown, err)
		}
	}
	return nil
}

func owner(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}

// notRegular says what stands where something else is expected.
func notRegular(shown string, info fs.FileInfo, expected string) error {
	kind := "a regular file"
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		kind = "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	case mode.IsDir():
		kind = "a directory"
	}
	return &wire.Error{
		Code: wire.NotRegular,
		Text: fmt.Sprintf("%s is %s, not %s: it is left alone; find out who put it there, and remove it", shown, kind, expected),
	}
}
