// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/overrides"
	"github.com/privateportals/terraform-provider-portal/internal/overrides/ownership"
)

// overrideJob is one change of one override.
type overrideJob struct {
	portal string
	id     string // empty for one to be made, until newID gave it one
	newID  func(*ownership.Record) string
	made   bool // the id is newID's
	// edit makes the change in the record and in the document.
	edit    func(r *ownership.Record, doc *overrides.Document, id string) (*overrides.Document, error)
	removes bool
	secrets []string // texts to keep out of errors

	abandoned <-chan struct{} // closed when nobody waits for it any more
	done      chan struct{}
	state     OverrideState
	err       error
}

func (j *overrideJob) finish(state OverrideState, err error) {
	j.state, j.err = state, err
	close(j.done)
}

// overrideQueues collect the changes of each portal while one is under way, so
// that those which come together cost one restart.
type overrideQueues struct {
	mu      sync.Mutex
	waiting map[string][]*overrideJob // by portal
	busy    map[string]bool
	made    map[string]bool // ids that this process made
}

// submit adds a job and waits for it. The first one of a portal does the work
// for all that have come by the time the drive is reached.
func (d *Deployer) submit(ctx context.Context, job *overrideJob) (OverrideState, error) {
	job.done, job.abandoned = make(chan struct{}), ctx.Done()
	if d.overrides.add(job) {
		// Not bound to the first one's context: the others go on without it.
		go d.drain(context.WithoutCancel(ctx), job.portal)
	}
	select {
	case <-job.done:
		return job.state, job.err
	case <-ctx.Done():
	}
	// A job that has not begun is dropped. What is under way is cut short and
	// taken back, and the result of that is waited for.
	if d.overrides.drop(job) {
		return OverrideState{}, ctx.Err()
	}
	<-job.done
	return job.state, job.err
}

// drain works on the jobs of a portal until there are none.
func (d *Deployer) drain(ctx context.Context, portal string) {
	for d.overrides.more(portal) {
		d.changeOverrides(ctx, portal)
	}
}

// add queues a job, and tells whether somebody has to start working.
func (q *overrideQueues) add(job *overrideJob) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting == nil {
		q.waiting, q.busy, q.made = map[string][]*overrideJob{}, map[string]bool{}, map[string]bool{}
	}
	q.waiting[job.portal] = append(q.waiting[job.portal], job)
	start := !q.busy[job.portal]
	q.busy[job.portal] = true
	return start
}

// more tells whether jobs wait; without any the portal is idle again.
func (q *overrideQueues) more(portal string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting[portal]) == 0 {
		delete(q.busy, portal)
		return false
	}
	return true
}

// take returns the jobs that wait, and leaves none.
func (q *overrideQueues) take(portal string) []*overrideJob {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs := q.waiting[portal]
	delete(q.waiting, portal)
	return jobs
}

// drop takes a job out of the queue; false when it is under way.
func (q *overrideQueues) drop(job *overrideJob) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.waiting[job.portal]
	for i, j := range list {
		if j == job {
			q.waiting[job.portal] = append(list[:i:i], list[i+1:]...)
			return true
		}
	}
	return false
}

// claim notes an id that is being made; false when this process made it
// already: two overrides that ask for the same leaves.
func (q *overrideQueues) claim(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.made[id] {
		return false
	}
	q.made[id] = true
	return true
}

// release takes back claim, for an override that was not made after all.
func (q *overrideQueues) release(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.made, id)
}
