// SPDX-License-Identifier: MPL-2.0

package ownership

import (
	"fmt"
	"maps"
	"slices"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// SecretState is how a secret leaf of the file compares with what was set.
type SecretState int

const (
	// SecretSame has the value that was set.
	SecretSame SecretState = iota
	// SecretChanged has another one.
	SecretChanged
	// SecretMissing is gone from the file.
	SecretMissing
)

// Values are the leaves of an owner that are no secrets, as they are in the
// file. What is gone from the file is left out.
func (r *Record) Values(doc *overrides.Document, id string) ([]overrides.Leaf, error) {
	var out []overrides.Leaf
	for _, text := range slices.Sorted(maps.Keys(r.Owners[id].Leaves)) {
		if r.Owners[id].Leaves[text].Secret != "" {
			continue
		}
		path, err := overrides.ParsePath(text)
		if err != nil {
			return nil, fmt.Errorf("the record of the overrides' owners: %w", err)
		}
		if value, found := doc.Lookup(path); found {
			out = append(out, overrides.Leaf{Path: path, Value: value})
		}
	}
	return out, nil
}

// Secrets tells of each secret leaf of an owner, by its path, how it is.
func (r *Record) Secrets(doc *overrides.Document, id string) (map[string]SecretState, error) {
	out := map[string]SecretState{}
	for text, leaf := range r.Owners[id].Leaves {
		if leaf.Secret == "" {
			continue
		}
		path, err := overrides.ParsePath(text)
		if err != nil {
			return nil, fmt.Errorf("the record of the overrides' owners: %w", err)
		}
		switch value, found := doc.Lookup(path); {
		case !found:
			out[text] = SecretMissing
		case r.fingerprint(text, value) != leaf.Secret:
			out[text] = SecretChanged
		default:
			out[text] = SecretSame
		}
	}
	return out, nil
}

// Take makes an owner of leaves that are in the file as they are, for an
// import: of each path, or of all leaves below it. They must be there and free.
func (r *Record) Take(doc *overrides.Document, portal string, paths []overrides.Path) (id string, err error) {
	var leaves []overrides.Leaf
	for _, p := range paths {
		value, found := doc.Lookup(p)
		if !found {
			return "", fmt.Errorf("%s is not in the file", p)
		}
		below, err := leavesBelow(p, value)
		if err != nil {
			return "", err
		}
		leaves = append(leaves, below...)
	}
	id = r.NewID(portal, leaves)
	if _, err := r.Set(doc, id, Change{Values: leaves, Create: true}); err != nil {
		return "", err
	}
	r.Owners[id].Pending = false
	return id, nil
}

// leavesBelow lists the leaves of the value at p.
func leavesBelow(p overrides.Path, value any) ([]overrides.Leaf, error) {
	m, isMap := value.(map[string]any)
	if !isMap || len(m) == 0 {
		return []overrides.Leaf{{Path: p, Value: value}}, nil
	}
	leaves, err := overrides.Flatten(m)
	for i := range leaves {
		leaves[i].Path = slices.Concat(p, leaves[i].Path)
	}
	return leaves, err
}

// Restore takes back in now what a change of the given owners did to before:
// their leaves, of the record before and of the one after, get the values that
// they had. What somebody else wrote meanwhile stays.
func Restore(now, before *overrides.Document, ids []string, records ...*Record) (*overrides.Document, error) {
	var gone []overrides.Path
	var back []overrides.Leaf
	for _, path := range leavesOf(ids, records) {
		p, err := overrides.ParsePath(path)
		if err != nil {
			return nil, fmt.Errorf("the record of the overrides' owners: %w", err)
		}
		if value, found := before.Lookup(p); found {
			below, err := leavesBelow(p, value)
			if err != nil {
				return nil, err
			}
			back = append(back, below...)
		} else if _, found := now.Lookup(p); found {
			gone = append(gone, p)
		}
	}
	now, err := now.Remove(gone, emptyMaps(before, ids, records))
	if err != nil {
		return nil, err
	}
	back = slices.DeleteFunc(back, func(l overrides.Leaf) bool { return holds(now, l) })
	now, _, err = now.Set(back)
	return now, err
}

// leavesOf lists the leaves that any of the records gives to any of the owners.
func leavesOf(ids []string, records []*Record) []string {
	all := map[string]bool{}
	for _, r := range records {
		for _, id := range ids {
			if owner := r.Owners[id]; owner != nil {
				for path := range owner.Leaves {
					all[path] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// emptyMaps lists the maps that were empty in before and that an owner filled.
func emptyMaps(before *overrides.Document, ids []string, records []*Record) []overrides.Path {
	var out []overrides.Path
	for _, r := range records {
		for _, id := range ids {
			if r.Owners[id] == nil {
				continue
			}
			for _, text := range r.Owners[id].Filled {
				p, err := overrides.ParsePath(text)
				if err != nil {
					continue // a path that Lookup cannot find either
				}
				if m, found := before.Lookup(p); found && overrides.Equal(m, map[string]any{}) {
					out = append(out, p)
				}
			}
		}
	}
	return out
}
