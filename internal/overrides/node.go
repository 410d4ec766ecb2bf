// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// node is a node of the document with its place in the text.
type node struct {
	yaml *yaml.Node
	// What it takes up, with its anchor and tag.
	start, end int
	// The anchor and the tag end at properties; the node itself begins at body.
	properties, body int
	// The parts of a block scalar.
	block block
	// A list's items, a mapping's entries, an alias' target.
	items   []*node
	entries []*entry
	target  *node
	index   map[scalar]*entry
	merged  map[scalar]*tree // what a mapping has by a merge
	aliases []*node          // that refer to this node
}

// entry is a key of a mapping with its value.
type entry struct {
	start, end int // from the key, or the question mark before it
	key, value *node
	colon      int // -1 if there is none
}

// hasProperties tells whether n has an anchor or a tag.
func (n *node) hasProperties() bool { return n.properties > n.start }

func (n *node) flow() bool { return n.yaml.Style&yaml.FlowStyle != 0 }

// inBlocks tells whether n is a mapping or list that is written by indentation.
func (n *node) inBlocks() bool {
	return (n.yaml.Kind == yaml.MappingNode || n.yaml.Kind == yaml.SequenceNode) && !n.flow()
}

func (n *node) isBlockScalar() bool {
	return n.yaml.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// entry finds the entry of a key that the mapping n itself has.
func (n *node) entry(key string) *entry { return n.index[stringScalar(key)] }

// absent tells whether nothing is written for n, which then is null.
func (n *node) absent() bool { return n.start == n.end }

func (n *node) isMapping() bool { return n.yaml.Kind == yaml.MappingNode }

// walk calls f for n and all nodes beneath it, keys included.
func (n *node) walk(f func(*node)) {
	f(n)
	for _, item := range n.items {
		item.walk(f)
	}
	for _, e := range n.entries {
		e.key.walk(f)
		e.value.walk(f)
	}
}

// builder places the parser's nodes in the text.
type builder struct {
	cursor
	anchored map[*yaml.Node]*node
	names    map[string]*yaml.Node // anchors by name
	open     *node                 // a block scalar that the text ends in
	count    int
}

// node places a node. Where it is in a collection, that one's entries begin at
// the column indent, counted from 0; -1 is at the top.
func (b *builder) node(n *yaml.Node, indent, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, &SyntaxError{n.Line, fmt.Sprintf("values are nested more than %d levels deep", maxDepth), "nest them less"}
	}
	b.count++
	start := b.position(n.Line, n.Column)
	placed := &node{yaml: n, start: start, end: start, properties: start, body: start}
	if n.Anchor != "" {
		if first := b.names[n.Anchor]; first != nil {
			return nil, &SyntaxError{n.Line, fmt.Sprintf("the anchor &%s stands on line %d already", n.Anchor, first.Line), "give it another name"}
		}
		b.names[n.Anchor], b.anchored[n] = n, placed
	}
	if b.beginsWithProperties(n, start) {
		placed.properties, placed.body = b.source.properties(start)
		placed.end = placed.properties
	}
	switch n.Kind {
	case yaml.AliasNode:
		placed.end = start + 1 + len(n.Value)
		if placed.target = b.anchored[n.Alias]; placed.target == nil {
			return nil, &SyntaxError{n.Line, "the alias *" + n.Value + " refers to nothing", "define its anchor before it"}
		}
		placed.target.aliases = append(placed.target.aliases, placed)
	case yaml.ScalarNode:
		b.scalar(placed, indent)
	case yaml.SequenceNode:
		return placed, b.sequence(placed, indent, depth)
	case yaml.MappingNode:
		return placed, b.mapping(placed, indent, depth)
	}
	return placed, nil
}

// beginsWithProperties tells whether an anchor or a tag at start is the node's.
// What stands where a block mapping begins may be its first key's.
func (b *builder) beginsWithProperties(n *yaml.Node, start int) bool {
	switch {
	case n.Kind == yaml.AliasNode || !b.at(start, '&') && !b.at(start, '!'):
		return false
	case n.Kind != yaml.MappingNode || len(n.Content) == 0:
		return true
	}
	key := n.Content[0]
	return key.Line != n.Line || key.Column != n.Column
}

func (b *builder) scalar(n *node, indent int) {
	switch style := n.yaml.Style; {
	case style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		n.end = b.quotedEnd(n.body)
	case n.isBlockScalar():
		n.block = b.blockScalar(n.body, indent)
		n.end = n.block.end
		if n.block.open {
			b.open = n
		}
	case n.yaml.Value != "":
		n.end = b.plainEnd(n.body, n.yaml.Value)
	}
}

func (b *builder) sequence(n *node, indent, depth int) error {
	if !n.flow() {
		indent = b.columnOf(n.body)
	}
	n.end = n.body + 1
	for _, c := range n.yaml.Content {
		item, err := b.node(c, indent, depth+1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
		n.end = item.end
	}
	if n.flow() {
		n.end = b.closing(n.end)
	}
	return nil
}

func (b *builder) mapping(n *node, indent, depth int) error {
	content := n.yaml.Content
	// A single pair in a list may be without braces.
	braces := n.flow() && (len(content) == 0 || b.at(n.body, '{') &&
		(content[0].Line != n.yaml.Line || b.position(content[0].Line, content[0].Column) != n.body))
	at := n.body
	if braces {
		at++
	}
	if !n.flow() {
		indent = b.columnOf(n.body)
	}
	for i := 0; i+1 < len(content); i += 2 {
		e, err := b.entry(at, content[i], content[i+1], indent, depth, n.flow())
		if err != nil {
			return err
		}
		n.entries = append(n.entries, e)
		at = e.end
	}
	n.end = at
	if braces {
		n.end = b.closing(at)
	}
	return nil
}

// entry places a key and its value, which come after the position at.
func (b *builder) entry(at int, key, value *yaml.Node, indent, depth int, flow bool) (*entry, error) {
	k, err := b.node(key, indent, depth+1)
	if err != nil {
		return nil, err
	}
	e := &entry{key: k, start: k.start, colon: -1}
	if mark := b.separators(at, ","); mark < k.start && b.at(mark, '?') {
		e.start = mark
	}
	if e.value, err = b.node(value, indent, depth+1); err != nil {
		return nil, err
	}
	if colon := b.skipSpace(k.end); b.at(colon, ':') && (flow || b.blankOrEnd(colon+1)) {
		e.colon = colon
	}
	if v := e.value; v.absent() {
		// The parser puts it anywhere before the next node.
		at := max(e.colon+1, k.end)
		v.start, v.end, v.properties, v.body = at, at, at, at
	}
	e.end = max(e.value.end, k.end)
	return e, nil
}

// closing is the end of a collection in brackets, of which at is the end of
// the last entry.
func (b *builder) closing(at int) int { return min(b.separators(at, ",:?")+1, len(b.text)) }

// separators passes over space, comments and these characters.
func (b *builder) separators(i int, chars string) int {
	for {
		i = b.skipSpace(i)
		if i >= len(b.text) || strings.IndexByte(chars, b.text[i]) < 0 {
			return i
		}
		i++
	}
}

// columnOf is the column of i, from 0.
func (s *source) columnOf(i int) int {
	return utf8.RuneCount(s.text[s.lineStart(i):i])
}
