// SPDX-License-Identifier: MPL-2.0

package placement

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	hostnameKey = "node.hostname"
	labelPrefix = "node.labels."
)

// Constraint is a condition on a host, in the words of Docker Swarm:
// "node.labels.zone == a", "node.hostname != dal-1". The hostname is the host's
// name in the provider. As in Swarm, upper and lower case are the same in values,
// and a label that a host does not have differs from every value.
//
// https://docs.docker.com/reference/cli/docker/service/create/#constraint
type Constraint struct {
	Key   string
	Not   bool
	Value string
}

var constraintRE = regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*(==|!=)\s*(\S(?:.*\S)?)\s*$`)

// Parse reads a constraint. Its error completes "… is not a constraint: ".
func Parse(text string) (Constraint, error) {
	m := constraintRE.FindStringSubmatch(text)
	if m == nil {
		return Constraint{}, errors.New(`write a key, == or !=, and a value: "node.labels.zone == a"`)
	}
	c := Constraint{Key: m[1], Not: m[2] == "!=", Value: m[3]}
	switch {
	case c.Key == hostnameKey, strings.HasPrefix(c.Key, labelPrefix) && len(c.Key) > len(labelPrefix):
		return c, nil
	case strings.HasPrefix(c.Key, "engine.labels."):
		return Constraint{}, fmt.Errorf("labels of the engine are not known here: give the host labels in the provider block, and write node.labels.%s", strings.TrimPrefix(c.Key, "engine.labels."))
	default:
		return Constraint{}, fmt.Errorf("the key %s is not known: there are node.hostname and node.labels.<label>", c.Key)
	}
}

// ParseAll reads constraints that have been validated before.
func ParseAll(texts []string) ([]Constraint, error) {
	var out []Constraint
	for _, text := range texts {
		c, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a constraint: %w", text, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func (c Constraint) String() string {
	operator := "=="
	if c.Not {
		operator = "!="
	}
	return c.Key + " " + operator + " " + c.Value
}

// holds tells whether a host meets the constraint.
func (c Constraint) holds(h Host) bool {
	value, found := h.Name, true
	if c.Key != hostnameKey {
		value, found = h.Labels[strings.TrimPrefix(c.Key, labelPrefix)]
	}
	return (found && strings.EqualFold(value, c.Value)) != c.Not
}
