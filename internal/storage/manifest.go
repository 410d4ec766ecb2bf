// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// ManifestVersion is the version of the manifest that this provider writes. It
// is raised when an older provider would misread a newer manifest.
const ManifestVersion = 1

// Status is the state of a portal's directory.
type Status string

const (
	// None means that there is no directory.
	None Status = "none"
	// Incomplete means that a create began and has not ended; create goes on
	// with it.
	Incomplete Status = "incomplete"
	// Complete means that the portal was created.
	Complete Status = "complete"
	// Retained means that the portal was destroyed and its files were kept;
	// create adopts them.
	Retained Status = "retained"
	// Foreign means that something is there that is not a portal's directory.
	Foreign Status = "foreign"
)

// saved are the states a manifest can hold; the others are without a manifest.
var saved = []Status{Incomplete, Complete, Retained}

// Manifest is the portal.json of a portal: enough to import it.
type Manifest struct {
	Version int    `json:"version"`
	Portal  string `json:"portal"`
	Status  Status `json:"status"`
	// Spec is what the user asked for last.
	Spec stack.Spec `json:"spec"`
	// Gateway is set for a gateway, which is no portal: Spec has its name alone.
	Gateway *stack.GatewaySpec `json:"gateway,omitempty"`
	// Services by name, as of the last success.
	Services map[string]stack.Summary `json:"services,omitempty"`
	// Provider is the version that wrote the manifest.
	Provider string `json:"provider"`
	// Host that runs the portal, and hosts that it is on its way from: they may
	// still have containers of it.
	Host      string    `json:"host,omitempty"`
	Leaving   []string  `json:"leaving,omitempty"`
	StorageID string    `json:"storage_id"`
	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
}

// Manifest reads the portal's manifest. Status None and Foreign are no errors;
// then nothing else is set. A manifest that cannot be read is an error, and
// stays as it is.
func (s *Session) Manifest(ctx context.Context) (Manifest, error) {
	var reply wire.ManifestReply
	if err := s.call(ctx, "reading the manifest", "Manifest", wire.None{}, &reply); err != nil {
		return Manifest{}, err
	}
	return manifestOf(reply, s.portal)
}

// manifestOf makes a manifest of what the agent found at a portal's directory.
func manifestOf(reply wire.ManifestReply, portal string) (Manifest, error) {
	switch reply.Place {
	case wire.PlaceNone:
		return Manifest{Status: None}, nil
	case wire.PlaceForeign:
		return Manifest{Status: Foreign}, nil
	}
	m, err := parseManifest(reply.Data, portal)
	if err != nil {
		return Manifest{}, fmt.Errorf("reading the manifest of portal %q: %s/portal.json on the shared drive %w", portal, portal, err)
	}
	return m, nil
}

// parseManifest returns errors that complete "the file …".
func parseManifest(data []byte, portal string) (Manifest, error) {
	// The version is looked at first: the rest of a newer one may not parse.
	var head struct {
		Version int `json:"version"`
	}
	const remedy = "restore the file from a backup, or move the directory away if the portal is no longer wanted"
	if err := json.Unmarshal(data, &head); err != nil {
		return Manifest{}, fmt.Errorf("is not valid JSON (%w): %s", err, remedy)
	}
	if head.Version > ManifestVersion {
		return Manifest{}, fmt.Errorf("has version %d, and this provider knows versions up to %d: use the newer provider that wrote it", head.Version, ManifestVersion)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("is not a manifest (%w): %s", err, remedy)
	}
	switch {
	case m.Version < 1:
		return Manifest{}, fmt.Errorf("has no version: %s", remedy)
	case m.Portal != portal:
		return Manifest{}, fmt.Errorf("is the manifest of portal %q: the directory was renamed or copied; move it away, or back to its name", m.Portal)
	case !slices.Contains(saved, m.Status):
		return Manifest{}, fmt.Errorf("has the unknown status %q: %s", m.Status, remedy)
	}
	return m, nil
}

// SaveManifest writes the manifest; the portal, the version and the time of the
// update are filled in. The first one makes the portal's directory, together
// with the manifest. It fails with ErrForeign on a directory without one.
func (s *Session) SaveManifest(ctx context.Context, m Manifest) error {
	if !slices.Contains(saved, m.Status) {
		return fmt.Errorf("saving the manifest of portal %q: %q is no status to save", s.portal, m.Status)
	}
	m.Version, m.Portal, m.Updated = ManifestVersion, s.portal, time.Now().UTC().Truncate(time.Second)
	if m.Created.IsZero() {
		m.Created = m.Updated
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(m); err != nil {
		return fmt.Errorf("saving the manifest of portal %q: %w", s.portal, err)
	}
	return s.call(ctx, "saving the manifest", "SaveManifest", wire.SaveManifestArgs{Data: text.Bytes()}, &wire.None{})
}
