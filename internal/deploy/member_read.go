// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// BaseStack is the portal's own part of its stack, as it was applied last. It
// fails with ErrNoPortal when the portal is not there or not completed.
func (d *Deployer) BaseStack(ctx context.Context, portal string) (*stack.Stack, error) {
	s, err := d.snapshot(ctx, portal)
	if err != nil {
		return nil, err
	}
	data, ok := s.Records[stackRecord]
	if !ok || !exists(s.Manifest.Status) {
		return nil, noPortalError(portal)
	}
	p, err := parsePart(portal, stackRecord, data)
	return p.Stack, err
}

// ReadMember tells what is there of a member. It is false when the member or
// its portal is gone; a member whose containers are gone, but which is
// recorded, is there: an apply brings it back.
func (d *Deployer) ReadMember(ctx context.Context, portal, owner string) (MemberState, bool, error) {
	s, err := d.snapshot(ctx, portal)
	if err != nil || !exists(s.Manifest.Status) {
		return MemberState{}, false, err
	}
	data, ok := s.Records[recordName(owner)]
	if !ok {
		return MemberState{}, false, nil
	}
	p, err := parsePart(portal, recordName(owner), data)
	if err != nil {
		return MemberState{}, false, err
	}
	if p.Member == nil {
		return MemberState{}, false, fmt.Errorf("the record records/%s.json of portal %q names no member: restore it from a backup of the shared drive", recordName(owner), portal)
	}
	observed, err := d.Engine.ObserveShared(ctx, portal)
	if err != nil {
		return MemberState{}, false, err
	}
	state, err := memberState(p, observed.Of(owner), s.Records[schedule.RecordName(p.Member.Name)])
	return state, err == nil, err
}

// lookAfterFailure tells what is there by then, as far as that can be known.
func (c *memberChange) lookAfterFailure(ctx context.Context) MemberState {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	var err error
	if c.observed, err = c.Engine.Observe(ctx, c.portal); err != nil {
		return MemberState{}
	}
	state, err := c.look(ctx)
	if err != nil {
		return MemberState{}
	}
	state.Warnings = c.warnings
	return state
}

// look tells what is there of the member that is being changed, by what was
// observed last.
func (c *memberChange) look(ctx context.Context) (MemberState, error) {
	records, err := c.files.Records(ctx)
	if err != nil {
		return MemberState{}, err
	}
	p, err := partsOf(c.portal, records)
	if err != nil || p[c.owner].Member == nil {
		return MemberState{}, err
	}
	return memberState(p[c.owner], c.observed.Of(c.owner), records[schedule.RecordName(p[c.owner].Member.Name)])
}

// memberState puts together what was read. history is the record of a task's
// runs, nil when there is none.
func memberState(p part, own stack.Observed, history []byte) (MemberState, error) {
	m := *p.Member
	state := MemberState{Member: m, Unfinished: p.Unfinished, Host: own.Host, Summary: stack.SummarizeObserved(own)[m.Name]}
	if m.Kind == stack.MemberService {
		return state, nil
	}
	h := schedule.History{}
	if history != nil {
		var err error
		if h, err = schedule.ParseHistory(history); err != nil {
			return MemberState{}, err
		}
	}
	state.Runs = withLastRun(h.Runs, own)
	if m.Schedule != "" {
		s, err := schedule.Parse(m.Schedule)
		if err != nil {
			return MemberState{}, err
		}
		state.NextRun = s.Next(time.Now())
	}
	return state, nil
}

// withLastRun adds the run that the container itself tells of, unless the
// history has it: runs by hand and those of an apply are no scheduler's.
func withLastRun(runs []schedule.Run, own stack.Observed) []schedule.Run {
	if len(own.Containers) == 0 {
		return runs
	}
	c := own.Containers[0]
	if c.StartedAt.IsZero() || c.State == stack.Running {
		return runs
	}
	if n := len(runs); n > 0 && !runs[n-1].Started.Before(c.StartedAt) {
		return runs
	}
	return append(runs, schedule.Run{
		Trigger: schedule.Manual, Started: c.StartedAt, Finished: c.FinishedAt,
		ExitCode: c.ExitCode, OK: c.ExitCode == 0,
	})
}
