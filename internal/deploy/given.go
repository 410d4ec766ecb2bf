// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// checkGiven holds that every given secret of the stack is on the drive, or was
// given now: Docker would mount an empty directory in the place of a file that
// is not there.
func (b *begun) checkGiven(ctx context.Context, desired *stack.Stack, given map[string]string) error {
	missing := slices.DeleteFunc(slices.Sorted(maps.Keys(desired.Given)), func(name string) bool {
		_, ok := given[name]
		return ok
	})
	if len(missing) == 0 {
		return nil
	}
	there, err := b.files.GivenSecretNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range missing {
		if !slices.Contains(there, name) {
			return fmt.Errorf("portal %q needs the file %s, which is not on the shared drive, and the secret in it was not given. Give the write-only value that it is made of, with another number as its version, and apply again; or restore the file from a backup",
				desired.Portal, path.Join(desired.Directory, storage.GivenSecrets, name))
		}
	}
	return nil
}

// writeGiven writes the secrets that the user gave, for the users that read them.
func (b *begun) writeGiven(ctx context.Context, desired *stack.Stack, given map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(desired.Given)) {
		content, ok := given[name]
		if !ok {
			continue
		}
		reader := desired.Given[name]
		if err := b.files.WriteSecretFile(ctx, name, []byte(content), reader.UID, reader.GID); err != nil {
			return err
		}
	}
	return nil
}

// removeGiven removes the portal's own given secrets of former versions, also
// of those that an apply did not come to its end with. What a container mounts
// stays: a member's may have been made from a service of the portal.
func (b *begun) removeGiven(ctx context.Context, desired *stack.Stack) error {
	names, err := b.files.GivenSecretNames(ctx)
	if err != nil {
		return err
	}
	mounted := map[string]bool{}
	for _, c := range b.observed.Containers {
		for _, source := range c.Mounts {
			mounted[source] = true
		}
	}
	for _, name := range names {
		_, needed := desired.Given[name]
		if needed || !strings.HasPrefix(name, stack.GivenPrefix) || mounted[path.Join(desired.Directory, storage.GivenSecrets, name)] {
			continue
		}
		if err := b.files.RemoveSecretFile(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
