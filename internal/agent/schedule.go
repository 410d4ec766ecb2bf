// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/agent/schedule"
)

// What the engine makes the container of a host's scheduler with, beside the
// image and the mount point of the drive that it shares with file agents.
const (
	// RoleScheduler is the value of its LabelRole.
	RoleScheduler = "scheduler"
	// DockerSocket is where the host's socket is mounted in it.
	DockerSocket = "/var/run/docker.sock"
	// DefaultRuns is how many tasks it lets run together.
	DefaultRuns = 4
	// SchedulerPIDs and SchedulerMemory, in bytes, bound it.
	SchedulerPIDs   = 256
	SchedulerMemory = 256 << 20

	// pulseFile is in a directory that the container may write to.
	pulseFile = "/tmp/portal-scheduler.pulse"
)

// SchedulerName is the name of the scheduler's container for the drive that is
// at path on the hosts. There is one on a host at most, because Docker gives a
// name once.
func SchedulerName(path string) string {
	sum := sha256.Sum256([]byte(path))
	return "portal-scheduler-" + hex.EncodeToString(sum[:4])
}

// SchedulerCapabilities is all that the scheduler needs: secrets that it reads
// belong to the users of services. It runs as root, to whom the records belong,
// and to whom the socket answers.
var SchedulerCapabilities = []string{"DAC_OVERRIDE"}

// SchedulerCommand returns the arguments that make a container of the agent's
// image the scheduler of a host. path is where the shared drive is on the
// hosts, host the name that webhooks are told, limit how many tasks run
// together.
func SchedulerCommand(path, host string, limit int) []string {
	return []string{"agent", "schedule", "--root", MountPoint, "--path", path, "--host", host, "--limit", strconv.Itoa(limit)}
}

// SwarmSchedulerCommand is SchedulerCommand for one that starts jobs of the Swarm that
// its host manages.
func SwarmSchedulerCommand(path, host string, limit int) []string {
	return append(SchedulerCommand(path, host, limit), "--swarm")
}

// SchedulerHealth returns the command of its health check.
func SchedulerHealth() []string {
	return []string{Entrypoint, "agent", "schedule", "--health"}
}

const scheduleUsage = `usage: terraform-provider-portal agent schedule --root DIR --host NAME [--path DIR] [--limit N] [--swarm]
       terraform-provider-portal agent schedule --health

Starts the tasks of portals on this Docker host when they are due, until it is
told to end (SIGTERM); with --swarm, those of the Swarm that the host manages. With --health, it tells whether the scheduler in the same
container works. The provider makes the container; there is no reason to run it
by hand.
`

// scheduleFlags are the arguments of the scheduler.
type scheduleFlags struct {
	root, path, host string
	limit            int
	swarm, health    bool
}

func parseSchedule(args []string) (scheduleFlags, error) {
	var f scheduleFlags
	flags := flag.NewFlagSet("agent schedule", flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	flags.Usage = func() { fmt.Fprint(os.Stderr, scheduleUsage) }
	flags.StringVar(&f.root, "root", "", "where the shared drive is mounted here")
	flags.StringVar(&f.path, "path", "", "where it is mounted on the hosts, for messages")
	flags.StringVar(&f.host, "host", "", "name of this host, for webhooks")
	flags.IntVar(&f.limit, "limit", DefaultRuns, "how many tasks run together")
	flags.BoolVar(&f.swarm, "swarm", false, "start jobs of the Swarm that this host manages")
	flags.BoolVar(&f.health, "health", false, "tell whether the scheduler works")
	if err := flags.Parse(args); err != nil {
		return f, err
	}
	if flags.NArg() > 0 || !f.health && (f.root == "" || f.host == "") {
		return f, errors.New("agent schedule needs --root and --host, or --health alone, and takes no other arguments than flags")
	}
	if f.limit < 1 {
		return f, fmt.Errorf("agent schedule: --limit is %d: at least one task must be able to run", f.limit)
	}
	if f.path == "" {
		f.path = f.root
	}
	return f, nil
}

func runScheduler(ctx context.Context, args []string) error {
	f, err := parseSchedule(args)
	if err != nil {
		return err
	}
	pulse := schedule.Pulse{Path: pulseFile}
	if f.health {
		return pulse.Alive(time.Now())
	}
	docker, err := connectScheduler(f.swarm)
	if err != nil {
		return err
	}
	defer docker.Close()
	return schedule.New(schedule.Options{
		Docker:   docker,
		Drive:    schedule.SharedDrive{Root: f.root, Path: f.path},
		Notifier: schedule.NewWebhook(),
		Path:     f.path,
		Host:     f.host,
		Limit:    f.limit,
		Log:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Alive:    pulse.Beat,
	}).Run(ctx)
}

// closingDocker is what the scheduler is to close when it ends.
type closingDocker interface {
	schedule.Docker
	Close() error
}

func connectScheduler(swarm bool) (closingDocker, error) {
	if swarm {
		return schedule.ConnectSwarm()
	}
	return schedule.Connect()
}
