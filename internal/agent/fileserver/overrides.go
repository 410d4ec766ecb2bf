// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

const (
	overridesDir  = "overrides"
	overridesName = "ansible_overrides.yml"

	// overridesID is the user and group that people, add-ons and Open edX share
	// the overrides with.
	overridesID = 1000
)

// noOverrides is the first content. Ansible refuses a file that holds no
// mapping, so an empty one stands below the comment.
const noOverrides = `---
# Values here beat the defaults of Open edX. Add a variable per line in place of
# the braces, for example:
# EDXAPP_PLATFORM_NAME: "Acme Academy"
{}
`

// firstOverrides makes the overrides file, the lock of those who write it, and
// the link to it at the top of the portal's directory, unless something is there.
func firstOverrides(portal dir) error {
	d, err := portal.sub(overridesDir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.makeFlock(); err != nil {
		return err
	}
	if _, err := d.create(overridesName, []byte(noOverrides), attrs{uid: overridesID, gid: overridesID, mode: 0o660}); err != nil {
		return err
	}
	err = portal.Symlink(overridesDir+"/"+overridesName, overridesName)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return explain("linking", portal.child(overridesName), err)
	}
	return nil
}

var overridesAttrs = stack.Directory{UID: overridesID, GID: overridesID, Mode: 0o770}

// openShared opens the directory that people and add-ons write to as well, for
// a path in it. No other file is read or replaced for a session: the rest is
// generated, or secret.
func (s *server) openShared(file string) (d dir, name string, err error) {
	parent, name := path.Split(file)
	if parent != overridesDir+"/" || name == "" || name == "." || name == ".." ||
		name == flockName || strings.HasPrefix(name, tempPrefix) || strings.ContainsRune(name, 0) {
		return dir{}, "", fmt.Errorf("%q is no path of a file in %s/: sessions read and write files there only", file, overridesDir)
	}
	d, err = s.ownSub(overridesDir)
	return d, name, err
}

func (s *server) readFile(file string) (wire.ReadReply, error) {
	d, name, err := s.openShared(file)
	if err != nil {
		return wire.ReadReply{}, err
	}
	defer d.Close()
	return d.readHashed(name)
}

func (s *server) writeFile(args wire.WriteArgs) error {
	d, name, err := s.openShared(args.Path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := checkSize(d.child(name), args.Data); err != nil {
		return err
	}
	lock, err := d.flock(s.options.Timing.Flock)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := d.removeWhere(isTemp); err != nil {
		return err
	}
	if args.IfHash != wire.Absent {
		return d.swap(name, args.IfHash, args.Data)
	}
	made, err := d.create(name, args.Data, attrs{uid: args.UID, gid: args.GID, mode: fs.FileMode(args.Mode).Perm()})
	if err == nil && !made {
		err = changed(d.child(name))
	}
	return err
}

// swap replaces the file name, which keeps its owner and mode, if it has the
// given hash. The file is looked at again when the new content is on disk already,
// so that what remains between this look and the replacement is one rename.
func (d dir) swap(name, hash string, data []byte) error {
	info, err := d.unchanged(name, hash)
	if err != nil {
		return err
	}
	uid, gid := owner(info)
	temp := tempName()
	err = d.writeNew(temp, data, attrs{uid: uid, gid: gid, mode: info.Mode().Perm()})
	if err == nil {
		_, err = d.unchanged(name, hash)
	}
	if err == nil {
		err = d.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(explain("writing", d.child(name), err), d.discard(temp))
	}
	return d.sync()
}

// unchanged fails unless the file name has the given hash.
func (d dir) unchanged(name, hash string) (fs.FileInfo, error) {
	data, info, err := d.read(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && wire.Hash(data) != hash {
		err = changed(d.child(name))
	}
	return info, err
}

func changed(shown string) error {
	return &wire.Error{
		Code: wire.Changed,
		Text: fmt.Sprintf("%s was changed by somebody else since it was read, and was left as it is: read it again", shown),
	}
}
