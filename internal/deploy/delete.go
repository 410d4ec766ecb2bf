// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// Delete takes a portal down and does with its files what onDestroy says. It
// may be repeated: what is gone already is no error.
func (d *Deployer) Delete(ctx context.Context, name string, onDestroy stack.OnDestroy) error {
	b, err := d.begin(ctx, name, "destroy", false)
	if err != nil {
		return err
	}
	defer b.end()
	if gateway := b.manifest.Spec.Gateway; gateway != "" {
		if err := d.unpublish(ctx, b.observed.Host, gateway, name); err != nil {
			return err
		}
	}
	if err := d.checkHosts(b.manifest, b.observed); err != nil {
		return err
	}
	if err := d.clearElsewhere(ctx, b.observed); err != nil {
		return err
	}
	if err := d.execute(ctx, &stack.Stack{Portal: name}, stack.Teardown(b.observed)); err != nil {
		return err
	}
	if err := d.Engine.SyncSchedulers(ctx); err != nil {
		return err
	}
	return d.leave(ctx, b, onDestroy)
}

// forgetMembers removes the records of members, which were taken down with the
// portal.
func (b *begun) forgetMembers(ctx context.Context, portal string) error {
	p, err := b.readParts(ctx, portal)
	if err != nil {
		return err
	}
	for owner := range p.without("") {
		if err := b.files.RemoveRecord(ctx, recordName(owner)); err != nil {
			return err
		}
	}
	return nil
}

// leave treats the files of a portal whose containers are gone. A directory
// that is not a portal's stays as it is.
func (d *Deployer) leave(ctx context.Context, b *begun, onDestroy stack.OnDestroy) error {
	if b.manifest.Status == storage.Foreign {
		return nil
	}
	if b.manifest.Status != storage.None {
		if err := b.forgetMembers(ctx, b.manifest.Portal); err != nil {
			return err
		}
		// Also before an archive: what is moved back by hand can be adopted.
		m := b.manifest
		m.Status, m.Provider, m.Leaving = storage.Retained, d.Version, nil
		if err := b.files.SaveManifest(ctx, m); err != nil {
			return err
		}
	}
	switch onDestroy {
	case stack.Archive:
		path, err := b.files.Archive(ctx)
		if err != nil {
			return err
		}
		d.progress(ctx, fmt.Sprintf("portal %s: files moved to %s", b.observed.Portal, path))
	case stack.Delete:
		return b.files.Delete(ctx)
	}
	return nil
}
