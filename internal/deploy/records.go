// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

const (
	// stackRecord is the record of the portal's own part of its stack.
	stackRecord = "stack"
	// memberPrefix begins the names of the members' records.
	memberPrefix = "member-"
	// partVersion is raised when an older provider would misread a record.
	partVersion = 1
)

// part is the record of one part of a portal's stack, as it was applied last.
type part struct {
	Version int `json:"version"`
	// Member is nil for the portal's own part.
	Member *stack.Member `json:"member,omitempty"`
	Stack  *stack.Stack  `json:"stack"`
	// Unfinished marks a member whose apply has not come to its end.
	Unfinished bool `json:"unfinished,omitempty"`
}

// parts of a portal's stack by their owner.
type parts map[string]part

// recordName of an owner's part.
func recordName(owner string) string {
	if owner == "" {
		return stackRecord
	}
	return memberPrefix + strings.ReplaceAll(owner, "/", "-")
}

// encode leaves out what files contain: only their names tell what is mounted.
func (p part) encode() ([]byte, error) {
	st := *p.Stack
	st.Files = maps.Clone(p.Stack.Files)
	for path, f := range st.Files {
		f.Content = nil
		st.Files[path] = f
	}
	p.Stack = &st
	return json.MarshalIndent(p, "", "  ")
}

func parsePart(portal, name string, data []byte) (part, error) {
	var p part
	err := json.Unmarshal(data, &p)
	if err == nil && p.Stack == nil {
		err = errors.New("it holds no stack")
	}
	if err != nil {
		return part{}, fmt.Errorf("the record records/%s.json of portal %q cannot be read (%w): restore it from a backup of the shared drive", name, portal, err)
	}
	if p.Version > partVersion {
		return part{}, fmt.Errorf("the record records/%s.json of portal %q has version %d, and this provider knows versions up to %d: use the newer provider that wrote it", name, portal, p.Version, partVersion)
	}
	return p, nil
}

// partsOf picks the parts out of a portal's records.
func partsOf(portal string, records map[string][]byte) (parts, error) {
	out := parts{}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		if name != stackRecord && !strings.HasPrefix(name, memberPrefix) {
			continue
		}
		p, err := parsePart(portal, name, records[name])
		if err != nil {
			return nil, err
		}
		out[p.Stack.Owner] = p
	}
	return out, nil
}

// stacks lists the parts' stacks by their owner, the portal's own first.
func (p parts) stacks() []*stack.Stack {
	out := make([]*stack.Stack, 0, len(p))
	for _, owner := range slices.Sorted(maps.Keys(p)) {
		out = append(out, p[owner].Stack)
	}
	return out
}

// with returns the parts with one of them put in or replaced.
func (p parts) with(st *stack.Stack, m *stack.Member) parts {
	out := maps.Clone(p)
	out[st.Owner] = part{Version: partVersion, Member: m, Stack: st}
	return out
}

func (p parts) without(owner string) parts {
	out := maps.Clone(p)
	delete(out, owner)
	return out
}

// readParts reads the parts of the portal that is locked.
func (b *begun) readParts(ctx context.Context, portal string) (parts, error) {
	records, err := b.files.Records(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return parts{}, nil
	}
	if err != nil {
		return nil, err
	}
	return partsOf(portal, records)
}

// prune removes the rendered files that no part of the stack names and no
// container mounts: one that was made from another part's service may still
// have files that this part has replaced since.
//
// Without the portal's own part it is not known what is needed, and nothing goes.
func (b *begun) prune(ctx context.Context, p parts) error {
	own, ok := p[""]
	if !ok {
		return nil
	}
	keep := map[string]stack.File{}
	for _, st := range p.stacks() {
		maps.Copy(keep, st.Files)
	}
	for _, c := range b.observed.Containers {
		for _, source := range c.Mounts {
			rel, _ := strings.CutPrefix(source, own.Stack.Directory+"/")
			if elements := strings.Split(rel, "/"); len(elements) > 2 && (elements[0] == "config" || elements[0] == "secrets") {
				keep[strings.Join(elements[:3], "/")] = stack.File{}
			}
		}
	}
	for path := range keep {
		if strings.HasPrefix(path, storage.GivenSecrets+"/") {
			delete(keep, path)
		}
	}
	return b.files.Prune(ctx, &stack.Stack{Files: keep})
}

// savePart writes the record of a part.
func (b *begun) savePart(ctx context.Context, p part) error {
	p.Version = partVersion
	data, err := p.encode()
	if err != nil {
		return err
	}
	return b.files.WriteRecord(ctx, recordName(p.Stack.Owner), data)
}
