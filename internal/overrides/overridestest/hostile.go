// SPDX-License-Identifier: MPL-2.0

// Package overridestest holds what tests of overrides share: files as nobody
// would wish them, values that YAML likes to misread, and the test that has a
// real Ansible read them.
package overridestest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// Hostile draws the text of a file of overrides as people and programs write
// it: styles, indentation, comments, line breaks and quirks in any mixture. Most
// are valid; some are not.
func Hostile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		w := &writer{T: t}
		w.head()
		switch w.choose("root", 12, 2, 1, 1, 1) {
		case 0:
			w.block(w.pick("root indent", "", "", "", "  "), 0)
		case 1:
			w.WriteString(w.flowMapping(0))
			w.tail()
		case 2:
			w.WriteString("{}")
			w.tail()
		case 3:
			w.comments("")
		}
		w.foot()
		text := w.String()
		if w.choose("ending", 3, 1) == 1 {
			text = strings.TrimSuffix(text, "\n")
		}
		return strings.ReplaceAll(text, "\n", w.pick("break", "\n", "\n", "\n", "\r\n"))
	})
}

// Keys of hostile documents and of the leaves that are set in them.
var Keys = []string{"a", "b", "EDXAPP_X", "EDXAPP_FEATURES", "with space", "dotted.key", "clé", "yes", "1", "q\"uote", "#hash", "{{ j }}", "-dash", "x:y"}

var simpleKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

type writer struct {
	strings.Builder
	*rapid.T
	anchors []string // of scalars and lists
	maps    []string // anchors of mappings
	// explicit is for the value of a ? key, where Ansible refuses a tab.
	explicit bool
}

// choose draws an index by weight.
func (w *writer) choose(label string, weights ...int) int {
	sum := 0
	for _, weight := range weights {
		sum += weight
	}
	n := rapid.IntRange(0, sum-1).Draw(w.T, label)
	for i, weight := range weights {
		if n -= weight; n < 0 {
			return i
		}
	}
	return 0
}

func (w *writer) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(w.T, label)
}

func (w *writer) head() {
	w.WriteString(w.pick("head", "", "", "", "---\n", "--- # begin\n", "\ufeff", "\ufeff---\n", "%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "# head\n\n---\n", "\n\n", "# head\n"))
}

func (w *writer) foot() {
	w.WriteString(w.pick("foot", "", "", "", "# foot\n", "\n\n", "...\n", "...\n# after\n", "   \n", "  # foot\n\n"))
}

// tail ends a line, with a comment sometimes.
func (w *writer) tail() {
	tail := w.pick("tail", "", "", "", " # why", "  ", "\t# tab")
	if w.explicit {
		tail = strings.ReplaceAll(tail, "\t", " ")
	}
	w.WriteString(tail + "\n")
}

func (w *writer) comments(indent string) {
	for range w.choose("comments", 6, 2, 1) {
		w.WriteString(w.pick("comment", "\n", indent+"# EDXAPP_OLD: 1\n", "# note\n", "   \n", indent+"    # deep: {\n"))
	}
}

// block writes the entries of a block mapping.
func (w *writer) block(indent string, depth int) {
	used := map[string]bool{}
	for i := range rapid.IntRange(1, 4).Draw(w.T, "entries") {
		if i > 0 {
			w.comments(indent)
		}
		if len(w.maps) > 0 && !used["<<"] && w.choose("merge", 8, 1) == 1 {
			used["<<"] = true
			w.WriteString(indent + "<<: *" + w.pick("merged", w.maps...) + "\n")
			continue
		}
		key := rapid.SampledFrom(Keys).Draw(w.T, "key")
		if used[key] {
			continue
		}
		used[key] = true
		w.WriteString(indent)
		if w.choose("explicit", 12, 1) == 1 {
			w.WriteString("? " + w.key(key))
			w.tail()
			w.WriteString(indent + ":")
			if w.choose("explicit null", 4, 1) == 1 {
				w.WriteString("\n")
				continue
			}
			w.explicit = true
			w.WriteString(" ")
		} else {
			w.WriteString(w.key(key) + w.pick("before colon", "", "", " ") + ":")
		}
		w.value(indent, depth)
		w.explicit = false
	}
}

func (w *writer) key(key string) string {
	switch plain := simpleKey.MatchString(key) || strings.Contains(key, ".") || key == "clé" || key == "with space" || key == "x:y"; {
	case plain && w.choose("plain", 1, 3) == 1:
		return key
	case w.choose("quotes", 1, 1) == 0:
		return "'" + strings.ReplaceAll(key, "'", "''") + "'"
	}
	return strconv.Quote(key)
}

// value writes what comes after the colon of a block mapping's entry.
func (w *writer) value(indent string, depth int) {
	deeper := indent + w.pick("step", "  ", "  ", "    ", " ", "   ")
	nest := 0
	if depth < 3 {
		nest = 3
	}
	switch w.choose("value", 6, 2, 2, 2, 1, 1, nest, nest, 2) {
	case 0:
		w.WriteString(" " + w.properties(&w.anchors) + w.scalar())
		w.tail()
	case 1:
		w.tail() // null
	case 2:
		w.blockScalar(deeper)
	case 3:
		w.WriteString(w.pick("gap", " ", "  ", "\n"+deeper) + w.flow(depth))
		w.tail()
	case 4:
		w.WriteString(" " + w.pick("folded", "one\n"+deeper+"two\n\n"+deeper+"three", "'one\n\n"+deeper+"two'", "\"one\\\n"+deeper+"two\""))
		w.tail()
	case 5:
		if all := append(w.anchors, w.maps...); len(all) > 0 {
			w.WriteString(" *" + w.pick("alias", all...))
		}
		w.tail()
	case 6:
		w.WriteString(w.anchor(" ", &w.maps))
		w.tail()
		w.comments(deeper)
		w.block(deeper, depth+1)
	case 7:
		w.WriteString(w.anchor(" ", &w.anchors))
		w.tail()
		w.items(w.pick("list indent", indent, deeper), depth)
	case 8:
		w.WriteString(w.pick("empty", " {}", " {}", "  {}", " { }", "\n"+deeper+"{}", " []"))
		w.tail()
	}
}

// anchor writes an anchor sometimes, and remembers it from now on.
func (w *writer) anchor(before string, kind *[]string) string {
	if w.choose("anchor", 6, 1) == 0 {
		return ""
	}
	name := fmt.Sprintf("n%d", len(w.anchors)+len(w.maps))
	*kind = append(*kind, name)
	return before + "&" + name
}

func (w *writer) properties(kind *[]string) string {
	if p := w.anchor("", kind); p != "" {
		return p + " "
	}
	return w.pick("tag", "", "", "", "", "", "", "!unsafe ", "!!str ", "! ")
}

func (w *writer) scalar() string {
	return w.pick("scalar", "1", "yes", "012", "1e3", "0.5", "plain text", "2026-11-22", "null", "~", "'single ''q'''", "\"double \\\"q\\\" \\u00e9\"",
		"\"{{ EDXAPP_BASE }}/x\"", "'{{ a | default(\"b\") }}'", "http://x/#frag", "a#b", "-1", "1_000", "on", "x, y", "é…", "=x", "190:20:30", ".inf", "0x1F")
}

func (w *writer) blockScalar(indent string) {
	w.WriteString(" " + w.properties(&w.anchors) + w.pick("style", "|", ">") + w.pick("chomping", "", "", "+", "-"))
	w.WriteString(w.pick("header", "", "", " # c") + "\n")
	w.WriteString(w.pick("lead", "", "", "\n"))
	for range rapid.IntRange(1, 3).Draw(w.T, "lines") {
		w.WriteString(w.pick("line", indent+"text\n", indent+"# no comment\n", indent+"  more: {\n", "\n", indent+"\ttab \n"))
	}
	w.WriteString(w.pick("trail", "", "", "\n", "\n\n", " \n"))
}

func (w *writer) items(indent string, depth int) {
	for range rapid.IntRange(1, 3).Draw(w.T, "items") {
		w.WriteString(indent + "-")
		switch w.choose("item", 4, 1, 2, 1, 1) {
		case 0:
			w.WriteString(" " + w.scalar())
			w.tail()
		case 1:
			w.tail()
		case 2:
			w.WriteString(" k: " + w.scalar() + "\n" + indent + "  l: " + w.flow(depth+1))
			w.tail()
		case 3:
			w.WriteString(" - " + w.scalar() + "\n" + indent + "  - x\n")
		case 4:
			w.blockScalar(indent + "  ")
		}
	}
}

func (w *writer) flow(depth int) string {
	if w.choose("flow", 1, 1) == 0 {
		return w.flowMapping(depth)
	}
	var items []string
	for range rapid.IntRange(0, 3).Draw(w.T, "flow items") {
		items = append(items, w.flowValue(depth))
	}
	return "[" + strings.Join(items, w.pick("separator", ", ", ",", " , ")) + w.pick("close", "]", " ]")
}

func (w *writer) flowMapping(depth int) string {
	lines := w.choose("lines", 2, 1) == 1
	between, open, end := w.pick("comma", ", ", " , "), w.pick("open", "{", "{ "), w.pick("brace", "}", " }", ", }")
	if lines {
		comment := w.pick("flow comment", "", "", " # c")
		between, open, end = ","+comment+"\n       ", "{"+comment+"\n       ", w.pick("last comma", "", ",")+comment+"\n     }"
	}
	used := map[string]bool{}
	var pairs []string
	for range rapid.IntRange(0, 3).Draw(w.T, "pairs") {
		key := rapid.SampledFrom(Keys).Draw(w.T, "flow key")
		if used[key] {
			continue
		}
		used[key] = true
		pairs = append(pairs, w.key(key)+w.pick("flow colon", ": ", ": ", " : ")+w.flowValue(depth))
	}
	if len(pairs) == 0 {
		return w.pick("no pairs", "{}", "{ }", "{ # c\n      }")
	}
	return open + strings.Join(pairs, between) + end
}

func (w *writer) flowValue(depth int) string {
	if depth < 3 && w.choose("flow nest", 4, 1) == 1 {
		return w.flow(depth + 1)
	}
	return w.pick("flow scalar", "1", "yes", "'x'", "\"y, z\"", "plain", "null", "", "1.5", "\"{{ x }}\"", "a b")
}
