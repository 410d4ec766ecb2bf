// SPDX-License-Identifier: MPL-2.0

package storage

import (
	"errors"
	"io/fs"

	"github.com/privateportals/terraform-provider-portal/internal/storage/wire"
)

// What a caller may want to tell apart. The error that wraps one of these says
// which path, why, and what to do.
var (
	ErrNotDrive   = errors.New("not the portals' shared drive")
	ErrForeign    = errors.New("the directory belongs to somebody else")
	ErrLocked     = errors.New("the portal is locked")
	ErrNotLocked  = errors.New("the portal's lock is not held")
	ErrChanged    = errors.New("the file has changed")
	ErrNoSpace    = errors.New("no space left on the shared drive")
	ErrReadOnly   = errors.New("the shared drive is read-only")
	ErrDenied     = errors.New("the shared drive refused it")
	ErrNotRegular = errors.New("not a regular file")
	// ErrLost means that the agent ended, or cannot be reached any more. What it
	// was doing may have been done.
	ErrLost = errors.New("the connection to the file agent was lost")
)

var sentinels = map[wire.Code]error{
	wire.NotDrive:   ErrNotDrive,
	wire.Foreign:    ErrForeign,
	wire.Locked:     ErrLocked,
	wire.NotLocked:  ErrNotLocked,
	wire.Changed:    ErrChanged,
	wire.NoSpace:    ErrNoSpace,
	wire.ReadOnly:   ErrReadOnly,
	wire.Denied:     ErrDenied,
	wire.NotExist:   fs.ErrNotExist,
	wire.NotRegular: ErrNotRegular,
}

// driveError is a failure that the agent reported.
type driveError struct {
	text string
	is   error // nil for those that no caller tells apart
}

func (e *driveError) Error() string { return e.text }
func (e *driveError) Unwrap() error { return e.is }

// LockedError tells who holds the lock. It is an ErrLocked.
type LockedError struct {
	Holder Holder
	text   string
}

func (e *LockedError) Error() string { return e.text }
func (e *LockedError) Unwrap() error { return ErrLocked }

// fromAgent turns the text of a failed call into an error of this package.
func fromAgent(text string) error {
	e := wire.Decode(text)
	if e.Code == wire.Locked && e.Holder != nil {
		return &LockedError{Holder: *e.Holder, text: e.Text}
	}
	return &driveError{text: e.Text, is: sentinels[e.Code]}
}
