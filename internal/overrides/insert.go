// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"errors"
	"strings"
)

// fill puts the first entries into a mapping that stands as {}. Where that is
// possible and can be undone, it becomes a block.
func (s *setter) fill(m *node, path Path, values map[string]any) {
	if s.onlyBraces(m) && len(path) == 0 && s.aloneOnLine(m) {
		s.json = false // what was JSON until now becomes YAML
		if n := s.breakAt(m.end); n > 0 {
			s.style.eol = string(s.text[m.end : m.end+n]) // that of {} again once they are removed
		}
		s.replace(m.start, m.end, s.entries(values, s.columnOf(m.start)))
		return
	}
	if parent, e := s.own(path); e != nil && !parent.flow() && s.onlyBraces(m) && m.start == e.colon+2 && s.at(e.colon+1, ' ') {
		s.replace(e.colon+1, m.end, "")
		indent := s.columnOf(e.start) + s.step
		s.insertLines(m.end, spaces(indent)+s.entries(values, indent))
		return
	}
	s.insert(m.body+1, strings.Join(s.pairs(values), ", "))
}

// onlyBraces tells whether a node is written as {} and nothing else.
func (s *source) onlyBraces(n *node) bool { return string(s.text[n.start:n.end]) == "{}" }

// aloneOnLine tells whether nothing else is on the line of a node.
func (s *source) aloneOnLine(n *node) bool {
	return s.firstOnLine(n.start) && s.lineEnd(n.end) == n.end
}

var errSharedLine = errors.New("it shares its line with another key")

// add puts entries behind those of a mapping.
func (s *setter) add(m *node, path Path, values map[string]any) error {
	if m.flow() {
		s.addPairs(m, values)
		return nil
	}
	last := m.entries[len(m.entries)-1]
	indent := s.columnOf(m.entries[0].start)
	lines := spaces(indent) + s.entries(values, indent)
	at := s.nextLine(last.end)
	if m == s.root {
		at = s.contentEnd()
	}
	if at < len(s.text) || s.open == nil {
		s.linesAt(at, lines)
		return nil
	}
	// A line break at the end would change the value that the text ends with.
	if !s.firstOnLine(last.start) {
		return s.refused(path, errSharedLine)
	}
	s.linesAt(s.lineStart(last.start), lines)
	return nil
}

// addPairs puts entries behind those of a flow mapping: on lines of their own
// if the last one has its own.
func (s *setter) addPairs(m *node, values map[string]any) {
	last := m.entries[len(m.entries)-1]
	pairs := s.pairs(values)
	comma, ok := s.ownLine(last)
	if !ok {
		s.insert(s.pairEnd(last), ", "+strings.Join(pairs, ", "))
		return
	}
	if comma < 0 {
		s.insert(s.pairEnd(last), ",")
	}
	indent := spaces(s.columnOf(last.start))
	lines := indent + strings.Join(pairs, ","+s.eol+indent)
	if comma >= 0 {
		lines += ","
	}
	s.insertLines(last.end, lines)
}

// pairEnd is where an entry of a flow mapping ends, with the space that its
// colon needs if it has no value.
func (s *source) pairEnd(e *entry) int {
	if e.value.absent() && e.colon >= 0 && s.blank(e.end) {
		return e.end + 1
	}
	return e.end
}

// ownLine tells whether an entry of a flow mapping has the lines that it is on
// for itself, and where the comma behind it is, -1 if there is none.
func (s *source) ownLine(e *entry) (comma int, ok bool) {
	if !s.firstOnLine(e.start) {
		return -1, false
	}
	comma = -1
	rest := s.skipBlanks(e.end)
	if s.at(rest, ',') {
		comma = rest
		rest = s.skipBlanks(rest + 1)
	}
	if s.breakAt(rest) == 0 && !s.at(rest, '#') {
		return -1, false
	}
	// A comma on a later line belongs to this entry as well.
	return comma, comma >= 0 || !s.at(s.skipSpace(rest), ',')
}
