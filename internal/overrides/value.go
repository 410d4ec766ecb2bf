// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Leaf is a value that is owned as one: a scalar, a list, or an empty mapping.
// Values are nil, bool, string, [Number], []any and map[string]any.
type Leaf struct {
	Path  Path
	Value any
}

// Flatten takes the values of a file apart into leaves, sorted by path.
func Flatten(values map[string]any) ([]Leaf, error) {
	leaves, err := flatten(nil, values, nil)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(leaves, compareLeaves)
	return leaves, nil
}

func compareLeaves(a, b Leaf) int { return slices.Compare(a.Path, b.Path) }

func flatten(leaves []Leaf, values map[string]any, at Path) ([]Leaf, error) {
	for key, value := range values {
		path := at.child(key)
		if nested, ok := value.(map[string]any); ok && len(nested) > 0 {
			if len(path) >= maxDepth {
				return nil, tooDeep(path)
			}
			var err error
			if leaves, err = flatten(leaves, nested, path); err != nil {
				return nil, err
			}
			continue
		}
		leaf := Leaf{Path: path, Value: value}
		if err := leaf.check(); err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
	}
	return leaves, nil
}

// Unflatten puts leaves together again. Of two leaves that exclude each other,
// the later one stays.
func Unflatten(leaves []Leaf) map[string]any {
	root := map[string]any{}
	for _, leaf := range leaves {
		m := root
		for i, key := range leaf.Path {
			if i == len(leaf.Path)-1 {
				m[key] = leaf.Value
				break
			}
			next, ok := m[key].(map[string]any)
			if !ok || len(next) == 0 {
				next = map[string]any{} // never a leaf's own map
				m[key] = next
			}
			m = next
		}
	}
	return root
}

// Equal tells whether two values are the same to Terraform.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, Equal)
	case nil, bool, string, Number:
		switch b.(type) {
		case nil, bool, string, Number:
			return a == b
		}
	}
	return false
}

// check tells whether the leaf can be written to a file.
func (l Leaf) check() error {
	if len(l.Path) == 0 {
		return fmt.Errorf("a leaf needs a path")
	}
	for _, key := range l.Path {
		if err := checkKey(key); err != nil {
			return fmt.Errorf("%s: %w", l.Path, err)
		}
	}
	if m, ok := l.Value.(map[string]any); ok && len(m) > 0 {
		return fmt.Errorf("%s: a mapping with entries is no leaf", l.Path)
	}
	return checkValue(l.Path, l.Value, len(l.Path))
}

func checkValue(path Path, value any, depth int) error {
	if depth > maxDepth {
		return tooDeep(path)
	}
	switch v := value.(type) {
	case nil, bool:
		return nil
	case Number:
		if n, err := ParseNumber(string(v)); err != nil || n != v {
			return fmt.Errorf("%s: %q is not in the form of a Number", path, string(v))
		}
		return nil
	case string:
		if !utf8.ValidString(v) {
			return fmt.Errorf("%s: the string is not valid UTF-8: encode binary data, for example in base64", path)
		}
		return nil
	case []any:
		for _, item := range v {
			if err := checkValue(path, item, depth+1); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		for key, item := range v {
			if err := checkKey(key); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if err := checkValue(path, item, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s: values of type %T are not supported", path, value)
}

// maxKey is how long a key may be as it is written, in bytes. YAML wants the
// colon within 1024 characters.
const maxKey = 1000

func checkKey(key string) error {
	switch {
	case !utf8.ValidString(key):
		return fmt.Errorf("the key %q is not valid UTF-8", key)
	case len(quote(key)) > maxKey:
		return fmt.Errorf("the key %s… is too long: at most %d bytes are allowed", strings.ToValidUTF8(key[:20], ""), maxKey)
	}
	return nil
}

func tooDeep(path Path) error {
	return fmt.Errorf("%s…: values are nested more than %d levels deep", path[:min(len(path), 3)], maxDepth)
}
