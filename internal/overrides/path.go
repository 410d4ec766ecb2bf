// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Path is the keys that lead to a value, from the top of the file. Keys are
// strings: 1 and yes in a file are other keys than "1" and "yes". The empty
// path is the whole file.
type Path []string

var simpleKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// String joins the keys with dots, as in EDXAPP_FEATURES.ENABLE_X. A key of
// other characters than letters, digits, _ and - is in double quotes. The empty
// path is "".
func (p Path) String() string {
	var b strings.Builder
	for i, key := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		if simpleKey.MatchString(key) {
			b.WriteString(key)
		} else {
			b.WriteString(strconv.Quote(key))
		}
	}
	return b.String()
}

// ParsePath reads what String writes.
func ParsePath(text string) (Path, error) {
	path := Path{}
	if text == "" {
		return path, nil
	}
	for rest := text; ; {
		key, after, err := cutKey(rest)
		if err != nil {
			return nil, fmt.Errorf("%q is no path of keys: %w; write it as in EDXAPP_FEATURES.ENABLE_X, with keys of other characters in double quotes", text, err)
		}
		path = append(path, key)
		if after == "" {
			return path, nil
		}
		rest = after[1:]
	}
}

// cutKey takes the first key off a path. What is left begins with a dot, or is
// empty.
func cutKey(text string) (key, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexByte(text, '.')
		if end < 0 {
			end = len(text)
		}
		key, rest = text[:end], text[end:]
		switch {
		case key == "":
			return "", "", errors.New("a key is missing")
		case !simpleKey.MatchString(key):
			return "", "", fmt.Errorf("the key %s has to be in double quotes", key)
		}
		return key, rest, nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", errors.New("a double quote is not closed")
	}
	if key, err = strconv.Unquote(quoted); err != nil {
		return "", "", err
	}
	if rest = text[len(quoted):]; rest != "" && rest[0] != '.' {
		return "", "", fmt.Errorf("after the key %s a dot is missing", quoted)
	}
	return key, rest, nil
}

// within tells whether p is root or lies beneath it.
func (p Path) within(root Path) bool {
	return len(p) >= len(root) && slices.Equal(p[:len(root)], root)
}

// child is the path of a key beneath p.
func (p Path) child(key string) Path { return append(slices.Clip(p), key) }
