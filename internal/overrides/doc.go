// SPDX-License-Identifier: MPL-2.0

// Package overrides reads and edits the text of a portal's ansible_overrides.yml,
// a file of extra variables for Ansible that people and other programs edit as
// well.
//
// A [Document] is one state of the text. [Document.Lookup] tells what Ansible
// reads at a path: by PyYAML's rules, which are those of YAML 1.1 (yes is a
// boolean, 012 is ten, 1e3 is a string), through aliases and merges.
// [Document.Set] and [Document.Remove] return new documents. They splice the
// text at the places concerned and leave all other bytes alone: comments, order,
// quoting, anchors, Jinja. Each edit is read again and compared with what it
// should mean before it is returned.
//
// Ownership is by [Leaf]: a scalar, a list or an empty mapping, at a [Path] of
// keys. A list is one leaf.
//
// The package is pure: text in, text out.
package overrides
