// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
)

// tree is a value as Ansible reads it, with aliases and merges followed. Trees
// are shared and do not change.
type tree struct {
	kind   yaml.Kind // scalar, sequence or mapping
	scalar scalar
	items  []*tree
	keys   map[scalar]*tree
	size   int // how many nodes it is, with aliases written out
	depth  int // how deep they are nested
}

func scalarTree(s scalar) *tree { return &tree{kind: yaml.ScalarNode, scalar: s} }

func mappingTree() *tree {
	return &tree{kind: yaml.MappingNode, keys: map[scalar]*tree{}}
}

// treeOf is the tree that a value reads as once it is written.
func treeOf(value any) *tree {
	switch v := value.(type) {
	case nil:
		return scalarTree(scalar{kind: kindNull})
	case bool:
		return scalarTree(scalar{kind: kindBool, text: fmt.Sprint(v)})
	case Number:
		if v.whole() {
			return scalarTree(scalar{kind: kindInt, text: string(v)})
		}
		return scalarTree(scalar{kind: kindFloat, text: string(v)})
	case string:
		return scalarTree(stringScalar(v))
	case []any:
		t := &tree{kind: yaml.SequenceNode}
		for _, item := range v {
			t.items = append(t.items, treeOf(item))
		}
		return t
	case map[string]any:
		t := mappingTree()
		for key, item := range v {
			t.keys[stringScalar(key)] = treeOf(item)
		}
		return t
	}
	return nil // Leaf.check lets no other through
}

// value is the tree for Terraform. Keys that are no strings become strings as
// in JSON.
func (t *tree) value() any {
	switch t.kind {
	case yaml.SequenceNode:
		list := make([]any, 0, len(t.items))
		for _, item := range t.items {
			list = append(list, item.value())
		}
		return list
	case yaml.MappingNode:
		m := make(map[string]any, len(t.keys))
		for key, item := range t.keys {
			name := key.name()
			if _, taken := t.keys[stringScalar(name)]; key.kind == kindString && key.tag == "" || !taken {
				m[name] = item.value()
			}
		}
		return m
	}
	return t.scalar.value()
}

func (t *tree) equal(other *tree) bool {
	return t == other || t.kind == other.kind && t.scalar == other.scalar &&
		slices.EqualFunc(t.items, other.items, (*tree).equal) &&
		maps.EqualFunc(t.keys, other.keys, (*tree).equal)
}

// get finds what is at a path.
func (t *tree) get(path Path) *tree {
	for _, key := range path {
		if t = t.keys[stringScalar(key)]; t == nil {
			return nil
		}
	}
	return t
}

// Lookup tells what Ansible reads at a path. A list is a value of its own:
// paths do not lead into it.
func (d *Document) Lookup(path Path) (value any, found bool) {
	t := d.tree.get(path)
	if t == nil {
		return nil, false
	}
	return t.value(), true
}

// reader makes trees of a document's nodes.
type reader struct {
	*Document
	trees   map[*node]*tree
	aliased int // nodes that aliases added
}

func newReader(d *Document) *reader { return &reader{Document: d, trees: map[*node]*tree{}} }

// document is the tree of the whole document, which has count nodes.
func (r *reader) document(count int) (*tree, error) {
	r.trees = make(map[*node]*tree, count)
	if r.root == nil {
		return mappingTree(), nil
	}
	return r.tree(r.root)
}

func (r *reader) tree(n *node) (*tree, error) {
	if n.target != nil {
		return r.alias(n)
	}
	t := &tree{kind: n.yaml.Kind, size: 1}
	var err error
	switch n.yaml.Kind {
	case yaml.SequenceNode:
		err = r.list(t, n)
	case yaml.MappingNode:
		err = r.mapping(t, n)
	default:
		t.scalar = r.scalarOf(n)
	}
	if err != nil {
		return nil, err
	}
	if t.depth > maxDepth {
		return nil, &SyntaxError{r.line(n.start), fmt.Sprintf("values are nested more than %d levels deep", maxDepth), "nest them less"}
	}
	r.trees[n] = t
	return t, nil
}

// contains counts what is in a tree.
func (t *tree) contains(child *tree) {
	t.size += child.size
	t.depth = max(t.depth, child.depth+1)
}

func (r *reader) alias(n *node) (*tree, error) {
	t := r.trees[n.target]
	if t == nil {
		return nil, &SyntaxError{r.line(n.start), "the anchor &" + n.yaml.Value + " contains itself", "write its value out"}
	}
	return t, r.add(n, t.size)
}

// add counts what an alias adds.
func (r *reader) add(n *node, size int) error {
	if r.aliased += size; r.aliased > maxAliased {
		return &SyntaxError{r.line(n.start), fmt.Sprintf("aliases add more than %d values", maxAliased), "write fewer aliases of aliases"}
	}
	return nil
}

func (r *reader) list(t *tree, n *node) error {
	for _, item := range n.items {
		i, err := r.tree(item)
		if err != nil {
			return err
		}
		t.items = append(t.items, i)
		t.contains(i)
	}
	return nil
}

func (r *reader) mapping(t *tree, n *node) error {
	t.keys = make(map[scalar]*tree, len(n.entries))
	n.index = make(map[scalar]*entry, len(n.entries))
	seen := make(map[scalar]*entry, len(n.entries))
	var merged *tree
	for _, e := range n.entries {
		key, err := r.key(e)
		if err != nil {
			return err
		}
		if first := seen[key.asKey()]; first != nil {
			return &SyntaxError{r.line(e.start), fmt.Sprintf("the key %s stands on line %d already", r.text[e.key.start:e.key.end], r.line(first.start)), "keep one of them"}
		}
		seen[key.asKey()], n.index[key] = e, e
		value, err := r.tree(e.value)
		if err != nil {
			return err
		}
		if isMerge(e) {
			merged, err = r.merge(e, value)
			if err != nil {
				return err
			}
			continue
		}
		t.keys[key] = value
		t.contains(value)
	}
	if merged != nil {
		n.merged = merged.keys
		for key, value := range merged.keys {
			if _, own := n.index[key]; !own {
				t.keys[key] = value
				t.contains(value)
			}
		}
	}
	return nil
}

// key reads an entry's key.
func (r *reader) key(e *entry) (scalar, error) {
	t, err := r.tree(e.key)
	if err != nil {
		return scalar{}, err
	}
	if t.kind != yaml.ScalarNode {
		return scalar{}, &SyntaxError{r.line(e.start), "a key is a list or a mapping", "write a simple key; put a value that begins with {{ into quotes"}
	}
	if isMerge(e) {
		return mergeKey, nil
	}
	return t.scalar, nil
}

// mergeKey is the key of entries that merge.
var mergeKey = scalar{kind: kindMerge, text: "<<"}

// isMerge tells whether an entry merges other mappings into its own.
func isMerge(e *entry) bool { return e.key.yaml.Tag == "!!merge" }

// merge joins what a << entry refers to. Of several mappings the first one
// wins.
func (r *reader) merge(e *entry, value *tree) (*tree, error) {
	sources := []*tree{value}
	if value.kind == yaml.SequenceNode {
		sources = value.items
	}
	merged := mappingTree()
	for _, source := range slices.Backward(sources) {
		if source.kind != yaml.MappingNode {
			return nil, &SyntaxError{r.line(e.start), "<< merges something that is no mapping", "let it refer to mappings only"}
		}
		if err := r.add(e.value, source.size); err != nil {
			return nil, err
		}
		maps.Copy(merged.keys, source.keys)
	}
	return merged, nil
}
