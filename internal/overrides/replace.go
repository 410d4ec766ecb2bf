// SPDX-License-Identifier: MPL-2.0

package overrides

import "go.yaml.in/yaml/v4"

// write puts a value in the place of an entry's value. A comment on the line
// stays.
func (s *setter) write(m *node, e *entry, value any) error {
	old := e.value
	if list, ok := value.([]any); ok && len(list) > 0 && !m.flow() {
		if s.writeList(m, e, list) {
			return nil
		}
	}
	text := s.inline(value)
	switch {
	case old.absent() && e.colon >= 0:
		s.insert(e.colon+1, " "+text)
	case old.absent() && m.flow():
		s.insert(e.key.end, ": "+text)
	case old.absent():
		return errNoColon
	case old.isBlockScalar():
		s.replace(old.start, old.block.header, text)
		s.cutRest(old)
	case old.inBlocks() && s.line(old.body) > s.line(e.colon):
		if old.hasProperties() {
			s.replace(old.start, old.properties, text)
		} else {
			s.insert(e.colon+1, " "+text)
		}
		s.cutLines(old.body, old.end)
	default:
		s.replace(old.start, old.end, text)
	}
	return nil
}

// cutRest takes out the lines of a block scalar but for the first.
func (s *setter) cutRest(n *node) {
	if next := s.nextLine(n.block.header); next < n.end {
		s.cutLines(next, n.end)
	}
}

// writeList writes a list one item a line, where the text allows that.
func (s *setter) writeList(m *node, e *entry, list []any) bool {
	old := e.value
	if old.yaml.Kind == yaml.SequenceNode && old.inBlocks() && !old.hasProperties() {
		s.replace(old.body, old.end, s.items(list, s.columnOf(old.body)))
		return true
	}
	// What stands there now has to be on the line of the colon.
	head := old.end
	if old.isBlockScalar() {
		head = old.block.header
	}
	if e.colon < 0 || old.inBlocks() || s.line(head) != s.line(e.colon) {
		return false
	}
	indent := s.columnOf(m.entries[0].start) + s.step
	s.replace(e.colon+1, head, "")
	s.insertLines(head, spaces(indent)+s.items(list, indent))
	if old.isBlockScalar() {
		s.cutRest(old)
	}
	return true
}
