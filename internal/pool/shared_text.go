// SPDX-License-Identifier: MPL-2.0

package pool

import "strings"

// sharedText holds what containers of a list have in common once: most of their
// texts are those of a few images and portals.
type sharedText map[string]sharedValue

type sharedValue struct {
	text   string
	labels map[string]string
}

func (s sharedText) text(t string) string {
	v, ok := s[t]
	if !ok {
		v.text = t
		s[t] = v
	}
	return v.text
}

// labels keeps those that are needed from a list, one map for all containers
// that have the same.
func (s sharedText) labels(all map[string]string) map[string]string {
	var key strings.Builder
	kept := 0
	for _, name := range keptLabels {
		if value, ok := all[name]; ok {
			kept++
			key.WriteString(name)
			key.WriteByte(0)
			key.WriteString(value)
		}
		key.WriteByte(0)
	}
	if kept == 0 {
		return nil
	}
	v, ok := s[key.String()]
	if !ok {
		v.labels = make(map[string]string, kept)
		for _, name := range keptLabels {
			if value, ok := all[name]; ok {
				v.labels[name] = s.text(value)
			}
		}
		s[key.String()] = v
	}
	return v.labels
}
