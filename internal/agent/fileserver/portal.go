// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

const manifestName = "portal.json"

// portalMode lets a person who may not list the directory still follow a path
// that is known: the way to the overrides.
const portalMode fs.FileMode = 0o711

// home is where a portal's directory is.
type home struct {
	drive  dir
	portal string
}

// portalDir opens the portal's directory, whatever is in it.
func (h home) portalDir() (dir, error) {
	d, err := h.drive.sub(h.portal)
	if isCode(err, wire.NotRegular) {
		return dir{}, h.foreign(err.Error())
	}
	return d, err
}

// ownDir opens the portal's directory, and refuses one that has no manifest, or
// another portal's.
func (h home) ownDir() (dir, error) {
	d, err := h.portalDir()
	if err != nil {
		return dir{}, err
	}
	data, _, err := d.read(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		err = h.foreign("it has no " + manifestName)
	}
	if err == nil {
		err = h.names(data)
	}
	if err != nil {
		d.Close()
		return dir{}, err
	}
	return d, nil
}

// ownSub opens a directory of the portal's.
func (h home) ownSub(name string) (dir, error) {
	portal, err := h.ownDir()
	if err != nil {
		return dir{}, err
	}
	defer portal.Close()
	return portal.sub(name)
}

// names fails unless a manifest's text names this agent's portal.
func (h home) names(manifest []byte) error {
	var head struct {
		Portal string `json:"portal"`
	}
	if err := json.Unmarshal(manifest, &head); err != nil {
		return fmt.Errorf("%s/%s is not valid JSON (%w): restore it from a backup", h.drive.child(h.portal), manifestName, err)
	}
	if head.Portal != h.portal {
		return h.foreign(fmt.Sprintf("its %s is that of portal %q", manifestName, head.Portal))
	}
	return nil
}

func (h home) foreign(why string) error {
	return &wire.Error{
		Code: wire.Foreign,
		Text: fmt.Sprintf("%s is not the directory of portal %q (%s), and is left alone: move it away, or give the portal another name",
			h.drive.child(h.portal), h.portal, why),
	}
}

// manifest reads the manifest and says what stands at the portal's directory.
func (h home) manifest() (wire.ManifestReply, error) {
	reply, d, err := h.look()
	if reply.Place == wire.PlacePortal {
		d.Close()
	}
	return reply, err
}

// look is manifest, and leaves the directory open if its place is PlacePortal.
func (h home) look() (wire.ManifestReply, dir, error) {
	d, err := h.portalDir()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wire.ManifestReply{Place: wire.PlaceNone}, dir{}, nil
	case isCode(err, wire.Foreign):
		return wire.ManifestReply{Place: wire.PlaceForeign}, dir{}, nil
	case err != nil:
		return wire.ManifestReply{}, dir{}, err
	}
	data, _, err := d.read(manifestName)
	if err == nil {
		return wire.ManifestReply{Place: wire.PlacePortal, Data: data}, d, nil
	}
	d.Close()
	if errors.Is(err, fs.ErrNotExist) {
		return wire.ManifestReply{Place: wire.PlaceForeign}, dir{}, nil
	}
	return wire.ManifestReply{}, dir{}, err
}

// saveManifest writes the manifest. A portal's directory appears together with
// its first one, so there is never a directory without.
func (s *server) saveManifest(data []byte) error {
	if err := s.names(data); err != nil {
		return err
	}
	own := attrs{mode: 0o600}
	d, err := s.ownDir()
	if err == nil {
		defer d.Close()
		return d.write(manifestName, data, own)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.sweep(); err != nil {
		return err
	}
	temp := newPrefix + s.portal + "-" + randomHex(4)
	d, _, err = s.drive.makeSub(temp, attrs{mode: portalMode})
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.write(manifestName, data, own)
	if err == nil {
		err = s.drive.Rename(temp, s.portal)
	}
	if err != nil {
		return errors.Join(explain("making", s.drive.child(s.portal), err), s.drive.discard(temp))
	}
	return s.drive.sync()
}

const (
	newPrefix      = ".new-"
	deletingPrefix = ".deleting-"
)

// sweep finishes what an agent that died left of this portal: a directory that
// was being made, or being deleted.
func (s *server) sweep() error {
	name := regexp.QuoteMeta(s.portal)
	left := regexp.MustCompile(`^(` + regexp.QuoteMeta(newPrefix) + `|` + regexp.QuoteMeta(deletingPrefix) + `)` + name + `-[0-9a-f]{8}$`)
	return s.drive.removeWhere(left.MatchString)
}

func isCode(err error, code wire.Code) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == code
}
