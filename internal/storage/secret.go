// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"context"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// GivenSecrets is the directory of the secrets that a user gave, within a
// portal's.
const GivenSecrets = "secrets/given"

// GeneratedSecrets returns the secrets that were generated for the portal, by
// name, exactly as they are in their files. No other method lets a secret leave
// the drive. It fails with fs.ErrNotExist when there is no such portal.
func (s *Session) GeneratedSecrets(ctx context.Context) (map[string]string, error) {
	var reply wire.SecretsReply
	if err := s.call(ctx, "reading the secrets", "GeneratedSecrets", wire.None{}, &reply); err != nil {
		return nil, err
	}
	return reply.Values, nil
}

// WriteSecretFile makes or replaces the file GivenSecrets/name, which holds a
// secret that a user gave: readable by the user uid alone, or by nobody but root.
// A file that holds data already is not rewritten. It needs the portal's lock.
//
// A container that mounts the file sees a replaced one when it is started again.
func (s *Session) WriteSecretFile(ctx context.Context, name string, data []byte, uid, gid int) error {
	args := wire.SecretFileArgs{Name: name, Data: data, UID: uid, GID: gid}
	return s.call(ctx, "writing the secret "+name, "WriteSecretFile", args, &wire.None{})
}

// GivenSecretNames lists the names of the files in GivenSecrets, of which there
// may be none. Their contents are not read.
func (s *Session) GivenSecretNames(ctx context.Context) ([]string, error) {
	var reply wire.NamesReply
	if err := s.call(ctx, "listing the given secrets", "GivenSecrets", wire.None{}, &reply); err != nil {
		return nil, err
	}
	return reply.Names, nil
}

// RemoveSecretFile removes the file GivenSecrets/name. Without it, there is
// nothing to do. It needs the portal's lock.
func (s *Session) RemoveSecretFile(ctx context.Context, name string) error {
	return s.call(ctx, "removing the secret "+name, "RemoveSecretFile", wire.NameArgs{Name: name}, &wire.None{})
}
