// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"io/fs"

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
	secrets, err := s.ownSub(secretsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer secrets.Close()
	d, err := secrets.sub(givenDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	return d.remove(name)
}
