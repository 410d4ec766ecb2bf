// SPDX-License-Identifier: MPL-2.0

// Package ownership keeps who owns which leaf of a portal's
// ansible_overrides.yml, and makes the changes that its owners ask for. A leaf
// that nobody here owns belongs to somebody else, who may change it at any
// time; it is never touched.
//
// It is pure: the record and the file come in as bytes and go out as bytes.
package ownership

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
)

// recordVersion is raised when an older provider would misread a newer record.
const recordVersion = 1

// Record is what is remembered on the drive beside the file itself.
type Record struct {
	Version int `json:"version"`
	// Key makes the fingerprints of secret values: without it they tell
	// nothing about a value.
	Key []byte `json:"key"`
	// Owners by the override's id.
	Owners map[string]*Owner `json:"owners,omitempty"`
	// RestartPending says that the file was changed for an owner and that not
	// all services have restarted since.
	RestartPending bool `json:"restart_pending,omitempty"`
}

// Owner is one override.
type Owner struct {
	// Leaves by their path in text.
	Leaves map[string]Leaf `json:"leaves"`
	// Filled are the maps that were in the file as `{}` before a leaf of this
	// owner went into them. They stay when the leaf goes.
	Filled []string `json:"filled,omitempty"`
	// Pending says that the change that made or last changed the owner has not
	// been completed.
	Pending bool `json:"pending,omitempty"`
}

// Leaf is one owned leaf.
type Leaf struct {
	// Secret is the fingerprint of a secret's value, empty for other values.
	Secret string `json:"secret,omitempty"`
}

// Parse reads a record; no bytes at all are an empty one.
func Parse(data []byte) (*Record, error) {
	r := &Record{Version: recordVersion}
	if len(data) > 0 {
		if err := json.Unmarshal(data, r); err != nil {
			return nil, fmt.Errorf("the record of the overrides' owners (records/overrides.json) is not valid JSON (%w): restore it from a backup of the shared drive, or move it away and apply with adopt = true", err)
		}
	}
	if r.Version > recordVersion {
		return nil, fmt.Errorf("the record of the overrides' owners (records/overrides.json) has version %d, and this provider knows versions up to %d: use the newer provider that wrote it", r.Version, recordVersion)
	}
	if r.Owners == nil {
		r.Owners = map[string]*Owner{}
	}
	if len(r.Key) == 0 {
		r.Key = make([]byte, sha256.Size)
		if _, err := rand.Read(r.Key); err != nil {
			return nil, fmt.Errorf("making a key for the fingerprints of secrets: %w", err)
		}
	}
	return r, nil
}

// Bytes is what Parse reads.
func (r *Record) Bytes() []byte {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		// The types hold only plain data: this cannot happen.
		panic(fmt.Sprintf("record of the overrides' owners: %v", err))
	}
	return append(text, '\n')
}

// Clone returns a copy that shares nothing with r.
func (r *Record) Clone() *Record {
	c := *r
	c.Owners = make(map[string]*Owner, len(r.Owners))
	for id, o := range r.Owners {
		c.Owners[id] = &Owner{Leaves: maps.Clone(o.Leaves), Filled: slices.Clone(o.Filled), Pending: o.Pending}
	}
	return &c
}

// Settle notes that the services run with the file as it is.
func (r *Record) Settle() {
	r.RestartPending = false
	for _, o := range r.Owners {
		o.Pending = false
	}
}

// fingerprint of a secret value at a path.
func (r *Record) fingerprint(path string, value any) string {
	text, err := json.Marshal(value) // maps are sorted: canonical
	if err != nil {
		panic(fmt.Sprintf("fingerprint of %s: %v", path, err))
	}
	mac := hmac.New(sha256.New, r.Key)
	mac.Write([]byte(path + "\x00"))
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

// NewID returns the id of an override that is to own these leaves. It follows
// from the leaves, so that a create that was cut off finds what it had begun;
// another override that had these leaves once, and others now, is passed over.
func (r *Record) NewID(portal string, leaves []overrides.Leaf) string {
	paths := make([]string, len(leaves))
	for i, l := range leaves {
		paths[i] = l.Path.String()
	}
	slices.Sort(paths)
	for salt := 0; ; salt++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s", portal, salt, strings.Join(paths, "\n")))
		id := portal + "/" + hex.EncodeToString(sum[:4])
		owner, taken := r.Owners[id]
		if !taken || slices.Equal(slices.Sorted(maps.Keys(owner.Leaves)), paths) {
			return id
		}
	}
}
