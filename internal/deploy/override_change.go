// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/ownership"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

const (
	// overridesRecord is the record of who owns which leaf.
	overridesRecord = "overrides"
	// editAttempts bounds how often an edit begins again because somebody else
	// wrote the file between the read and the write.
	editAttempts = 20
	// reachLimit bounds the way to the drive and the wait for the lock.
	reachLimit = lockWait + 2*time.Minute
)

// overrideChange is one change of a portal's overrides file under way, for one
// or several jobs.
type overrideChange struct {
	*Deployer
	*begun
	portal string
	jobs   []*overrideJob // that have not failed

	former, record *ownership.Record   // before and after the edits
	before, after  *overrides.Document // of the file
}

// changeOverrides does the jobs that have come by the time the drive is
// reached.
func (d *Deployer) changeOverrides(ctx context.Context, portal string) {
	b, err := d.reachOverrides(ctx, portal)
	jobs := d.overrides.take(portal)
	c := &overrideChange{Deployer: d, begun: b, portal: portal, jobs: jobs}
	if err != nil {
		c.failAll(err)
		return
	}
	defer b.end()
	if !exists(b.manifest.Status) {
		c.withoutPortal()
		return
	}
	ctx, cancel := untilAbandoned(ctx, jobs)
	defer cancel()
	if err := c.run(ctx); err != nil {
		c.failAll(err)
	}
}

func (d *Deployer) reachOverrides(ctx context.Context, portal string) (*begun, error) {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	return d.begin(ctx, portal, "override", false)
}

func exists(s storage.Status) bool { return s == storage.Complete || s == storage.Incomplete }

// untilAbandoned returns a context that ends when nobody waits for any of the
// jobs any more.
func untilAbandoned(ctx context.Context, jobs []*overrideJob) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	jobs = slices.Clone(jobs) // the caller goes on with them
	go func() {
		for _, j := range jobs {
			select {
			case <-j.abandoned:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return ctx, cancel
}

// withoutPortal ends the jobs of a portal that is not there: it needs nothing
// removed.
func (c *overrideChange) withoutPortal() {
	for _, j := range c.jobs {
		if j.removes {
			j.finish(OverrideState{}, nil)
		} else {
			j.finish(OverrideState{}, noPortalError(c.portal))
		}
	}
}

func (c *overrideChange) run(ctx context.Context) error {
	if err := c.edit(ctx); err != nil {
		return err
	}
	if len(c.jobs) == 0 {
		return nil // each has failed for a reason of its own
	}
	var warnings []string
	if c.record.RestartPending {
		restarted, err := c.restart(ctx)
		if err != nil {
			return c.takeBack(ctx, restarted, err)
		}
		if len(restarted) == 0 {
			warnings = append(warnings, fmt.Sprintf("No service of portal %q restarts on a change of its overrides, so none has read the new values yet. A blueprint marks services with x-portal: {restart_on: [overrides]}.", c.portal))
		}
	}
	c.record.Settle()
	if err := c.saveRecord(ctx, c.record); err != nil {
		return err
	}
	return c.succeed(warnings)
}

// edit makes the changes of all jobs in the file. A job whose change is refused
// ends here. A change of somebody else between the read and the write makes it
// begin again, so that nothing is lost.
func (c *overrideChange) edit(ctx context.Context) error {
	var err error
	if c.former, err = c.readRecord(ctx); err != nil {
		return err
	}
	for range editAttempts {
		err = c.tryEdit(ctx)
		if !errors.Is(err, storage.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("the file was changed by others %d times in a row: %w", editAttempts, err)
}

func (c *overrideChange) tryEdit(ctx context.Context) error {
	doc, hash, err := c.readFile(ctx)
	if err != nil {
		return err
	}
	c.before, c.after, c.record = doc, doc, c.former.Clone()
	// What goes makes room for what comes: a resource that was renamed is both.
	slices.SortStableFunc(c.jobs, func(a, b *overrideJob) int { return order(a) - order(b) })
	c.jobs = keep(c.jobs, func(j *overrideJob) bool { return c.editFor(j) })
	if len(c.jobs) == 0 {
		return nil
	}
	changed := string(c.before.Text()) != string(c.after.Text())
	c.record.RestartPending = c.record.RestartPending || changed
	// Before the file: should this process end between the two, the next one
	// knows whose the leaves are, and that services have to restart.
	if err := c.saveRecord(ctx, c.record); err != nil || !changed {
		return err
	}
	return c.writeFile(ctx, c.after, hash)
}

func order(j *overrideJob) int {
	if j.removes {
		return 0
	}
	return 1
}

// editFor makes one job's change; it ends the job and returns false when that
// is refused.
func (c *overrideChange) editFor(j *overrideJob) bool {
	if j.id == "" {
		id := j.newID(c.record)
		if !c.overrides.claim(id) {
			j.finish(OverrideState{}, fmt.Errorf("two overrides of portal %q in this configuration set the same values: keep one of them", c.portal))
			return false
		}
		j.id, j.made = id, true
	}
	doc, err := j.edit(c.record, c.after, j.id)
	if err != nil {
		c.fail(j, fmt.Errorf("the overrides of portal %q (%s): %w", c.portal, c.path(), err))
		return false
	}
	c.after = doc
	return true
}

// path of the file on the hosts, for messages.
func (c *overrideChange) path() string { return c.portal + "/" + storage.OverridesPath }

func (c *overrideChange) readRecord(ctx context.Context) (*ownership.Record, error) {
	data, err := c.files.ReadRecord(ctx, overridesRecord)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	r, err := ownership.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("portal %q: %w", c.portal, err)
	}
	return r, nil
}

func (c *overrideChange) readFile(ctx context.Context) (*overrides.Document, string, error) {
	data, hash, err := c.files.ReadFile(ctx, storage.OverridesPath)
	if errors.Is(err, fs.ErrNotExist) {
		data, hash, err = nil, storage.Absent, nil
	}
	if err != nil {
		return nil, "", err
	}
	doc, err := overrides.Parse(data)
	if err != nil {
		return nil, "", fmt.Errorf("the overrides of portal %q (%s) were left as they are: %w", c.portal, c.path(), err)
	}
	return doc, hash, nil
}

// Owner and mode of a file that is not there yet: Open edX's user, and the
// group for add-ons.
const (
	overridesOwner = 1000
	overridesMode  = 0o660
)

func (c *overrideChange) writeFile(ctx context.Context, doc *overrides.Document, ifHash string) error {
	return c.files.WriteFile(ctx, storage.OverridesPath, doc.Text(), storage.WriteOptions{
		IfHash: ifHash, Mode: overridesMode, UID: overridesOwner, GID: overridesOwner,
	})
}

func (c *overrideChange) saveRecord(ctx context.Context, r *ownership.Record) error {
	return c.files.WriteRecord(ctx, overridesRecord, r.Bytes())
}

// succeed ends all jobs with what is in the file now.
func (c *overrideChange) succeed(warnings []string) error {
	for _, j := range c.jobs {
		var state OverrideState
		var err error
		if !j.removes {
			state, err = stateOf(c.portal, j.id, c.record, c.after)
			state.Warnings = warnings
		}
		j.finish(state, err)
	}
	return nil
}

func (c *overrideChange) failAll(err error) {
	for _, j := range c.jobs {
		c.fail(j, err)
	}
}

// fail ends a job with an error that shows none of its secrets.
func (c *overrideChange) fail(j *overrideJob, err error) {
	if j.made {
		c.overrides.release(j.id)
	}
	j.finish(OverrideState{}, concealed(err, j.secrets))
}

func keep[T any](list []T, want func(T) bool) []T {
	var out []T
	for _, e := range list {
		if want(e) {
			out = append(out, e)
		}
	}
	return out
}
