// SPDX-License-Identifier: MPL-2.0

//go:build linux

package lease

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// stateDir holds the one file whose name is the state.
	stateDir = "state"
	// looks bounds how often the state is read again when a rename went on
	// meanwhile: the list of a directory may have both names then, or none.
	looks     = 20
	lookAgain = 5 * time.Millisecond
)

// errChanged tells that the state is not, or no more, the one that was seen.
var errChanged = errors.New("the lease has changed")

// dir is the lease's directory.
type dir string

func (d dir) path(elem ...string) string {
	return filepath.Join(append([]string{string(d)}, elem...)...)
}

// errNone tells that there is no state.
var errNone = errors.New("there is no lease")

// look reads the state, and makes a free one where there is none.
func (d dir) look() (state, error) {
	for {
		s, err := d.only()
		if !errors.Is(err, errNone) {
			return s, err
		}
		if err := d.seed(); err != nil {
			return state{}, err
		}
	}
}

// only reads the state.
func (d dir) only() (state, error) {
	var err error
	for range looks {
		found, listErr := d.list()
		switch {
		case errors.Is(listErr, errNone):
			return state{}, listErr
		case listErr != nil:
			return state{}, d.explain("read", listErr)
		case len(found) == 1:
			return found[0], nil
		case len(found) == 0:
			err = fmt.Errorf("%w in %s", errNone, d.path(stateDir))
		default:
			err = fmt.Errorf("%s holds %d states of a lease, and must hold one: make sure that no server runs on the data, remove the folder, and start the service again",
				d.path(stateDir), len(found))
		}
		time.Sleep(lookAgain)
	}
	return state{}, err
}

// list reads the states that are there. Without the folder there is errNone.
func (d dir) list() ([]state, error) {
	path := d.path(stateDir)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", errNone, path)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder: find out who put it there, and remove it", path)
	}
	// NFS may list a directory from a cache of many seconds. A change of the
	// directory makes it ask; where that fails, what is stale is found out when
	// it is renamed.
	_ = unix.UtimesNanoAt(unix.AT_FDCWD, path, nil, 0)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var found []state
	for _, name := range names {
		if s, ok := parseState(name); ok {
			found = append(found, s)
		}
	}
	return found, nil
}

// seed makes the folder of the state with a free lease in it, unless somebody
// else was first: no folder replaces one that is not empty.
func (d dir) seed() error {
	fresh := d.path(".new-" + token())
	err := os.Mkdir(fresh, 0o700)
	if err != nil {
		return d.explain("make", err)
	}
	first := state{token: token()}
	f, err := os.OpenFile(filepath.Join(fresh, first.name()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = unix.Rename(fresh, d.path(stateDir))
	}
	if err == nil {
		return nil
	}
	_ = os.RemoveAll(fresh)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return nil
	}
	return d.explain("make", err)
}

// move leads the lease from one state to another, or fails with errChanged when
// it is not in the first one.
func (d dir) move(from, to state) error {
	err := unix.Rename(d.path(stateDir, from.name()), d.path(stateDir, to.name()))
	if !errors.Is(err, unix.ENOENT) {
		return err
	}
	// An answer of the drive's server that was lost is asked for again.
	if _, err := os.Lstat(d.path(stateDir, to.name())); err == nil {
		return nil
	}
	return errChanged
}

// explain says what to do about a directory that cannot be written.
func (d dir) explain(what string, err error) error {
	remedy := ""
	switch {
	case errors.Is(err, fs.ErrPermission):
		remedy = fmt.Sprintf(" The directory must belong to the user that the service runs as (%d): name that one in the service's `user`, in numbers.", os.Getuid())
	case errors.Is(err, unix.EROFS):
		remedy = " The drive is mounted read-only on this host."
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		remedy = " The drive is full."
	case errors.Is(err, fs.ErrNotExist):
		remedy = " The directory is not there: is the drive mounted on this host?"
	}
	return fmt.Errorf("cannot %s the lease in %s: %w.%s", what, d, err, remedy)
}
