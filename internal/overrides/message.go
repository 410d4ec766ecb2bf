// SPDX-License-Identifier: MPL-2.0

package overrides

import "unicode/utf8"

// maxMessage is how many characters of a value a message shows.
const maxMessage = 60

// Describe shows a value in a message: on one line, as it would be written to a
// file, and cut where it is long. Whether a value may be shown at all is for the
// caller to know; a secret must not come here.
func Describe(value any) string {
	text := style{}.inline(value)
	if utf8.RuneCountInString(text) <= maxMessage {
		return text
	}
	return string([]rune(text)[:maxMessage-1]) + "…"
}
