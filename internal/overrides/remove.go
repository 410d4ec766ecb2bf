// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"maps"
	"slices"
)

// Remove takes leaves out, and the mappings that become empty by it. Those of
// keepEmpty, which Set returned, stay as {}. The file as a whole is no mapping
// to take out: without entries it has no value, or {}.
//
// A path where no leaf stands any more is passed over: nothing is there, or a
// mapping in which others have set values. A leaf that comes by an alias or a
// merge, or that an alias refers to, is a [*ConflictError]; then nothing is
// changed.
func (d *Document) Remove(paths, keepEmpty []Path) (*Document, error) {
	r := &remover{edit: edit{Document: d}, gone: map[*entry]bool{}, touched: map[*node]bool{}, keepEmpty: keepEmpty}
	var first Path
	for _, path := range paths {
		found, err := r.mark(path)
		if err != nil {
			return nil, err
		}
		if found && first == nil {
			first = path
		}
	}
	if first == nil {
		return d, nil
	}
	want := r.empty(d.root, d.tree, Path{})
	if err := r.checkAliases(d.root, Path{}); err != nil {
		return nil, err
	}
	if err := r.cut(d.root); err != nil {
		return nil, d.refused(first, err)
	}
	changed, err := r.verified(want)
	if err != nil {
		return nil, d.refused(first, err)
	}
	return changed, nil
}

// remover collects the splices that take out entries.
type remover struct {
	edit
	gone      map[*entry]bool
	touched   map[*node]bool // mappings from which something goes
	keepEmpty []Path
}

// mark notes the entry of a leaf. It tells whether there is one.
func (r *remover) mark(path Path) (found bool, err error) {
	t := r.tree.get(path)
	if t == nil || len(path) == 0 || len(t.keys) > 0 {
		return false, nil
	}
	_, e := r.own(path)
	if e == nil {
		return false, &ConflictError{
			path, r.line(r.nearest(path)), "it comes by an alias or a merge (<<) and is not set here",
			"remove it where it is set",
		}
	}
	r.gone[e] = true
	for m, rest := r.root, path; len(rest) > 0; rest = rest[1:] {
		r.touched[m] = true
		m = m.entry(rest[0]).value
	}
	return true, nil
}

// empty marks the mappings that become empty, from the deepest on, and returns
// what Ansible reads in m in the end.
func (r *remover) empty(m *node, t *tree, path Path) *tree {
	left := mappingTree()
	maps.Copy(left.keys, t.keys)
	for key, e := range m.index {
		if r.touched[e.value] {
			at := path.child(key.text)
			below := r.empty(e.value, t.keys[key], at)
			left.keys[key] = below
			r.gone[e] = len(e.value.entries) == r.count(e.value) && !r.keeps(at)
		}
		if r.gone[e] {
			delete(left.keys, key)
			if merged := m.merged[key]; merged != nil {
				left.keys[key] = merged
			}
		}
	}
	return left
}

// count tells how many entries of a mapping go.
func (r *remover) count(m *node) int {
	n := 0
	for _, e := range m.entries {
		if r.gone[e] {
			n++
		}
	}
	return n
}

func (r *remover) keeps(path Path) bool {
	return slices.ContainsFunc(r.keepEmpty, func(p Path) bool { return slices.Equal(p, path) })
}

// checkAliases refuses to take out what an alias refers to, or a part of it.
func (r *remover) checkAliases(m *node, path Path) error {
	if len(m.aliases) > 0 {
		return r.aliased(m, m.aliases[0], path)
	}
	for key, e := range m.index {
		at := path.child(key.text)
		switch {
		case r.gone[e]:
			if err := r.checkAnchors(e.key, at, r.goes); err != nil {
				return err
			}
			if err := r.checkAnchors(e.value, at, r.goes); err != nil {
				return err
			}
		case r.touched[e.value]:
			if err := r.checkAliases(e.value, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// goes tells whether an alias is taken out as well.
func (r *remover) goes(alias *node) bool {
	for e := range r.gone {
		if r.gone[e] && e.start <= alias.start && alias.end <= e.end {
			return true
		}
	}
	return false
}
