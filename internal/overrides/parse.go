// SPDX-License-Identifier: MPL-2.0

package overrides

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	// maxSize bounds a file of overrides. One that sets each variable of Open
	// edX has 50 KiB.
	maxSize = 1 << 20
	// maxDepth bounds how deep values may be nested.
	maxDepth = 100
	// maxAliased bounds how many nodes aliases and merges may add, so that a few
	// lines cannot grow to gigabytes.
	maxAliased = 100_000
)

// Document is one state of a file of overrides. It does not change.
type Document struct {
	*source
	root *node // nil if the file has no value
	tree *tree // what Ansible reads
	json bool  // Ansible reads JSON as such, and not as YAML
	open *node // a block scalar that the text ends in
}

// Parse reads the text of a file of overrides. What Ansible could not read
// either is a [*SyntaxError], and so is what is beyond the limits.
func Parse(text []byte) (*Document, error) {
	if len(text) > maxSize {
		return nil, &SyntaxError{0, fmt.Sprintf("the file has %d bytes", len(text)), fmt.Sprintf("at most %d MiB are read: remove what does not belong there", maxSize>>20)}
	}
	d := &Document{source: newSource(bytes.Clone(text))}
	if err := d.checkCharacters(); err != nil {
		return nil, err
	}
	d.json = json.Valid(d.text)
	n, err := d.load()
	if err != nil {
		return nil, err
	}
	b := &builder{cursor: cursor{source: d.source}, anchored: map[*yaml.Node]*node{}, names: map[string]*yaml.Node{}}
	if n != nil {
		if d.root, err = b.node(n, -1, 0); err != nil {
			return nil, err
		}
	}
	d.open = b.open
	if d.root != nil && !d.root.isMapping() {
		if !d.root.absent() {
			return nil, &SyntaxError{d.line(d.root.start), "the file holds " + kindName(d.root) + " and no mapping", "write variables, one a line, as in EDXAPP_PLATFORM_NAME: \"Acme\""}
		}
		d.root = nil
	}
	d.tree, err = newReader(d).document(b.count)
	return d, err
}

// Text is the text that was parsed. It must not be changed.
func (d *Document) Text() []byte { return d.text }

// checkCharacters refuses what YAML does not allow anywhere.
func (d *Document) checkCharacters() error {
	for i := 0; i < len(d.text); {
		r, n := utf8.DecodeRune(d.text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return &SyntaxError{d.line(i), fmt.Sprintf("byte %#02x is not valid UTF-8", d.text[i]), "save the file in UTF-8"}
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return &SyntaxError{d.line(i), fmt.Sprintf("the control character %U", r), fmt.Sprintf("remove it, or write it in double quotes as \"\\u%04x\"", r)}
		}
		i += n
	}
	return nil
}

// load has the library parse the text. It returns nil if there is no value.
func (d *Document) load() (n *yaml.Node, err error) {
	defer func() {
		// The library reports its own mistakes by a panic. A file must not end
		// the process.
		if p := recover(); p != nil {
			n, err = nil, &SyntaxError{0, fmt.Sprintf("the file cannot be parsed (%v)", p), "simplify it"}
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(d.forParser()))
	if err != nil {
		return nil, err
	}
	var document, more yaml.Node
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, d.syntaxError(err)
	}
	if err := loader.Load(&more); err == nil {
		return nil, &SyntaxError{more.Line, "a second document begins", "put everything into one, without --- between"}
	} else if !errors.Is(err, io.EOF) {
		return nil, d.syntaxError(err)
	}
	return document.Content[0], nil
}

var (
	escape  = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|.)`)
	version = regexp.MustCompile(`^(?:\x{feff})?(?:[#\t ].*\n|\r?\n)*%YAML +1\.2`)
)

// forParser is the text with what the library refuses and Ansible does not
// replaced by something of the same length.
func (d *Document) forParser() []byte {
	text := d.text
	if d.json {
		// Values of quoted strings are not taken from the library then.
		text = escape.ReplaceAllFunc(text, func(e []byte) []byte {
			if e[1] == 'u' || e[1] == '/' {
				return bytes.Repeat([]byte{'x'}, len(e))
			}
			return e
		})
	}
	if at := version.FindIndex(text); at != nil {
		text = bytes.Clone(text)
		text[at[1]-1] = '1'
	}
	return text
}

// kindName names what a node is, for people.
func kindName(n *node) string {
	switch n.yaml.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return "a single value"
}
