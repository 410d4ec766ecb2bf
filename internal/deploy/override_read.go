// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/ownership"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// restartPending is the status of an override while services may still run with
// former values.
const restartPending = "the services that read the overrides have not restarted since the file was changed"

// ReadOverride tells what is there of an override. It is false when the
// override or its portal is gone.
func (d *Deployer) ReadOverride(ctx context.Context, portal, id string) (OverrideState, bool, error) {
	s, err := d.snapshot(ctx, portal)
	if err != nil || !exists(s.Manifest.Status) {
		return OverrideState{}, false, err
	}
	record, doc, err := parseOverrides(portal, s)
	if err != nil || record.Owners[id] == nil {
		return OverrideState{}, false, err
	}
	state, err := stateOf(portal, id, record, doc)
	return state, err == nil, err
}

// ImportOverride finds an override by its id, "<portal>/<8 hex digits>", or
// makes one of values that are in the file, "<portal>:<leaf>[,<leaf>…]".
func (d *Deployer) ImportOverride(ctx context.Context, importID string) (OverrideState, error) {
	if portal, leaves, ok := strings.Cut(importID, ":"); ok {
		return d.takeOverride(ctx, portal, leaves)
	}
	portal, _, ok := strings.Cut(importID, "/")
	if !ok {
		return OverrideState{}, fmt.Errorf("%q is not the id of an override. Import either by \"<portal>/<id>\", or values that are in the file by \"<portal>:<key>,<key>.<key>\"", importID)
	}
	s, err := d.snapshot(ctx, portal)
	if err != nil {
		return OverrideState{}, err
	}
	if !exists(s.Manifest.Status) {
		return OverrideState{}, noPortalError(portal)
	}
	record, doc, err := parseOverrides(portal, s)
	if err != nil {
		return OverrideState{}, err
	}
	if record.Owners[importID] == nil {
		return OverrideState{}, noOverrideError(portal, importID, record)
	}
	return stateOf(portal, importID, record, doc)
}

// takeOverride makes an override of leaves that are in the file as they are.
func (d *Deployer) takeOverride(ctx context.Context, portal, list string) (OverrideState, error) {
	var paths []overrides.Path
	for text := range strings.SplitSeq(list, ",") {
		p, err := overrides.ParsePath(strings.TrimSpace(text))
		if err != nil {
			return OverrideState{}, err
		}
		paths = append(paths, p)
	}
	b, err := d.begin(ctx, portal, "import", false)
	if err != nil {
		return OverrideState{}, err
	}
	defer b.end()
	if !exists(b.manifest.Status) {
		return OverrideState{}, noPortalError(portal)
	}
	c := &overrideChange{Deployer: d, begun: b, portal: portal}
	return c.take(ctx, paths)
}

func (c *overrideChange) take(ctx context.Context, paths []overrides.Path) (OverrideState, error) {
	record, err := c.readRecord(ctx)
	if err != nil {
		return OverrideState{}, err
	}
	doc, _, err := c.readFile(ctx)
	if err != nil {
		return OverrideState{}, err
	}
	id, err := record.Take(doc, c.portal, paths)
	if err != nil {
		return OverrideState{}, fmt.Errorf("the overrides of portal %q (%s): %w", c.portal, c.path(), err)
	}
	if err := c.saveRecord(ctx, record); err != nil {
		return OverrideState{}, err
	}
	return stateOf(c.portal, id, record, doc)
}

func noOverrideError(portal, id string, record *ownership.Record) error {
	known := slices.Sorted(maps.Keys(record.Owners))
	if len(known) == 0 {
		return fmt.Errorf("there is no override %q: portal %q has none. Import values that are in its file by \"%s:<key>,<key>.<key>\"", id, portal, portal)
	}
	return fmt.Errorf("there is no override %q: portal %q has %s", id, portal, strings.Join(known, ", "))
}

func parseOverrides(portal string, s storage.Snapshot) (*ownership.Record, *overrides.Document, error) {
	record, err := ownership.Parse(s.Records[overridesRecord])
	if err != nil {
		return nil, nil, fmt.Errorf("portal %q: %w", portal, err)
	}
	doc, err := overrides.Parse(s.Overrides)
	if err != nil {
		return nil, nil, fmt.Errorf("the overrides of portal %q (%s/%s): %w", portal, portal, storage.OverridesPath, err)
	}
	return record, doc, nil
}

// stateOf tells what is there of an override that the record has.
func stateOf(portal, id string, record *ownership.Record, doc *overrides.Document) (OverrideState, error) {
	leaves, err := record.Values(doc, id)
	if err != nil {
		return OverrideState{}, err
	}
	secrets, err := record.Secrets(doc, id)
	if err != nil {
		return OverrideState{}, err
	}
	state := OverrideState{
		Portal: portal, ID: id, Status: OverrideApplied,
		Values: overrides.Unflatten(leaves), Secrets: make(map[string]string, len(secrets)),
	}
	for path, s := range secrets {
		state.Secrets[path] = secretStates[s]
	}
	if record.RestartPending || record.Owners[id].Pending {
		state.Status = restartPending
	}
	return state, nil
}

var secretStates = map[ownership.SecretState]string{
	ownership.SecretSame:    SecretSet,
	ownership.SecretChanged: SecretChanged,
	ownership.SecretMissing: SecretMissing,
}
