// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// splice replaces the text between two positions.
type splice struct {
	from, to int
	text     string
	lines    bool // it takes out whole lines
}

// edit collects the splices that make a new text. Those at one position come in
// the order in which they were added.
type edit struct {
	*Document
	splices []splice
}

func (e *edit) replace(from, to int, text string) {
	e.splices = append(e.splices, splice{from: from, to: to, text: text})
}

func (e *edit) insert(at int, text string) { e.replace(at, at, text) }

// cutLines takes out the lines from that of from to that of to.
func (e *edit) cutLines(from, to int) {
	e.splices = append(e.splices, splice{from: e.lineStart(from), to: e.nextLine(to), lines: true})
}

// insertLines puts lines after the line of i.
func (e *edit) insertLines(i int, lines string) { e.linesAt(e.nextLine(i), lines) }

// linesAt puts lines at i, where a line begins or the text ends. If the text
// ends without a line break, it does so afterwards.
func (e *edit) linesAt(i int, lines string) {
	if i == len(e.text) && !e.ended() {
		e.insert(i, e.eol()+lines)
	} else {
		e.insert(i, lines+e.eol())
	}
}

var errOverlap = errors.New("two changes concern the same text")

// manner is how lines are taken out.
type manner int

const (
	// plainly: the line before a last line without a line break loses its break
	// as well, as Set added it.
	plainly manner = iota
	// withBreak leaves that break, where it belongs to a value.
	withBreak
	// withMark leaves an empty comment in their place, where the lines behind
	// would otherwise belong to the value before.
	withMark
)

// result is the text with all splices.
func (e *edit) result(how manner) ([]byte, error) {
	slices.SortStableFunc(e.splices, func(a, b splice) int { return a.from - b.from })
	var text []byte
	at := 0
	for _, s := range e.joinLines() {
		if s.lines && s.to == len(e.text) && !e.ended() && how == plainly {
			s.from -= e.breakBefore(s.from)
		}
		if s.lines && how == withMark {
			s.text = string(e.text[s.from:e.skipIndent(s.from, len(e.text))]) + "#" + e.eol()
		}
		if s.from < at {
			return nil, errOverlap
		}
		text = append(text, e.text[at:s.from]...)
		text = append(text, s.text...)
		at = s.to
	}
	return append(text, e.text[at:]...), nil
}

// joinLines makes one splice of those that take out lines in a row.
func (e *edit) joinLines() []splice {
	var joined []splice
	for _, s := range e.splices {
		if last := len(joined) - 1; last >= 0 && s.lines && joined[last].lines && joined[last].to == s.from {
			joined[last].to = s.to
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// verified makes the new text, parses it and compares what Ansible reads there
// with what it should read.
func (e *edit) verified(want *tree) (*Document, error) {
	d, first := e.attempt(want, plainly)
	if first == nil {
		return d, nil
	}
	for _, how := range []manner{withBreak, withMark} {
		if d, err := e.attempt(want, how); err == nil {
			return d, nil
		}
	}
	return nil, first
}

func (e *edit) attempt(want *tree, how manner) (*Document, error) {
	text, err := e.result(how)
	if err != nil {
		return nil, err
	}
	d, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("after the change: %w", err)
	}
	if !d.tree.equal(want) {
		return nil, errors.New("other values would change with it")
	}
	return d, nil
}

// refused says that the text around a leaf has a form that splices do not fit.
func (d *Document) refused(path Path, err error) error {
	var syntax *SyntaxError
	if errors.As(err, &syntax) && syntax.Line == 0 {
		return err // a limit
	}
	line := 1
	if d.root != nil {
		line = d.line(d.nearest(path))
	}
	return &ConflictError{path, line, fmt.Sprintf("the text there cannot be edited (%v)", err), "edit it by hand, or write it more simply"}
}

// nearest is where the value at a path, or the deepest one on the way, begins.
func (d *Document) nearest(path Path) int {
	at := d.root.start
	m := d.root
	for _, key := range path {
		e := m.entry(key)
		if e == nil {
			break
		}
		at, m = e.start, e.value
	}
	return at
}

// own finds the entry of a path that stands at its place itself, and not by an
// alias or a merge, and the mapping that it is in.
func (d *Document) own(path Path) (*node, *entry) {
	m := d.root
	var found *entry
	for i, key := range path {
		if m == nil || !m.isMapping() {
			return nil, nil
		}
		if found = m.entry(key); found == nil {
			return nil, nil
		}
		if i < len(path)-1 {
			m = found.value
		}
	}
	return m, found
}

// checkAnchors refuses a change of n, or its removal, where an alias elsewhere
// would change with it.
func (d *Document) checkAnchors(n *node, path Path, gone func(*node) bool) error {
	var conflict error
	n.walk(func(inner *node) {
		for _, alias := range inner.aliases {
			if conflict == nil && !gone(alias) {
				conflict = d.aliased(inner, alias, path)
			}
		}
	})
	return conflict
}

func (d *Document) aliased(n, alias *node, path Path) error {
	return &ConflictError{
		path, d.line(n.start), fmt.Sprintf("the alias *%s on line %d refers to what is here, and would change with it", alias.yaml.Value, d.line(alias.start)),
		"write the value out in place of the alias",
	}
}

// holds tells whether an alias is in the text of n.
func (n *node) holds(alias *node) bool { return n.start <= alias.start && alias.end <= n.end }

// style is how new values are written into this document.
func (d *Document) style() style {
	return style{eol: d.eol(), step: d.step(), json: d.json}
}

// step is how far the document's first nested mapping is indented.
func (d *Document) step() int {
	const usual = 2
	if d.root == nil || d.root.flow() {
		return usual
	}
	for _, e := range d.root.entries {
		v := e.value
		if v.yaml.Kind != yaml.MappingNode || v.flow() || !d.firstOnLine(v.entries[0].start) {
			continue
		}
		if step := d.columnOf(v.entries[0].start) - d.columnOf(e.start); step > 0 && step <= 8 {
			return step
		}
	}
	return usual
}
