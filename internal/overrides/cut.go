// SPDX-License-Identifier: MPL-2.0

package overrides

import "bytes"

// cut takes the entries that go out of the text of a mapping.
func (r *remover) cut(m *node) error {
	if m.flow() {
		return r.cutPairs(m)
	}
	emptyRoot := m == r.root && r.count(m) == len(m.entries) && (r.keeps(Path{}) || r.endsBare())
	for i, e := range m.entries {
		var err error
		switch {
		case r.gone[e] && emptyRoot && i == 0:
			err = r.cutEntry(e, "{}")
		case r.gone[e]:
			err = r.cutEntry(e, "")
		case r.touched[e.value]:
			err = r.cutWithin(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endsBare tells whether the document ends with ... and does not begin with
// ---. Without a value between, it would be none.
func (d *Document) endsBare() bool {
	return d.contentEnd() < len(d.text) && d.marker("---", 0) == len(d.lines)
}

// cutWithin takes entries out of a mapping that itself stays.
func (r *remover) cutWithin(e *entry) error {
	m := e.value
	if m.inBlocks() && r.count(m) == len(m.entries) {
		r.insert(r.headEnd(e), " {}")
	}
	return r.cut(m)
}

// cutEntry takes the lines of an entry of a block mapping out, or leaves other
// text in place of the first one.
func (r *remover) cutEntry(e *entry, instead string) error {
	if !r.firstOnLine(e.start) {
		return errSharedLine
	}
	end := e.end
	// Of a mapping that became empty only its own lines go: there may be
	// comments between them.
	parts := r.touched[e.value] && e.value.inBlocks() && r.line(e.value.entries[0].start) > r.line(r.headEnd(e))
	if parts {
		end = r.headEnd(e)
	}
	if instead != "" {
		r.replace(e.start, r.lineEnd(end), instead)
	} else {
		r.cutLines(e.start, end)
	}
	if parts {
		return r.cut(e.value)
	}
	return nil
}

// headEnd is where the text before a block mapping's entries ends: its key's
// colon, or its anchor and tag.
func (r *remover) headEnd(e *entry) int {
	if e.value.hasProperties() {
		return e.value.properties
	}
	return e.colon + 1
}

// cutPairs takes entries out of a flow mapping.
func (r *remover) cutPairs(m *node) error {
	for i := 0; i < len(m.entries); i++ {
		e := m.entries[i]
		if !r.gone[e] {
			if r.touched[e.value] {
				if err := r.cutWithin(e); err != nil {
					return err
				}
			}
			continue
		}
		first := i
		for i+1 < len(m.entries) && r.gone[m.entries[i+1]] {
			i++
		}
		r.cutRun(m.entries, first, i)
	}
	return nil
}

// cutRun takes entries in a row out, with as many commas.
func (r *remover) cutRun(entries []*entry, first, last int) {
	if r.cutOwnLines(entries, first, last) {
		return
	}
	from, to := entries[first].start, entries[last].end
	switch {
	case last+1 < len(entries):
		to = entries[last+1].start
	case first > 0:
		from = r.pairEnd(entries[first-1])
	default:
		if comma := r.comma(to); comma >= 0 {
			to = comma + 1
		}
	}
	if !r.commented(entries[first:last+1], from, to) {
		r.replace(from, to, "")
		return
	}
	// Comments stay, so entries and commas go one by one.
	if first > 0 && last+1 == len(entries) && r.comma(entries[last].end) < 0 {
		comma := r.comma(entries[first-1].end)
		r.replace(comma, comma+1, "")
	}
	for _, e := range entries[first : last+1] {
		r.replace(e.start, e.end, "")
		if comma := r.comma(e.end); comma >= 0 {
			r.replace(comma, comma+1, "")
		}
	}
}

// cutOwnLines takes entries out that have lines of their own.
func (r *remover) cutOwnLines(entries []*entry, first, last int) bool {
	for _, e := range entries[first : last+1] {
		if _, ok := r.ownLine(e); !ok {
			return false
		}
	}
	for _, e := range entries[first : last+1] {
		r.cutLines(e.start, e.end)
	}
	if first > 0 && last+1 == len(entries) && r.comma(entries[last].end) < 0 {
		comma := r.comma(entries[first-1].end)
		r.replace(comma, comma+1, "")
	}
	return true
}

// comma is where the comma behind an entry is, which ends at i; -1 if there is
// none.
func (s *source) comma(i int) int {
	if i = s.skipSpace(i); s.at(i, ',') {
		return i
	}
	return -1
}

// commented tells whether there are comments around entries between two
// positions.
func (r *remover) commented(entries []*entry, from, to int) bool {
	for _, e := range entries {
		if bytes.IndexByte(r.text[from:max(from, e.start)], '#') >= 0 {
			return true
		}
		from = e.end
	}
	return bytes.IndexByte(r.text[from:max(from, to)], '#') >= 0
}
