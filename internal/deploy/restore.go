// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// What a blueprint with backups has, by its names; the built-in one is an
// example. The variables are those of its scripts.
const (
	backupTask  = "backup"
	restoreTask = "restore"
	// snapshotVariable names the snapshot, portalVariable whose it is.
	snapshotVariable = "RESTORE_SNAPSHOT"
	portalVariable   = "RESTORE_PORTAL"
	// writersVariable lists the services and tasks that must not run meanwhile.
	writersVariable = "RESTORE_WRITERS"
	// resticPrefix begins the variables that lead to the repository; one of
	// them is about the portal itself.
	resticPrefix  = "RESTIC_"
	cacheVariable = "RESTIC_CACHE_DIR"
	// backupsMount is where both tasks have the portal's backups, sourceMount
	// where a restore has those of another portal.
	backupsMount = "/portal/backups"
	sourceMount  = "/portal/source"
)

// repositorySecrets are where the backup task has what opens the repository.
var repositorySecrets = []string{
	"/portal/secrets/restic-password", "/portal/secrets/repository.env",
	"/portal/secrets/repository-ssh-key", "/portal/secrets/repository-known-hosts",
}

// Restore puts a snapshot's data into a portal: it stops what writes them, lets
// the blueprint's restore task load them, and brings the portal back to where it
// was, also when the task failed. The snapshot may be another portal's.
func (d *Deployer) Restore(ctx context.Context, portal string, o RestoreOptions, progress func(string)) (TaskRun, error) {
	source, err := d.backupService(ctx, cmp.Or(o.From, portal), o.Task)
	if err != nil {
		return TaskRun{}, err
	}
	b, err := d.begin(ctx, portal, "restore", false)
	if err != nil {
		return TaskRun{}, err
	}
	defer b.end()
	if !exists(b.manifest.Status) {
		return TaskRun{}, noPortalError(portal)
	}
	all, err := b.readParts(ctx, portal)
	if err != nil {
		return TaskRun{}, err
	}
	base := all[""].Stack
	if base == nil || base.Services[restoreTask] == nil {
		return TaskRun{}, fmt.Errorf("the blueprint of portal %q has no task %q, so nothing can be restored", portal, restoreTask)
	}
	service := restoreService(base.Services[restoreTask], source, o, portal)
	if err := d.sweepRuns(ctx, b.observed); err != nil {
		return TaskRun{}, err
	}
	progress("Stopping what writes the data")
	writers := writersOf(base, all)
	if err := engine.Execute(ctx, d.Engine, base, stack.Stops(b.observed, "its data are restored", writers), nil); err != nil {
		return TaskRun{}, d.resume(ctx, b, all, nil, progress, err)
	}
	progress("Restoring")
	run, err := d.runOnce(ctx, b, base, service)
	if err != nil {
		return run, d.resume(ctx, b, all, nil, progress, err)
	}
	return run, d.resume(ctx, b, all, writers, progress, nil)
}

// backupService is the service of a portal that knows the repository: the named
// task of a member, or the blueprint's own backup task.
func (d *Deployer) backupService(ctx context.Context, portal, task string) (*stack.Service, error) {
	s, err := d.snapshot(ctx, portal)
	if err != nil {
		return nil, err
	}
	if _, completed := s.Records[stackRecord]; !completed {
		return nil, noPortalError(portal)
	}
	all, err := partsOf(portal, s.Records)
	if err != nil {
		return nil, err
	}
	name := cmp.Or(task, backupTask)
	for _, st := range all.stacks() {
		if service := st.Services[name]; service != nil && service.Task != nil {
			return service, nil
		}
	}
	return nil, fmt.Errorf("portal %q has no task %q that makes backups", portal, name)
}

// restoreService is the restore task with the way to the repository of the
// backup service, which may be another portal's. That one's folder is mounted
// beside the portal's own, and cannot be written to.
func restoreService(restore, backup *stack.Service, o RestoreOptions, portal string) stack.Service {
	s := *restore
	s.Environment = maps.Clone(restore.Environment)
	s.Mounts = slices.Clone(restore.Mounts)
	s.Environment[snapshotVariable] = cmp.Or(o.Snapshot, "latest")
	foreign := o.From != "" && o.From != portal
	if foreign {
		s.Environment[portalVariable] = o.From
	}
	for name, value := range backup.Environment {
		if strings.HasPrefix(name, resticPrefix) && name != cacheVariable {
			s.Environment[name] = value
			if rest, below := strings.CutPrefix(value, backupsMount); below && foreign {
				s.Environment[name] = sourceMount + rest
			}
		}
	}
	for _, m := range backup.Mounts {
		switch {
		case m.Target == backupsMount && foreign:
			m.Target, m.ReadOnly = sourceMount, true
			s.Mounts = append(s.Mounts, m)
		case slices.Contains(repositorySecrets, m.Target):
			s.Mounts = keep(s.Mounts, func(own stack.Mount) bool { return own.Target != m.Target })
			s.Mounts = append(s.Mounts, m)
		}
	}
	return s
}

// writersOf lists what writes the data that are restored: what the restore task
// names, and the services of members that depend on any service.
func writersOf(base *stack.Stack, all parts) []string {
	writers := strings.Fields(base.Services[restoreTask].Environment[writersVariable])
	for owner, p := range all {
		for name, s := range p.Stack.Services {
			if owner != "" && len(s.DependsOn) > 0 {
				writers = append(writers, name)
			}
		}
	}
	return writers
}

// resume brings all parts of the portal back to where they should be, whatever
// became of the restore; cause is its error. Deploy tasks among again run again
// first: what was restored may be of an older release.
func (d *Deployer) resume(ctx context.Context, b *begun, all parts, again []string, progress func(string), cause error) error {
	progress("Starting the portal again")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackLimit)
	defer cancel()
	for _, st := range all.stacks() {
		var err error
		if b.observed, err = d.Engine.Observe(ctx, st.Portal); err != nil {
			return joined(cause, err)
		}
		asIfNeverRun(b.observed, again)
		st.StorageID = b.storageID
		if _, err = d.reconcile(ctx, b, st, func(plan stack.Plan) error { return d.execute(ctx, st, plan) }); err != nil {
			return joined(cause, err)
		}
	}
	return cause
}

// asIfNeverRun makes deploy tasks look as if they had yet to run.
func asIfNeverRun(o stack.Observed, tasks []string) {
	for i := range o.Containers {
		if c := &o.Containers[i]; c.Task == stack.Deploy && c.State == stack.Exited && slices.Contains(tasks, c.Service) {
			c.State = stack.Created
		}
	}
}

func joined(cause, err error) error {
	err = fmt.Errorf("starting the portal again: %w", err)
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w\n\n%w", cause, err)
}

// Backups lists the snapshots that a portal's task has in its repository, the
// oldest first; task is empty for the blueprint's own backup task.
func (d *Deployer) Backups(ctx context.Context, portal, task string) ([]Backup, error) {
	service, err := d.backupService(ctx, portal, task)
	if err != nil {
		return nil, err
	}
	b, err := d.begin(ctx, portal, "list backups", false)
	if err != nil {
		return nil, err
	}
	defer b.end()
	all, err := b.readParts(ctx, portal)
	if err != nil {
		return nil, err
	}
	if all[""].Stack == nil {
		return nil, noPortalError(portal)
	}
	listing := *service
	listing.Command = append(slices.Clone(service.Command), "list")
	run, err := d.runOnce(ctx, b, all[""].Stack, listing)
	if err != nil {
		return nil, err
	}
	return parseBackups(portal, run.Log)
}

// parseBackups reads the last line of what the backup task's listing wrote.
func parseBackups(portal, log string) ([]Backup, error) {
	line := log[strings.LastIndex(log, "\n")+1:]
	var list struct {
		Snapshots []struct {
			ID     string    `json:"id"`
			Portal string    `json:"portal"`
			Time   time.Time `json:"time"`
			Bytes  int64     `json:"bytes"`
		} `json:"snapshots"`
	}
	if err := json.Unmarshal([]byte(line), &list); err != nil {
		return nil, fmt.Errorf("the backup task of portal %q did not list its snapshots as JSON (%w): %.500s", portal, err, line)
	}
	out := make([]Backup, 0, len(list.Snapshots))
	for _, s := range list.Snapshots {
		out = append(out, Backup{ID: s.ID, Portal: s.Portal, Time: s.Time, Bytes: s.Bytes})
	}
	return out, nil
}
