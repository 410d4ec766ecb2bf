// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// Drive is what the scheduler keeps and finds on the shared drive.
type Drive interface {
	// Check fails when the drive is not there.
	Check() error
	// ReadHistory returns the history of a task; an empty one if there is none,
	// and an *InvalidError if it cannot be understood.
	ReadHistory(portal, task string) (schedule.History, error)
	WriteHistory(portal, task string, h schedule.History) error
	// Secret returns a secret that the user gave to a portal.
	Secret(portal, name string) (string, error)
	// Conceal strikes the secrets of a portal out of a text.
	Conceal(portal, text string) (string, error)
}

// InvalidError tells that what is on the drive cannot be understood.
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return e.Err.Error() }
func (e *InvalidError) Unwrap() error { return e.Err }

// book is a task's history in memory and on the drive.
type book struct {
	drive        Drive
	portal, task string

	mu      sync.Mutex
	history schedule.History
	writing sync.Mutex // taken before mu
}

func (b *book) load() error {
	h, err := b.drive.ReadHistory(b.portal, b.task)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history = h
	return err
}

// view is a copy of the history; its slices are not to be written to.
func (b *book) view() schedule.History {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history
}

// edit changes the history in memory.
func (b *book) edit(change func(h *schedule.History)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.history)
}

// save writes what is in memory to the drive.
func (b *book) save() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	return b.drive.WriteHistory(b.portal, b.task, b.view())
}
