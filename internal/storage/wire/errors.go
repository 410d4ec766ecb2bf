// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
)

// Code names the failures that a caller tells apart.
type Code string

// What the agent reports.
const (
	NotDrive   Code = "not_drive"
	Foreign    Code = "foreign"
	Locked     Code = "locked"
	NotLocked  Code = "not_locked"
	Changed    Code = "changed"
	NoSpace    Code = "no_space"
	ReadOnly   Code = "read_only"
	Denied     Code = "denied"
	NotExist   Code = "not_exist"
	NotRegular Code = "not_regular"
	Stale      Code = "stale"
	Other      Code = "other"
)

// Error is a failure on the drive. It crosses the pipe as JSON, because
// net/rpc carries an error as a string.
type Error struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
	// Holder of the lock, with code Locked.
	Holder *Holder `json:"holder,omitempty"`
}

func (e *Error) Error() string { return e.Text }

// Is makes an error with code NotExist an fs.ErrNotExist.
func (e *Error) Is(target error) bool { return e.Code == NotExist && target == fs.ErrNotExist }

// Encode makes err ready to cross the pipe.
func Encode(err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Code: Other, Text: err.Error()}
	var known *Error
	if errors.As(err, &known) {
		e.Code, e.Holder = known.Code, known.Holder
	}
	text, jsonErr := json.Marshal(e)
	if jsonErr != nil {
		return err
	}
	return errors.New(string(text))
}

// Decode reads what Encode wrote; any other text becomes the error's own.
func Decode(text string) *Error {
	e := &Error{}
	if json.Unmarshal([]byte(text), e) != nil || e.Code == "" {
		return &Error{Code: Other, Text: text}
	}
	return e
}

// Absent is the hash of a file that is not there.
const Absent = "absent"

// Hash identifies a file's content.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
