// SPDX-License-Identifier: MPL-2.0

package overrides

// Span is where the entry of a path stands in the text, and where the line
// after it begins.
func (d *Document) Span(path Path) (start, end, next int, found bool) {
	_, e := d.own(path)
	if e == nil {
		return 0, 0, 0, false
	}
	return e.start, e.end, d.nextLine(e.end), true
}
