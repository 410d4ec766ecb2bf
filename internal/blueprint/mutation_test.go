// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v4"
)

// Every value of a Compose file in turn is replaced by values of other kinds:
// the answer is a stack or problems, never a panic.
func TestValuesOfAnyKindAreAnswered(t *testing.T) {
	dir := filepath.Join("testdata", "wild", "nextcloud")
	text, err := os.ReadFile(filepath.Join(dir, "docker-compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	kinds := []yaml.Node{
		{Kind: yaml.ScalarNode, Tag: "!!null"},
		{Kind: yaml.ScalarNode, Tag: "!!str", Value: ""},
		{Kind: yaml.ScalarNode, Tag: "!!int", Value: "-1"},
		{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "a"}, {Kind: yaml.ScalarNode, Value: "b"}}},
		{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!null"}}},
	}
	spec := userSpec(t, "")
	eachValue(&root, func(n *yaml.Node) {
		original := *n
		for _, kind := range kinds {
			kind.Anchor = original.Anchor
			*n = kind
			mutant, err := yaml.Marshal(&root)
			*n = original
			if err != nil {
				continue // an alias without its anchor
			}
			write(t, spec.Blueprint, "compose.yaml", string(mutant))
			_, err = Build(context.Background(), spec, testOptions)
			if found := (Problems{}); err != nil && !errors.As(err, &found) {
				t.Errorf("%v is no list of problems, for:\n%s", err, mutant)
			}
		}
	})
}

// eachValue visits all nodes but the keys of mappings.
func eachValue(n *yaml.Node, visit func(*yaml.Node)) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		eachValue(child, visit)
		visit(child)
	}
}
