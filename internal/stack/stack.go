// SPDX-License-Identifier: MPL-2.0

package stack

import "time"

// Stack is a portal's whole stack, fully resolved: nothing is left to look up
// but the secrets' values, which never enter it.
type Stack struct {
	// Portal is the name of the portal, and the Compose project's.
	Portal string
	// Role is empty for a portal's stack, RoleGateway for a gateway's.
	Role string
	// Owner is who this part of the portal's stack belongs to: empty for the
	// portal itself, Member.Owner for a member. Each part is reconciled by itself.
	Owner string
	// Directory is the portal's directory, the same absolute path on all hosts.
	Directory string
	// StorageID is the id of the shared drive, once it is known: it labels the
	// containers and is no part of any digest.
	StorageID string
	// Host that the portal is to run on; empty leaves it to the engine. It is no
	// part of any digest: containers are the same on every host.
	Host string `json:"-"`
	// AgentPath is the provider's own program on the drive, an absolute path on
	// the hosts, once it is known: services with a lease mount it. It is no part
	// of any digest, so that another version of the provider replaces nothing.
	AgentPath string `json:",omitempty"`
	// Constraints on where an engine that spreads services over hosts runs them. They
	// are no part of any digest.
	Constraints []string `json:",omitempty"`
	// Home is the host that Terraform's state has it on, empty for a new one.
	Home string `json:"-"`
	// Services holds services and tasks, by name.
	Services map[string]*Service
	// Networks by their full name ("acme_default").
	Networks map[string]Network
	// Secrets to generate once, by name; each is the file secrets/<name>.
	Secrets map[string]Secret
	// Directories to make on the drive, with their owner, by path relative to
	// the portal's directory ("data/mysql").
	Directories map[string]Directory
	// Files to write on the drive, by path relative to the portal's directory.
	// A path holds a hash of the file's content, so a file is never changed
	// under a container that runs: a new content is a new path, a new digest.
	Files map[string]File
	// Given are the secrets that the user gave, by the name of their file in
	// secrets/given/. Their values never enter a Stack.
	Given map[string]Given `json:",omitempty"`
	// Ingress is where the routes of the services go, nil without a load
	// balancer.
	Ingress *Ingress
}

// Memory is what the containers of a stack reserve together, in bytes.
func Memory(s *Stack) int64 {
	var sum int64
	for _, service := range s.Services {
		sum += service.Reserves() * int64(service.Replicas)
	}
	return sum
}

// RoleGateway marks the stack of a gateway, which is no portal.
const RoleGateway = "gateway"

// Service is one member of the stack: a long-running service, or a task.
type Service struct {
	Name string
	// Task is nil for a long-running service.
	Task *Task
	// Role is the key in Spec.Images that gave the image, empty when the
	// blueprint names the image itself.
	Role  string
	Image string
	// Replicas is the number of containers; always 1 for a task.
	Replicas int

	Entrypoint  []string // nil: the image's own
	Command     []string // nil: the image's own
	Environment map[string]string
	User        string
	WorkingDir  string
	Hostname    string
	Labels      map[string]string // the blueprint's own labels

	Mounts []Mount
	// Lease is the absolute path of a directory on the drive: a container of the
	// service runs its program only while it holds the lease there, so that no two
	// run on one data directory, wherever they are. Empty for none.
	Lease string `json:",omitempty"`
	Ports []Port
	// Networks maps a network's full name to the aliases there.
	Networks   map[string][]string
	ExtraHosts []string // "name:ip"
	DNS        []string

	DependsOn   map[string]Condition
	Healthcheck *Healthcheck // nil: the image's own, if any
	Resources   Resources
	Restart     string // "no", "always", "unless-stopped", "on-failure[:n]"
	StopSignal  string
	StopGrace   time.Duration

	Init        bool
	ReadOnly    bool
	TTY         bool
	StdinOpen   bool
	CapAdd      []string
	CapDrop     []string
	SecurityOpt []string
	GroupAdd    []string
	Sysctls     map[string]string
	Ulimits     map[string]Ulimit
	ShmSize     int64 // bytes
	LogDriver   string
	LogOptions  map[string]string

	// Update says how a replica is replaced.
	Update UpdateOrder
	// RestartOn names what restarts (not recreates) the service: "overrides".
	RestartOn []string
	// Routes that the load balancer sends to this service.
	Routes []Route
}

// Task marks a one-off member of the stack.
type Task struct {
	When TaskWhen
	// Timeout bounds a run; zero means no bound.
	Timeout time.Duration
	// Schedule is the text of a schedule.Schedule, for the scheduler; empty for
	// a task that nobody starts by the clock.
	Schedule string
	// RunOn is part of a deploy task's digest and of nothing else: another
	// value runs it again.
	RunOn map[string]string
}

// TaskWhen says when a task runs.
type TaskWhen string

const (
	// Deploy runs the task at create, and again whenever its digest changes,
	// before the services that depend on it.
	Deploy TaskWhen = "deploy"
	// Manual only makes the container: somebody starts it.
	Manual TaskWhen = "manual"
	// Scheduled only makes the container: the scheduler starts it.
	Scheduled TaskWhen = "scheduled"
)

// UpdateOrder is how a replica with another digest is replaced.
type UpdateOrder string

const (
	// StopFirst stops the old container, then starts the new one.
	StopFirst UpdateOrder = "stop-first"
	// StartFirst removes the old container when the new one is healthy.
	StartFirst UpdateOrder = "start-first"
)

// HasLeases tells whether a service of the stack has a lease.
func (s *Stack) HasLeases() bool {
	for _, service := range s.Services {
		if service.Lease != "" {
			return true
		}
	}
	return false
}

// Condition is what must be true of a dependency before a service starts.
type Condition string

const (
	Started   Condition = "service_started"
	Healthy   Condition = "service_healthy"
	Completed Condition = "service_completed_successfully"
)

// Mount is a bind mount from the drive or a tmpfs.
type Mount struct {
	// Source is the absolute path on the host; empty means tmpfs.
	Source   string
	Target   string
	ReadOnly bool
	// Size (bytes) and Mode (permission bits) of a tmpfs; zero: Docker's default.
	Size int64
	Mode uint32
}

// Port publishes a container's port on the host.
type Port struct {
	Container int
	// Host is the port on the host; zero lets Docker choose.
	Host     int
	HostIP   string
	Protocol string // "tcp" or "udp"
}

// Healthcheck in Docker's terms.
type Healthcheck struct {
	Test          []string // "CMD", …; "CMD-SHELL", …; or "NONE"
	Interval      time.Duration
	Timeout       time.Duration
	StartPeriod   time.Duration
	StartInterval time.Duration
	Retries       int
}

// Disabled tells whether the image's own health check is turned off.
func (h *Healthcheck) Disabled() bool {
	return h != nil && len(h.Test) > 0 && h.Test[0] == "NONE"
}

// Resources are the limits of one container. Zero means no limit.
type Resources struct {
	Memory            int64 // bytes
	MemoryReservation int64 // bytes
	CPUs              float64
	PIDs              int64
}

// Reserves is the memory of one container that counts for placement, in bytes:
// what it is guaranteed or, if that is more, what it may use at most. A task
// reserves none: it runs now and then, and for minutes.
func (s *Service) Reserves() int64 {
	if s.Task != nil {
		return 0
	}
	return max(s.Resources.Memory, s.Resources.MemoryReservation)
}

// Ulimit is a soft and a hard limit.
type Ulimit struct{ Soft, Hard int64 }

// Network of a portal.
type Network struct {
	Name     string
	Internal bool
	Labels   map[string]string
	// Gateway names the gateway whose network it is: the portal joins it, and
	// neither makes nor removes it. Empty for the portal's own.
	Gateway string
	// Bits is the length of its subnet's prefix; zero leaves it to the engine.
	Bits int
}

// Secret is generated once per portal and lives in secrets/<name> on the
// drive, never anywhere else.
type Secret struct {
	// Length of the generated value, letters and digits. Zero means 32.
	Length int
	// Owner of the file.
	UID, GID int
}

// Directory on the drive.
type Directory struct {
	UID, GID int
	Mode     uint32 // permission bits
}

// File on the drive.
type File struct {
	Content []byte
	Mode    uint32 // permission bits
	// UID and GID own the file.
	UID, GID int
	// Template marks content that holds [[ secret "name" ]] marks; storage
	// fills them in when it writes the file.
	Template bool
}
