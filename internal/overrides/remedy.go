// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	positions = regexp.MustCompile(`(?:at )?line (\d+)(?:, column \d+)?(?:: )?|(?:at )?<unknown position>(?:: )?`)

	// remedies for what the library finds, most telling first.
	remedies = []struct{ problem, remedy string }{
		{"cannot start any token", "put a value that begins with @, ` or % into quotes"},
		{"mapping values are not allowed", "check the indentation, and put a value that contains a colon and a space into quotes"},
		{"could not find expected ':'", "check the indentation, and that each key is followed by a colon and a space"},
		{"did not find expected key", "check the indentation; a value that begins with a quote must end with it"},
		{"did not find expected '-'", "check the indentation of the list"},
		{"unexpected end of stream", "close the quote or bracket"},
		{"expected ',' or", "close the bracket, and put values with brackets or Jinja into quotes"},
		{"unknown anchor", "define the anchor before the alias, or put the value into quotes"},
		{"escape", "double the backslash, or use single quotes"},
	}
)

// syntaxError turns the library's error into one with line and remedy.
func (d *Document) syntaxError(err error) *SyntaxError {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &SyntaxError{Remedy: "correct it: Ansible cannot read the file either"}
	for _, at := range positions.FindAllStringSubmatch(text, -1) {
		if line, err := strconv.Atoi(at[1]); err == nil {
			e.Line = line // the last is that of the problem itself
		}
	}
	e.Problem = strings.Join(strings.Fields(positions.ReplaceAllString(text, "")), " ")
	for _, r := range remedies {
		if strings.Contains(e.Problem, r.problem) {
			e.Remedy = r.remedy
			break
		}
	}
	if d.tabbed(e.Line) {
		e.Problem, e.Remedy = "a tab in the indentation", "indent with spaces"
	}
	return e
}

// tabbed tells whether a line's indentation has a tab.
func (d *Document) tabbed(line int) bool {
	if line < 1 || line > len(d.lines) {
		return false
	}
	start := d.lines[line-1]
	return strings.ContainsRune(string(d.text[start:d.skipBlanks(start)]), '\t')
}
