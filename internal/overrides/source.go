// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// byteOrderMark may begin a file and is part of no line.
const byteOrderMark = "\ufeff"

// source is a text with its lines. Positions are offsets in bytes.
type source struct {
	text  []byte
	lines []int // where each line begins
}

func newSource(text []byte) *source {
	s := &source{text: text, lines: []int{bomLength(text)}}
	for i := s.lines[0]; i < len(text); {
		n := s.breakAt(i)
		if n > 0 {
			s.lines = append(s.lines, i+n)
		}
		i += max(n, 1)
	}
	return s
}

func bomLength(text []byte) int {
	if bytes.HasPrefix(text, []byte(byteOrderMark)) {
		return len(byteOrderMark)
	}
	return 0
}

// breakAt is the length of the line break at i, 0 if there is none. The breaks
// are those of YAML 1.1.
func (s *source) breakAt(i int) int {
	if i >= len(s.text) {
		return 0
	}
	switch s.text[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(s.text) && s.text[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xc2, 0xe2:
		switch r, n := utf8.DecodeRune(s.text[i:]); r {
		case '\u0085', '\u2028', '\u2029':
			return n
		}
	}
	return 0
}

// breakBefore is the length of the line break that ends at i.
func (s *source) breakBefore(i int) int {
	line := s.line(i)
	if line < 2 || s.lines[line-1] != i {
		return 0
	}
	for n := min(3, i); n > 0; n-- {
		if s.breakAt(i-n) == n {
			return n
		}
	}
	return 0
}

// line is the number of the line that i is on, from 1.
func (s *source) line(i int) int {
	return max(sort.SearchInts(s.lines, i+1), 1)
}

// lineStart is where the line of i begins.
func (s *source) lineStart(i int) int { return s.lines[s.line(i)-1] }

// lineEnd is where the line of i ends, before its break.
func (s *source) lineEnd(i int) int {
	next := s.nextLine(i)
	if s.line(next) == s.line(i) {
		return next
	}
	return next - s.breakBefore(next)
}

// nextLine is where the line after that of i begins, or the end of the text.
func (s *source) nextLine(i int) int {
	if line := s.line(i); line < len(s.lines) {
		return s.lines[line]
	}
	return len(s.text)
}

// ended tells whether the text ends with a line break, or is empty.
func (s *source) ended() bool { return s.lineStart(len(s.text)) == len(s.text) }

// eol is the line break that new lines get: that of the first line.
func (s *source) eol() string {
	if len(s.lines) > 1 {
		if b := string(s.text[s.lineEnd(0):s.lines[1]]); b == "\r\n" || b == "\r" {
			return b
		}
	}
	return "\n"
}

// at tells whether c stands at i.
func (s *source) at(i int, c byte) bool { return i < len(s.text) && s.text[i] == c }

// blank tells whether a space or a tab stands at i.
func (s *source) blank(i int) bool { return s.at(i, ' ') || s.at(i, '\t') }

// blankOrEnd tells whether a space, a tab, a line break or the end is at i.
func (s *source) blankOrEnd(i int) bool {
	return i >= len(s.text) || s.blank(i) || s.breakAt(i) > 0
}

// firstOnLine tells whether only spaces stand before i on its line.
func (s *source) firstOnLine(i int) bool {
	return len(bytes.Trim(s.text[s.lineStart(i):i], " ")) == 0
}

// skipSpace passes over spaces, tabs, line breaks and comments.
func (s *source) skipSpace(i int) int {
	for i < len(s.text) {
		switch n := s.breakAt(i); {
		case n > 0:
			i += n
		case s.blank(i):
			i++
		case s.at(i, '#'):
			i = s.lineEnd(i)
		default:
			return i
		}
	}
	return i
}

// skipBlanks passes over spaces and tabs.
func (s *source) skipBlanks(i int) int {
	for s.blank(i) {
		i++
	}
	return i
}

// cursor turns lines and columns, which count characters, into positions. It
// goes forward through a line once.
type cursor struct {
	*source
	line, column, offset int
}

// position is where a column of a line is. Both count from 1.
func (c *cursor) position(line, column int) int {
	if line != c.line || column < c.column {
		if line > len(c.lines) {
			return len(c.text)
		}
		c.line, c.column, c.offset = line, 1, c.lines[line-1]
	}
	for ; c.column < column && c.offset < len(c.text); c.column++ {
		_, n := utf8.DecodeRune(c.text[c.offset:])
		c.offset += n
	}
	return c.offset
}
