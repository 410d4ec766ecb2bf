// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"io/fs"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// reader is what net/rpc offers to a storage reader. It keeps nothing from one
// call to the next, so calls need not wait for each other.
type reader struct {
	hearing
	options Options
}

// Drive returns the id of the drive, if it is the one that is expected.
func (r *reader) Drive(args wire.DriveArgs, reply *wire.DriveReply) error {
	r.note()
	d, id, err := r.open(args.ID)
	if err != nil {
		return wire.Encode(err)
	}
	d.Close()
	reply.ID = id
	return nil
}

// Portal reads what there is of a portal.
func (r *reader) Portal(args wire.SnapshotArgs, reply *wire.SnapshotReply) error {
	r.note()
	return wire.Encode(r.snapshot(args, reply))
}

// open opens the drive and returns its id, which must be the one that is
// expected, if any is.
func (r *reader) open(expected string) (dir, string, error) {
	d, err := openDrive(r.options)
	if err != nil {
		return dir{}, "", err
	}
	id, err := d.identify(wire.DriveArgs{ID: expected, Existing: true})
	if err != nil {
		d.Close()
		return dir{}, "", err
	}
	return d, id, nil
}

// look opens a portal's directory; it is open only when the manifest's place is
// wire.PlacePortal.
func (r *reader) look(storageID, portal string) (wire.ManifestReply, dir, error) {
	if err := stack.ValidateName(portal); err != nil {
		return wire.ManifestReply{}, dir{}, err
	}
	drive, _, err := r.open(storageID)
	if err != nil {
		return wire.ManifestReply{}, dir{}, err
	}
	defer drive.Close()
	return home{drive: drive, portal: portal}.look()
}

func (r *reader) snapshot(args wire.SnapshotArgs, reply *wire.SnapshotReply) error {
	manifest, portal, err := r.look(args.StorageID, args.Portal)
	if err != nil {
		return err
	}
	reply.Manifest = manifest
	if manifest.Place != wire.PlacePortal {
		return nil
	}
	defer portal.Close()
	if args.ManifestOnly {
		return nil
	}
	if reply.Overrides, err = readOverrides(portal); err != nil {
		return err
	}
	reply.Records, err = readRecords(portal)
	return err
}

// readOverrides returns nil when the file is not there.
func readOverrides(portal dir) (*wire.ReadReply, error) {
	d, err := portal.sub(overridesDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	reply, err := d.readHashed(overridesName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return &reply, err
}
