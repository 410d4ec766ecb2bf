// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// givenDir is the directory below secrets/ of the secrets that a user gave.
const givenDir = "given"

func (s *server) writeSecretFile(args wire.SecretFileArgs) error {
	if err := checkSecretName(args.Name); err != nil {
		return err
	}
	portal, err := s.ownDir()
	if err != nil {
		return err
	}
	defer portal.Close()
	if err := checkSize(portal.child(secretsDir+"/"+givenDir+"/"+args.Name), args.Data); err != nil {
		return err
	}
	secrets, _, err := portal.makeSub(secretsDir, secretsAttrs)
	if err != nil {
		return err
	}
	defer secrets.Close()
	d, err := secrets.private(givenDir, secretsAttrs)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.ensure(args.Name, args.Data, attrs{uid: args.UID, gid: args.GID, mode: secretMode})
}

func (s *server) removeSecretFile(name string) error {
	if err := checkSecretName(name); err != nil {
		return err
	}
	d, err := s.given()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	return d.remove(name)
}

// givenSecrets lists the names of the files. Those that are no names for
// secrets, a person put there.
func (s *server) givenSecrets() ([]string, error) {
	d, err := s.given()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.list()
	return slices.DeleteFunc(names, func(name string) bool { return checkSecretName(name) != nil }), err
}

// given opens their directory. It fails with fs.ErrNotExist when there is none.
func (s *server) given() (dir, error) {
	secrets, err := s.ownSub(secretsDir)
	if err != nil {
		return dir{}, err
	}
	defer secrets.Close()
	return secrets.sub(givenDir)
}
