// SPDX-License-Identifier: MPL-2.0

package ownership

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// Change is what an owner asks for.
type Change struct {
	// Values of all its leaves that are no secrets.
	Values []overrides.Leaf
	// Secrets are its secret leaves. With KeepSecrets those that it has stay as
	// they are in the file, and Secrets is not looked at.
	Secrets     []overrides.Leaf
	KeepSecrets bool
	// Create says that the owner is to be new: one that was completed with other
	// values is somebody else's.
	Create bool
	// Adopt takes over leaves that others have set to another value.
	Adopt bool
}

// ConflictError tells that a leaf belongs to somebody else.
type ConflictError struct {
	Leaf string
	// Holder says who has it and, unless it is a secret, with which value.
	Holder string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s is set already: %s. Remove it from one of the two, or take it over with adopt = true", e.Leaf, e.Holder)
}

// Set changes the file for an owner: its leaves get their values, and leaves
// that it owned and no longer asks for go. It returns the new document; r is
// changed only when there is no error.
func (r *Record) Set(doc *overrides.Document, id string, change Change) (*overrides.Document, error) {
	next := r.Clone()
	owner := next.Owners[id]
	if owner == nil {
		owner = &Owner{Leaves: map[string]Leaf{}}
		next.Owners[id] = owner
	}
	wanted := next.wanted(owner, change)
	inTheWay, err := next.claim(doc, id, wanted, change)
	if err != nil {
		return nil, err
	}
	if doc, err = doc.Remove(inTheWay, nil); err != nil {
		return nil, err
	}
	doc, err = next.drop(doc, owner, func(path string) bool { _, keep := wanted[path]; return !keep })
	if err != nil {
		return nil, err
	}
	var set []overrides.Leaf
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		w := wanted[path]
		if !w.kept && !holds(doc, w.leaf) {
			set = append(set, w.leaf)
		}
		owner.Leaves[path] = Leaf{Secret: w.fingerprint}
	}
	doc, filled, err := doc.Set(set)
	if err != nil {
		return nil, err
	}
	for _, p := range filled {
		owner.Filled = append(owner.Filled, p.String())
	}
	slices.Sort(owner.Filled)
	owner.Filled = slices.Compact(owner.Filled)
	owner.Pending = true
	*r = *next
	return doc, nil
}

// Remove takes an owner's leaves out of the file and forgets the owner. An
// owner that is not known has none.
func (r *Record) Remove(doc *overrides.Document, id string) (*overrides.Document, error) {
	next := r.Clone()
	owner := next.Owners[id]
	if owner == nil {
		return doc, nil
	}
	doc, err := next.drop(doc, owner, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	delete(next.Owners, id)
	*r = *next
	return doc, nil
}

// want is one leaf that an owner is to have.
type want struct {
	leaf        overrides.Leaf
	fingerprint string // of a secret
	kept        bool   // a secret that stays as it is in the file
}

func (r *Record) wanted(owner *Owner, change Change) map[string]want {
	out := map[string]want{}
	for _, l := range change.Values {
		out[l.Path.String()] = want{leaf: l}
	}
	if change.KeepSecrets {
		for path, l := range owner.Leaves {
			if _, isValue := out[path]; l.Secret != "" && !isValue {
				out[path] = want{fingerprint: l.Secret, kept: true}
			}
		}
		return out
	}
	for _, l := range change.Secrets {
		path := l.Path.String()
		out[path] = want{leaf: l, fingerprint: r.fingerprint(path, l.Value)}
	}
	return out
}

// claim makes sure that the leaves an owner does not have yet are free, or may
// be taken over, and takes them from whoever had them. It returns leaves that
// were taken over and have to go, because they lie above or below a wanted one.
func (r *Record) claim(doc *overrides.Document, id string, wanted map[string]want, change Change) ([]overrides.Path, error) {
	mine := r.Owners[id]
	var inTheWay []overrides.Path
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		w := wanted[path]
		if has, owned := mine.Leaves[path]; owned {
			if change.Create && !mine.Pending && !change.Adopt && !has.unchanged(doc, w) {
				return nil, &ConflictError{Leaf: path, Holder: fmt.Sprintf("override %s has it (if no Terraform state has that one any more, import it)", id)}
			}
			continue
		}
		taken, err := r.takeOver(id, path, change.Adopt)
		if err != nil {
			return nil, err
		}
		if len(taken) == 0 && !change.Adopt {
			if err := unclaimed(doc, w); err != nil {
				return nil, err
			}
		}
		for n := 1; change.Adopt && n < len(w.leaf.Path); n++ {
			if value, found := doc.Lookup(w.leaf.Path[:n]); found && !isMap(value) {
				taken = append(taken, w.leaf.Path[:n])
			}
		}
		inTheWay = append(inTheWay, slices.DeleteFunc(taken, func(p overrides.Path) bool { return p.String() == path })...)
	}
	return inTheWay, nil
}

// takeOver takes a path, and what lies above or below it, from the overrides
// that have it: from those that were cut off, and with adopt from all.
func (r *Record) takeOver(id, path string, adopt bool) ([]overrides.Path, error) {
	var taken []overrides.Path
	for {
		other, theirs := r.holder(id, path)
		if other == "" {
			return taken, nil
		}
		if !adopt && !r.Owners[other].Pending {
			return nil, &ConflictError{Leaf: path, Holder: fmt.Sprintf("override %s has %s", other, theirs)}
		}
		p, err := overrides.ParsePath(theirs)
		if err != nil {
			return nil, fmt.Errorf("the record of the overrides' owners: %w", err)
		}
		taken = append(taken, p)
		r.disown(other, theirs)
	}
}

func isMap(value any) bool {
	_, ok := value.(map[string]any)
	return ok
}

// unchanged tells whether a leaf is to have the value that it has.
func (l Leaf) unchanged(doc *overrides.Document, w want) bool {
	return l.Secret == w.fingerprint && (w.kept || holds(doc, w.leaf))
}

// disown takes a leaf from an owner, and the owner from the record with its
// last one.
func (r *Record) disown(id, leaf string) {
	delete(r.Owners[id].Leaves, leaf)
	if len(r.Owners[id].Leaves) == 0 {
		delete(r.Owners, id)
	}
}

// unclaimed makes sure that a leaf which nobody here owns is not there, or has
// the wanted value already, and that what it lies in is a map.
func unclaimed(doc *overrides.Document, w want) error {
	for n := 1; n <= len(w.leaf.Path); n++ {
		path := w.leaf.Path[:n]
		value, found := doc.Lookup(path)
		if !found {
			return nil
		}
		m, isMap := value.(map[string]any)
		switch {
		case n < len(w.leaf.Path) && isMap:
		case n == len(w.leaf.Path) && (overrides.Equal(value, w.leaf.Value) || isMap && len(m) == 0):
		default:
			return &ConflictError{Leaf: path.String(), Holder: "somebody else wrote it into the file" + shown(w, value)}
		}
	}
	return nil
}

// shown tells the value that is there, unless it stands where a secret is to be.
func shown(w want, value any) string {
	if w.fingerprint != "" {
		return ""
	}
	return ", with the value " + overrides.Describe(value)
}

// holder finds an override other than id that owns path, or a leaf above or
// below it.
func (r *Record) holder(id, path string) (other, leaf string) {
	for _, o := range slices.Sorted(maps.Keys(r.Owners)) {
		if o == id {
			continue
		}
		for _, l := range slices.Sorted(maps.Keys(r.Owners[o].Leaves)) {
			if l == path || strings.HasPrefix(l, path+".") || strings.HasPrefix(path, l+".") {
				return o, l
			}
		}
	}
	return "", ""
}

// drop removes an owner's leaves that match from the file, and from the owner.
func (r *Record) drop(doc *overrides.Document, owner *Owner, match func(path string) bool) (*overrides.Document, error) {
	var paths []overrides.Path
	for _, text := range slices.Sorted(maps.Keys(owner.Leaves)) {
		if !match(text) {
			continue
		}
		path, err := overrides.ParsePath(text)
		if err != nil {
			return nil, fmt.Errorf("the record of the overrides' owners: %w", err)
		}
		if _, found := doc.Lookup(path); found {
			paths = append(paths, path)
		}
		delete(owner.Leaves, text)
	}
	// Ansible refuses a file without any mapping.
	keep := []overrides.Path{{}}
	for _, text := range owner.Filled {
		path, err := overrides.ParsePath(text)
		if err != nil {
			return nil, fmt.Errorf("the record of the overrides' owners: %w", err)
		}
		keep = append(keep, path)
	}
	return doc.Remove(paths, keep)
}

// holds tells whether the file has the leaf with its value.
func holds(doc *overrides.Document, l overrides.Leaf) bool {
	value, found := doc.Lookup(l.Path)
	return found && overrides.Equal(value, l.Value)
}
