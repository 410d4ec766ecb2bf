// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"context"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// ReadRecord returns the record name: what the provider remembers of the portal
// beyond Terraform's state. It fails with fs.ErrNotExist when there is none.
func (s *Session) ReadRecord(ctx context.Context, name string) ([]byte, error) {
	var reply wire.ReadReply
	if err := s.call(ctx, "reading the record "+name, "ReadRecord", wire.NameArgs{Name: name}, &reply); err != nil {
		return nil, err
	}
	return reply.Data, nil
}

// Records returns all records by name. It fails with fs.ErrNotExist when there is
// no such portal.
func (s *Session) Records(ctx context.Context) (map[string][]byte, error) {
	var reply wire.RecordsReply
	if err := s.call(ctx, "reading the records", "Records", wire.None{}, &reply); err != nil {
		return nil, err
	}
	return reply.Records, nil
}

// WriteRecord makes or replaces the record name as a whole. A name has up to 81
// lower-case letters, digits, dots, hyphens and underscores and begins with a
// letter or digit; a record has up to 4 MiB. It needs the portal's lock.
func (s *Session) WriteRecord(ctx context.Context, name string, data []byte) error {
	return s.call(ctx, "writing the record "+name, "WriteRecord", wire.WriteRecordArgs{Name: name, Data: data}, &wire.None{})
}

// RemoveRecord removes the record name. Without it, there is nothing to do. It
// needs the portal's lock.
func (s *Session) RemoveRecord(ctx context.Context, name string) error {
	return s.call(ctx, "removing the record "+name, "RemoveRecord", wire.NameArgs{Name: name}, &wire.None{})
}
