// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxNodes bounds a Compose file with its aliases expanded, so that a few
// lines cannot grow to gigabytes.
const maxNodes = 100_000

// parse reads a Compose file as plain YAML.
func parse(text []byte) (map[string]any, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	} else if err != nil {
		return nil, err
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file holds more than one YAML document: put all services into one")
	}
	sizes := map[*yaml.Node]int{}
	if _, err := countNodes(&root, sizes); err != nil {
		return nil, err
	}
	var document map[string]any
	if err := root.Decode(&document); err != nil {
		return nil, err
	}
	return document, nil
}

// countNodes sizes a node with its aliases expanded. A size of -1 marks a node
// that is being counted, so that an alias to itself is found.
func countNodes(n *yaml.Node, sizes map[*yaml.Node]int) (int, error) {
	if size, ok := sizes[n]; ok {
		if size < 0 {
			return 0, fmt.Errorf("line %d: the anchor %q contains itself", n.Line, n.Anchor)
		}
		return size, nil
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return 0, fmt.Errorf("line %d: the tag %s is not supported: write the value that results", n.Line, n.Tag)
	}
	sizes[n] = -1
	size := 1
	children := n.Content
	if n.Kind == yaml.AliasNode {
		children = []*yaml.Node{n.Alias}
	}
	for _, child := range children {
		c, err := countNodes(child, sizes)
		if err != nil {
			return 0, err
		}
		if size += c; size > maxNodes {
			return 0, fmt.Errorf("the file has more than %d nodes with its aliases expanded", maxNodes)
		}
	}
	sizes[n] = size
	return size, nil
}

// Where x-portal may stand.
var extensionSections = []string{"services", "volumes", "configs", "secrets"}

// Top-level keys that the loader would pass over.
var refusedSections = map[string]string{
	"include": "files are not included: put their services into this file, or use `extends`",
	"jobs":    "jobs are not supported: make it a service with `x-portal: {task: manual}`",
	"models":  "models are not supported: run the model server as a service",
}

// checkDocument refuses what the loader would not report.
func (b *builder) checkDocument(document map[string]any) {
	for _, section := range sortedKeys(refusedSections) {
		if _, ok := document[section]; ok {
			b.refuse(section, "%s", refusedSections[section])
		}
	}
	for _, key := range sortedKeys(document) {
		if strings.HasPrefix(key, "x-") && key != extensionKey {
			continue // fragments for reuse
		}
		if key == extensionKey {
			b.refuse(key, "x-portal has no meaning at the top level; it belongs into a service, volume, config or secret")
			continue
		}
		b.misplacedExtensions(document[key], []string{key})
	}
}

func (b *builder) misplacedExtensions(value any, at []string) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if key == extensionKey {
				if len(at) != 2 || !slices.Contains(extensionSections, at[0]) {
					b.refuse(strings.Join(append(at, key), "."), "x-portal has no meaning here; it belongs directly into a service, volume, config or secret")
				}
				continue
			}
			b.misplacedExtensions(v[key], append(slices.Clone(at), key))
		}
	case []any:
		for i, e := range v {
			b.misplacedExtensions(e, append(slices.Clone(at), fmt.Sprint(i)))
		}
	}
}

// generatedMark stands in for the content that Compose asks of a config or a
// secret, where x-portal says how it comes to be.
const generatedMark = "x-portal"

// markGenerated gives configs and secrets without a source the mark.
func markGenerated(document map[string]any) {
	for section, attribute := range map[string]string{"secrets": "driver", "configs": "content"} {
		objects, _ := document[section].(map[string]any)
		for _, o := range objects {
			object, ok := o.(map[string]any)
			if !ok {
				continue
			}
			_, extended := object[extensionKey]
			sourced := false
			for _, source := range []string{"file", "content", "environment", "external", "driver"} {
				_, ok := object[source]
				sourced = sourced || ok
			}
			if extended && !sourced {
				object[attribute] = generatedMark
			}
		}
	}
}
