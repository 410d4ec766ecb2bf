// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"errors"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ErrNoPortal tells that there is no portal of that name: none was created, or
// it was destroyed.
var ErrNoPortal = errors.New("there is no such portal")

// MemberState is what is there of a member of a portal's stack.
type MemberState struct {
	// Member as it was applied last.
	Member stack.Member
	// Unfinished tells that its apply was cut off or failed.
	Unfinished bool
	// Host that runs it.
	Host string
	// Summary of what runs; its zero value when nothing is there.
	Summary stack.Summary
	// Runs of a task, the newest last; nil for a service.
	Runs []schedule.Run
	// NextRun is when the scheduler starts the task, zero when nobody will.
	NextRun time.Time
	// Warnings for the user.
	Warnings []string
}

// TaskRun is one run of a task that was asked for.
type TaskRun struct {
	ExitCode          int
	Started, Finished time.Time
	// Log is the end of its output, with the portal's secrets struck out.
	Log string
}

// RestoreOptions say what to restore.
type RestoreOptions struct {
	// Snapshot is a snapshot's id; empty for the newest one.
	Snapshot string
	// From is the portal whose backup it is; empty for the portal itself.
	From string
	// Task that knows the repository, such as "backup-nightly"; empty for the
	// portal's own repository on the shared drive.
	Task string
}

// Backup is one snapshot in a repository.
type Backup struct {
	ID     string
	Portal string
	Time   time.Time
	// Bytes that the snapshot restores to.
	Bytes int64
}
