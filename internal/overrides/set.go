// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Set writes leaves: it replaces values that are there and adds what is not,
// with the mappings on the way. A leaf that has its value already is left as it
// is written.
//
// It returns the new document, and the paths of the mappings that stood in the
// text as {} and now have entries. Remove wants these to put the {} back.
//
// A leaf that cannot be set without changing others is a [*ConflictError]; then
// nothing is changed.
func (d *Document) Set(leaves []Leaf) (*Document, []Path, error) {
	leaves, err := d.changes(leaves)
	if err != nil || len(leaves) == 0 {
		return d, nil, err
	}
	want := Unflatten(leaves)
	s := &setter{edit: edit{Document: d}, style: d.style()}
	if d.root == nil {
		s.linesAt(d.contentEnd(), s.entries(want, 0))
	} else if err := s.into(d.root, d.tree, want, Path{}); err != nil {
		return nil, nil, err
	}
	changed, err := s.verified(d.tree.with(want))
	if err != nil {
		return nil, nil, d.refused(leaves[0].Path, err)
	}
	return changed, s.filled, nil
}

// changes checks leaves and returns those that differ from the text, sorted.
func (d *Document) changes(leaves []Leaf) ([]Leaf, error) {
	leaves = slices.SortedFunc(slices.Values(leaves), compareLeaves)
	changes := make([]Leaf, 0, len(leaves))
	for i, leaf := range leaves {
		if err := leaf.check(); err != nil {
			return nil, err
		}
		if i > 0 && leaf.Path.within(leaves[i-1].Path) {
			return nil, fmt.Errorf("%s cannot be set together with %s: one contains the other", leaves[i-1].Path, leaf.Path)
		}
		if _, e := d.own(leaf.Path); e == nil || !Equal(d.tree.get(leaf.Path).value(), leaf.Value) {
			changes = append(changes, leaf)
		}
	}
	return changes, nil
}

// with is the tree with values set in it.
func (t *tree) with(values map[string]any) *tree {
	changed := mappingTree()
	maps.Copy(changed.keys, t.keys)
	for key, value := range values {
		at := stringScalar(key)
		if nested, ok := value.(map[string]any); ok && len(nested) > 0 {
			below := changed.keys[at]
			if below == nil {
				below = mappingTree()
			}
			changed.keys[at] = below.with(nested)
			continue
		}
		changed.keys[at] = treeOf(value)
	}
	return changed
}

// setter collects the splices that set values.
type setter struct {
	edit
	style
	filled []Path
}

// into sets values in a mapping, of which t is the tree.
func (s *setter) into(m *node, t *tree, values map[string]any, path Path) error {
	if len(m.aliases) > 0 {
		return s.aliased(m, m.aliases[0], path)
	}
	added := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value, at := values[key], path.child(key)
		e := m.entry(key)
		if e == nil {
			if err := s.checkMerged(m, t.keys[stringScalar(key)], value, at); err != nil {
				return err
			}
			added[key] = value
			continue
		}
		if err := s.change(m, e, t.keys[stringScalar(key)], value, at); err != nil {
			return err
		}
	}
	if len(added) == 0 {
		return nil
	}
	if len(m.entries) == 0 {
		s.filled = append(s.filled, path)
		s.fill(m, path, added)
		return nil
	}
	return s.add(m, path, added)
}

// change sets a value where an entry is.
func (s *setter) change(m *node, e *entry, t *tree, value any, path Path) error {
	nested, _ := value.(map[string]any)
	line := s.line(e.start)
	switch {
	case len(nested) > 0 && e.value.target != nil:
		return &ConflictError{path, line, "an alias stands there, and a change would be one of what it refers to", "write the value out in place of *" + e.value.yaml.Value}
	case len(nested) > 0 && t.kind != yaml.MappingNode:
		return &ConflictError{path, line, "the value there is no mapping", "remove it, or set it as a whole"}
	case len(nested) > 0:
		return s.into(e.value, t, nested, path)
	case t.kind == yaml.MappingNode && len(t.keys) > 0:
		return &ConflictError{path, line, "a mapping with other values stands there", "set values in it, or remove it"}
	}
	if err := s.checkAnchors(e.value, path, e.value.holds); err != nil {
		return err
	}
	if err := s.write(m, e, value); err != nil {
		return &ConflictError{path, line, err.Error(), "write it as a key, a colon and a value on one line"}
	}
	return nil
}

// checkMerged refuses to hide values that come by a merge, but for the leaf
// itself.
func (s *setter) checkMerged(m *node, merged *tree, value any, path Path) error {
	nested, _ := value.(map[string]any)
	if merged == nil || len(nested) == 0 && len(merged.keys) == 0 {
		return nil
	}
	return &ConflictError{
		path, s.line(m.start), "its values come by a merge (<<), and a key here would hide all of them",
		"write them out here",
	}
}

var errNoColon = errors.New("the key there has no colon")

// contentEnd is where the document's content ends: before the line of its ...,
// or at the end of the text.
func (d *Document) contentEnd() int {
	line := 0
	if d.root != nil {
		line = d.line(d.root.end)
	} else if d.marker("---", 0) < len(d.lines) {
		line = d.marker("---", 0) + 1
	}
	if end := d.marker("...", line); end < len(d.lines) {
		return d.lines[end]
	}
	return len(d.text)
}

// marker finds the line, counted from 0, that is a document's marker.
func (d *Document) marker(text string, line int) int {
	for ; line < len(d.lines); line++ {
		at := d.lines[line]
		if string(d.text[at:min(at+3, len(d.text))]) == text && d.blankOrEnd(at+3) {
			break
		}
	}
	return line
}
