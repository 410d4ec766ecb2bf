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

// firstOverrides makes the overrides file and the link to it at the top of the
// portal's directory, unless something is there.
func firstOverrides(portal dir) error {
	d, err := portal.sub(overridesDir)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.Lstat(overridesName); errors.Is(err, fs.ErrNotExist) {
		if err := d.write(overridesName, []byte(noOverrides), attrs{uid: overridesID, gid: overridesID, mode: 0o660}); err != nil {
			return err
		}
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
	if parent != overridesDir+"/" || name == "" || name == "." || name == ".." || isTemp(name) || strings.ContainsRune(name, 0) {
		return dir{}, "", fmt.Errorf("%q is no path of a file in %s/: sessions read and write files there only", file, overridesDir)
	}
	portal, err := s.ownDir()
	if err != nil {
		return dir{}, "", err
	}
	defer portal.Close()
	d, err = portal.sub(overridesDir)
	return d, name, err
}

func (s *server) readFile(file string) (wire.ReadReply, error) {
	d, name, err := s.openShared(file)
	if err != nil {
		return wire.ReadReply{}, err
	}
	defer d.Close()
	data, _, err := d.read(name)
	if err != nil {
		return wire.ReadReply{}, err
	}
	return wire.ReadReply{Data: data, Hash: wire.Hash(data)}, nil
}

func (s *server) writeFile(args wire.WriteArgs) error {
	if len(args.Data) > maxFile {
		return fmt.Errorf("%s would have %d bytes: at most %d MiB are allowed", args.Path, len(args.Data), maxFile>>20)
	}
	d, name, err := s.openShared(args.Path)
	if err != nil {
		return err
	}
	defer d.Close()
	a := attrs{uid: args.UID, gid: args.GID, mode: fs.FileMode(args.Mode).Perm()}
	hash := wire.Absent
	data, info, err := d.read(name)
	switch {
	case err == nil:
		hash = wire.Hash(data)
		a.uid, a.gid = owner(info)
		a.mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if hash != args.IfHash {
		return &wire.Error{
			Code: wire.Changed,
			Text: fmt.Sprintf("%s was changed by somebody else since it was read, and was left as it is: read it again", d.child(name)),
		}
	}
	return d.write(name, args.Data, a)
}
