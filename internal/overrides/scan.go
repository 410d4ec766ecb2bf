// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"bytes"
	"strings"
)

// The parser tells where a node begins. These functions tell where it ends, in
// a text that is known to be valid.

// properties passes over the anchor and the tag that a node begins with. It
// returns where they end, and where the node itself begins.
func (s *source) properties(i int) (end, body int) {
	for {
		switch {
		case s.at(i, '&'):
			i = s.word(i + 1)
		case s.at(i, '!') && s.at(i+1, '<'):
			i = s.after(i, '>')
		case s.at(i, '!'):
			i = s.word(i + 1)
		default:
			return i, i
		}
		next := s.skipSpace(i)
		if !s.at(next, '&') && !s.at(next, '!') {
			return i, next
		}
		i = next
	}
}

// word is the end of an anchor's or a tag's name.
func (s *source) word(i int) int {
	for !s.blankOrEnd(i) && strings.IndexByte(",[]{}", s.text[i]) < 0 {
		i++
	}
	return i
}

// after is the position after the next c.
func (s *source) after(i int, c byte) int {
	n := bytes.IndexByte(s.text[i:], c)
	if n < 0 {
		return len(s.text)
	}
	return i + n + 1
}

// quotedEnd is the end of a quoted scalar that begins at i.
func (s *source) quotedEnd(i int) int {
	quote := s.text[i]
	for i++; i < len(s.text); i++ {
		switch {
		case quote == '"' && s.text[i] == '\\':
			i++
		case s.text[i] == quote && quote == '\'' && s.at(i+1, quote):
			i++
		case s.text[i] == quote:
			return i + 1
		}
	}
	return len(s.text)
}

// plainEnd is the end of a plain scalar that begins at i and has this value.
// Its characters stand in the text as they are; only the space between them may
// be folded.
func (s *source) plainEnd(i int, value string) int {
	v := &source{text: []byte(value)}
	end := i
	for j := v.skipFolded(0); j < len(value); j = v.skipFolded(j + 1) {
		i = s.skipFolded(i)
		if !s.at(i, value[j]) {
			break
		}
		i++
		end = i
	}
	return end
}

// skipFolded passes over what may be folded in a plain scalar.
func (s *source) skipFolded(i int) int {
	for {
		switch n := s.breakAt(i); {
		case n > 0:
			i += n
		case s.blank(i):
			i++
		default:
			return i
		}
	}
}

// block is where the parts of a block scalar are.
type block struct {
	header int // the end of its indicators, as of |2-
	end    int // the end of the last line that its value depends on
	open   bool
}

// blockScalar finds the parts of a block scalar that begins at i, in a
// collection whose entries are indented by that many columns (-1: in none).
// It is open if the text ends in it, so that a line break there would belong to
// it.
func (s *source) blockScalar(i, parent int) block {
	b := block{}
	indent, keep := 0, false
	for i++; s.at(i, '+') || s.at(i, '-') || i < len(s.text) && s.text[i] >= '1' && s.text[i] <= '9'; i++ {
		switch c := s.text[i]; c {
		case '+':
			keep = true
		case '-':
		default:
			indent = max(parent, 0) + int(c-'0')
		}
	}
	b.header = i
	b.end = s.lineEnd(i)
	next := s.nextLine(i)
	if indent == 0 {
		indent = s.blockIndent(next, parent)
	}
	for next < len(s.text) {
		content := s.skipIndent(next, indent)
		switch {
		case content-next == indent && content < len(s.text) && s.breakAt(content) == 0:
			b.end = s.lineEnd(content)
		case s.breakAt(content) > 0:
			if keep {
				b.end = content
			}
		case content < len(s.text):
			return b
		}
		next = s.nextLine(next)
	}
	b.open = !s.ended()
	return b
}

// blockIndent finds the indentation of a block scalar that does not tell it.
func (s *source) blockIndent(i, parent int) int {
	indent := max(parent+1, 1)
	for i < len(s.text) {
		content := s.skipIndent(i, len(s.text))
		indent = max(indent, content-i)
		if s.breakAt(content) == 0 {
			break
		}
		i = s.nextLine(i)
	}
	return indent
}

// skipIndent passes over at most n spaces.
func (s *source) skipIndent(i, n int) int {
	for end := min(i+n, len(s.text)); i < end && s.text[i] == ' '; {
		i++
	}
	return i
}
