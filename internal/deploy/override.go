// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/ownership"
)

// ApplyOverride brings the values of an override into the portal's file and
// restarts what reads it. It makes the override when it has no ID. Changes of
// one portal's overrides that come together are made together, with one
// restart. When a service does not come back healthy, all of them are taken
// back.
func (d *Deployer) ApplyOverride(ctx context.Context, o Override) (OverrideState, error) {
	values, err := overrides.Flatten(o.Values)
	if err != nil {
		return OverrideState{}, err
	}
	secrets, err := overrides.Flatten(o.Secrets)
	if err != nil {
		return OverrideState{}, err
	}
	change := ownership.Change{
		Values: values, Secrets: secrets,
		KeepSecrets: !o.SecretsSet, Create: o.ID == "", Adopt: o.Adopt,
	}
	return d.submit(ctx, &overrideJob{
		portal: o.Portal, id: o.ID, secrets: secretTexts(secrets),
		edit: func(r *ownership.Record, doc *overrides.Document, id string) (*overrides.Document, error) {
			return r.Set(doc, id, change)
		},
		newID: func(r *ownership.Record) string {
			return r.NewID(o.Portal, slices.Concat(values, secrets))
		},
	})
}

// RemoveOverride takes an override's leaves out of the file and restarts what
// reads it. What is gone already is no error, and neither is a portal that is.
func (d *Deployer) RemoveOverride(ctx context.Context, portal, id string) error {
	_, err := d.submit(ctx, &overrideJob{
		portal: portal, id: id, removes: true,
		edit: func(r *ownership.Record, doc *overrides.Document, id string) (*overrides.Document, error) {
			return r.Remove(doc, id)
		},
	})
	return err
}

// Credentials returns the values of a portal's generated secrets, by name. They
// are for the caller to pass on: nothing here keeps them.
func (d *Deployer) Credentials(ctx context.Context, portal string) (map[string]string, error) {
	files, _, err := d.openDrive(ctx, d.Engine, portal, false)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	m, err := files.Manifest(ctx)
	if err != nil {
		return nil, err
	}
	if !exists(m.Status) {
		return nil, noPortalError(portal)
	}
	return files.GeneratedSecrets(ctx)
}

func noPortalError(portal string) error {
	return fmt.Errorf("%w: the shared drive has no portal.json for %q, or it was destroyed. Check the name and the provider's storage path", ErrNoPortal, portal)
}

// secretTexts lists the texts that must not appear in an error.
func secretTexts(secrets []overrides.Leaf) []string {
	var out []string
	var collect func(value any)
	collect = func(value any) {
		switch v := value.(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, e := range v {
				collect(e)
			}
		case map[string]any:
			for _, e := range v {
				collect(e)
			}
		}
	}
	for _, l := range secrets {
		collect(l.Value)
	}
	return out
}
