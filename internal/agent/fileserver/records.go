// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// recordsDir holds what the provider must remember of a portal beyond
// Terraform's state. No container mounts it.
const (
	recordsDir   = "records"
	recordSuffix = ".json"
)

var (
	recordNameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,80}$`)

	recordsAttrs = attrs{mode: 0o700}
	recordAttrs  = attrs{mode: 0o600}
)

func checkRecordName(name string) error {
	if !recordNameRE.MatchString(name) {
		return fmt.Errorf("%q is no name for a record: use up to 81 lower-case letters, digits, dots, hyphens and underscores, and begin with a letter or digit", name)
	}
	return nil
}

func (s *server) readRecord(name string) (wire.ReadReply, error) {
	if err := checkRecordName(name); err != nil {
		return wire.ReadReply{}, err
	}
	d, err := s.ownSub(recordsDir)
	if err != nil {
		return wire.ReadReply{}, err
	}
	defer d.Close()
	return d.readHashed(name + recordSuffix)
}

func (s *server) writeRecord(name string, data []byte) error {
	if err := checkRecordName(name); err != nil {
		return err
	}
	portal, err := s.ownDir()
	if err != nil {
		return err
	}
	defer portal.Close()
	if err := checkSize(portal.child(recordsDir+"/"+name+recordSuffix), data); err != nil {
		return err
	}
	d, err := portal.private(recordsDir, recordsAttrs)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.write(name+recordSuffix, data, recordAttrs)
}

func (s *server) removeRecord(name string) error {
	if err := checkRecordName(name); err != nil {
		return err
	}
	d, err := s.ownSub(recordsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	return d.remove(name + recordSuffix)
}

func (s *server) records() (map[string][]byte, error) {
	portal, err := s.ownDir()
	if err != nil {
		return nil, err
	}
	defer portal.Close()
	return readRecords(portal)
}

// readRecords returns all records by name. What else is in their directory, a
// person put there.
func readRecords(portal dir) (map[string][]byte, error) {
	d, err := portal.sub(recordsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	files, err := d.list()
	if err != nil {
		return nil, err
	}
	records := map[string][]byte{}
	for _, file := range files {
		name, ok := strings.CutSuffix(file, recordSuffix)
		if !ok || !recordNameRE.MatchString(name) {
			continue
		}
		data, _, err := d.read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		records[name] = data
	}
	return records, nil
}
