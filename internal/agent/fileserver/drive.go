// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// marker is the file that tells the portals' drive from any other directory.
const marker = ".portal-storage"

var driveIDRE = regexp.MustCompile(`^[0-9a-f]{32}$`)

// ignored may be in a directory that counts as empty: what file systems and
// file servers put there.
var ignored = []string{"lost+found", ".snapshot"}

// checkDrive makes sure that the agent sees the drive with the id that is
// expected, or, when none is, a drive at all: an empty directory becomes one if
// it may.
func (s *server) checkDrive(args wire.DriveArgs) (string, error) {
	if s.drive.Root == nil {
		d, err := openDrive(s.options)
		if err != nil {
			return "", err
		}
		s.drive = d
	}
	id, err := s.drive.identify(args)
	if err != nil {
		return "", err
	}
	s.driveID = id
	return id, nil
}

func openDrive(o Options) (dir, error) {
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return dir{}, notDrive("%s cannot be opened (%v): mount the shared drive there on this host", o.Path, err)
	}
	return dir{Root: root, path: o.Path}, nil
}

// identify returns the drive's id if it is the one that is expected.
func (d dir) identify(args wire.DriveArgs) (string, error) {
	id, err := d.id()
	if errors.Is(err, fs.ErrNotExist) {
		id, err = d.initialise(args)
	}
	if err != nil {
		return "", err
	}
	if args.ID != "" && id != args.ID {
		return "", notDrive("%s holds the shared drive %s, and %s is expected: mount the right drive there on this host, or correct the provider's storage.id",
			d.path, id, args.ID)
	}
	return id, nil
}

// id reads the marker.
func (d dir) id() (string, error) {
	data, _, err := d.read(marker)
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(data))
	if !driveIDRE.MatchString(id) {
		return "", notDrive("%s does not hold the id of a shared drive: restore it from a backup, or from the label io.privateportals.storage of a portal's container", d.child(marker))
	}
	return id, nil
}

// initialise makes an empty directory a drive.
func (d dir) initialise(args wire.DriveArgs) (string, error) {
	switch {
	case args.ID != "":
		return "", notDrive("%s is not marked as the shared drive %s (it has no file %s): the drive is not mounted there on this host; mount it",
			d.path, args.ID, marker)
	case args.Existing:
		return "", notDrive("%s is not marked as a shared drive of portals (it has no file %s): the drive is not mounted there on this host, mount it; or the provider's storage.path is another one than the portal was made with",
			d.path, marker)
	}
	names, err := d.list()
	if err != nil {
		return "", err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return isTemp(name) || slices.Contains(ignored, name) })
	if len(names) > 0 {
		slices.Sort(names)
		return "", notDrive("%s is not a shared drive of portals: it has no file %s and is not empty (it holds %s); give the provider's storage.path an empty directory, or mount the drive there on this host",
			d.path, marker, abridge(names))
	}
	// Another agent may be first: then both get its id.
	if _, err := d.create(marker, []byte(randomHex(16)+"\n"), attrs{mode: 0o644}); err != nil {
		return "", err
	}
	return d.id()
}

// abridge lists the first few of many names.
func abridge(names []string) string {
	const few = 5
	if len(names) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}

func notDrive(format string, args ...any) error {
	return &wire.Error{Code: wire.NotDrive, Text: fmt.Sprintf(format, args...)}
}
