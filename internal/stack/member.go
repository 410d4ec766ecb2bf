// SPDX-License-Identifier: MPL-2.0

package stack

import "time"

// MemberKind is what a member is to its user.
type MemberKind string

const (
	// MemberService is a further service.
	MemberService MemberKind = "service"
	// MemberTask is a task of the user's own.
	MemberTask MemberKind = "task"
	// MemberBackup is a scheduled backup: the blueprint's backup task with a
	// repository, a retention and a schedule of its own.
	MemberBackup MemberKind = "backup"
)

// Member is a service or a task that joins a portal's stack beside those of the
// blueprint. Its containers carry the portal's labels, and its own owner's.
// Zero values leave what From has, or else the default of an own service.
type Member struct {
	Kind MemberKind `json:"kind"`
	Name string     `json:"name"`
	// From names a service or task of the portal's stack to take the image, the
	// environment, the mounts and all else from that is not given here.
	From  string `json:"from,omitempty"`
	Image string `json:"image,omitempty"`

	Entrypoint  []string          `json:"entrypoint,omitempty"`
	Command     []string          `json:"command,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	// User is "uid" or "uid:gid", in numbers: files on the drive get it as owner.
	User       string `json:"user,omitempty"`
	WorkingDir string `json:"working_dir,omitempty"`

	// Volumes by where they are mounted.
	Volumes map[string]MemberVolume `json:"volumes,omitempty"`
	// SecretFiles are templates by where they are mounted; their marks
	// [[ secret "name" ]] are filled in on the drive. A name that the portal
	// does not have is generated.
	SecretFiles map[string]string `json:"secret_files,omitempty"`
	// GivenSecrets are files whose content the user gave, by where they are
	// mounted: the value is the file's name in secrets/given/.
	GivenSecrets map[string]string `json:"given_secrets,omitempty"`

	Healthcheck *Healthcheck  `json:"healthcheck,omitempty"`
	Resources   Resources     `json:"resources,omitzero"`
	StopGrace   time.Duration `json:"stop_grace,omitempty"`
	ReadOnly    bool          `json:"read_only,omitempty"`

	// Of services.
	Replicas  int         `json:"replicas,omitempty"`
	Routes    []Route     `json:"routes,omitempty"`
	DependsOn []string    `json:"depends_on,omitempty"`
	Update    UpdateOrder `json:"update,omitempty"`
	RestartOn []string    `json:"restart_on,omitempty"`

	// Of tasks.
	Timeout time.Duration `json:"timeout,omitempty"`
	// RunOn are values whose change, like the creation, runs the task.
	RunOn map[string]string `json:"run_on,omitempty"`
	// Schedule is the text of a schedule.Schedule; empty for a task that nobody
	// starts by the clock.
	Schedule string `json:"schedule,omitempty"`
}

// MemberVolume is a directory of the portal that a member mounts.
type MemberVolume struct {
	// Name of the directory beneath data/.
	Name     string `json:"name"`
	ReadOnly bool   `json:"read_only,omitempty"`
}

// Owner is the owner of the member's containers: "service/chat".
func (m Member) Owner() string { return string(m.Kind) + "/" + m.Name }
