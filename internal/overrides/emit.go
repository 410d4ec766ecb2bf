// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// style is how values are written into a document.
type style struct {
	eol  string
	step int  // how far a mapping in a mapping is indented
	json bool // the document is JSON, and stays so
}

// entries writes the entries of a block mapping, one or more lines each, with
// no line break at the end. The first line is not indented.
func (s style) entries(m map[string]any, indent int) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, s.key(key)+":"+s.blockValue(m[key], indent))
	}
	return s.lines(lines, indent)
}

// items writes the items of a block list, as entries does.
func (s style) items(list []any, indent int) string {
	var lines []string
	for _, item := range list {
		switch v := item.(type) {
		case []any:
			if len(v) > 0 {
				lines = append(lines, "- "+s.items(v, indent+2))
				continue
			}
		case map[string]any:
			if len(v) > 0 {
				lines = append(lines, "- "+s.entries(v, indent+2))
				continue
			}
		}
		lines = append(lines, "- "+s.inline(item))
	}
	return s.lines(lines, indent)
}

// blockValue writes what follows a key's colon in a block mapping.
func (s style) blockValue(value any, indent int) string {
	switch v := value.(type) {
	case []any:
		if len(v) > 0 {
			return s.eol + spaces(indent+s.step) + s.items(v, indent+s.step)
		}
	case map[string]any:
		if len(v) > 0 {
			return s.eol + spaces(indent+s.step) + s.entries(v, indent+s.step)
		}
	}
	return " " + s.inline(value)
}

func (s style) lines(lines []string, indent int) string {
	return strings.Join(lines, s.eol+spaces(indent))
}

// inline writes a value on one line.
func (s style) inline(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case Number:
		return v.yaml()
	case string:
		return quote(v)
	case []any:
		items := make([]string, 0, len(v))
		for _, item := range v {
			items = append(items, s.inline(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		return "{" + strings.Join(s.pairs(v), ", ") + "}"
	}
	return fmt.Sprint(value) // true or false
}

// pairs writes the entries of a flow mapping, sorted.
func (s style) pairs(m map[string]any) []string {
	pairs := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, s.key(key)+": "+s.inline(m[key]))
	}
	return pairs
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// key writes a key, plain where every reader of YAML takes it for a string.
func (s style) key(key string) string {
	if s.json || len(key) == 1 && strings.Contains("yYnN", key) || !plainKey.MatchString(key) || plainScalar(key).kind != kindString {
		return quote(key)
	}
	return key
}

// yaml writes the number so that PyYAML reads an int, or a float: that needs a
// point.
func (n Number) yaml() string {
	text := string(n)
	if mantissa, exponent, ok := strings.Cut(text, "e"); ok && !strings.Contains(mantissa, ".") {
		return mantissa + ".0e" + exponent
	}
	return text
}

// quote writes a string in double quotes on one line. It uses only escapes that
// YAML 1.1 and JSON share.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r > 0xffff || r != '\ufeff' && unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func spaces(n int) string { return strings.Repeat(" ", n) }
