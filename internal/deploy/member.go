// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/schedule"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ApplyMember brings a member of a portal's stack up, or to where it should be.
// given holds the contents of the member's GivenSecrets by file name; those that
// it does not name stay as they are on the drive. Next to an error the state
// still tells what runs now.
func (d *Deployer) ApplyMember(ctx context.Context, portal string, m stack.Member, given map[string]string) (MemberState, error) {
	b, err := d.begin(ctx, portal, "apply "+m.Owner(), false)
	if err != nil {
		return MemberState{}, err
	}
	defer b.end()
	c, err := d.member(ctx, b, portal, m.Owner())
	if err != nil {
		return MemberState{}, err
	}
	if err := c.apply(ctx, m, given); err != nil {
		return c.lookAfterFailure(ctx), concealed(err, slices.Collect(maps.Values(given)))
	}
	state, err := c.look(ctx)
	state.Warnings = c.warnings
	return state, err
}

// RemoveMember takes a member down. What is gone already is no error, and
// neither is a portal that is. The files of its volumes stay.
func (d *Deployer) RemoveMember(ctx context.Context, portal, owner string) error {
	b, err := d.begin(ctx, portal, "remove "+owner, false)
	if err != nil {
		return err
	}
	defer b.end()
	if !exists(b.manifest.Status) {
		return nil
	}
	c, err := d.member(ctx, b, portal, owner)
	if err != nil {
		return err
	}
	return c.remove(ctx)
}

// memberChange is a change of one member under way.
type memberChange struct {
	*Deployer
	*begun
	portal, owner string
	parts         parts // before the change
	warnings      []string
}

func (d *Deployer) member(ctx context.Context, b *begun, portal, owner string) (*memberChange, error) {
	if !exists(b.manifest.Status) {
		return nil, noPortalError(portal)
	}
	p, err := b.readParts(ctx, portal)
	if err != nil {
		return nil, err
	}
	return &memberChange{Deployer: d, begun: b, portal: portal, owner: owner, parts: p}, nil
}

// apply leads the member to where it should be. Its record is written first: a
// member that was cut off is known, and its files are kept.
func (c *memberChange) apply(ctx context.Context, m stack.Member, given map[string]string) error {
	base, ok := c.parts[""]
	if !ok {
		return fmt.Errorf("portal %q has not been completed yet, so nothing can be added to it: apply the portal first", c.portal)
	}
	base.Stack.StorageID = c.storageID
	desired, err := blueprint.Join(base.Stack, m, c.parts.without("").without(c.owner).stacks()...)
	if err != nil {
		return err
	}
	all := c.parts.with(desired, &m)
	e, err := entranceTo(c.parts, all, nil)
	if err != nil { // routes that clash
		return err
	}
	c.warnings, err = c.reconcile(ctx, c.begun, desired, func(plan stack.Plan) error {
		return c.carryOut(ctx, all, given, e, plan)
	})
	if err != nil {
		return c.goBack(ctx, err)
	}
	if err := c.removeGiven(ctx, c.parts[c.owner].Member, &m); err != nil {
		return err
	}
	if err := c.conclude(ctx, all); err != nil {
		return err
	}
	return c.savePart(ctx, part{Member: &m, Stack: desired})
}

// goBack puts the record of a member that could not be changed back: its routes
// are those of what runs. cause is why.
func (c *memberChange) goBack(ctx context.Context, cause error) error {
	former, ok := c.parts[c.owner]
	if !ok {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	if err := c.savePart(ctx, former); err != nil {
		return fmt.Errorf("%w\n\nWriting down that the former definition holds failed as well: %w", cause, err)
	}
	return cause
}

// carryOut runs one plan, in the order that Deployer.carryOut has for a portal.
func (c *memberChange) carryOut(ctx context.Context, all parts, given map[string]string, e *entrance, plan stack.Plan) error {
	desired, m := all[c.owner].Stack, all[c.owner].Member
	if conflicts := stack.Conflicts(desired, c.observed); len(conflicts) > 0 && c.parts[c.owner].Stack == nil {
		return conflictError(c.portal, c.observed.Host, conflicts)
	}
	if err := c.Engine.Check(ctx, desired, c.observed); err != nil {
		return err
	}
	if err := c.execute(ctx, desired, plan.Images()); err != nil {
		return err
	}
	if err := c.savePart(ctx, part{Member: m, Stack: desired, Unfinished: true}); err != nil {
		return err
	}
	if err := c.files.Prepare(ctx, desired); err != nil {
		return err
	}
	if err := c.writeGiven(ctx, desired, m, given); err != nil {
		return err
	}
	if err := c.spare(ctx, c.begun, e); err != nil {
		return err
	}
	return c.execute(ctx, desired, plan.WithoutImages())
}

// conclude tells the load balancer and the scheduler, and clears away files
// that no container mounts any more.
func (c *memberChange) conclude(ctx context.Context, all parts) error {
	observed, err := c.Engine.Observe(ctx, c.portal)
	if err != nil {
		return err
	}
	c.observed = observed
	if err := c.route(ctx, all); err != nil {
		return err
	}
	if err := c.announce(ctx, all); err != nil {
		return err
	}
	if err := c.Engine.SyncSchedulers(ctx); err != nil {
		return err
	}
	return c.prune(ctx, all)
}

// route tells the load balancer of the routes of all parts.
func (c *memberChange) route(ctx context.Context, all parts) error {
	e, err := entranceOf(all, nil)
	if err != nil {
		return err
	}
	return c.loadIngress(ctx, c.begun, e)
}

// remove takes the routes away first, so that nobody is sent to what goes.
func (c *memberChange) remove(ctx context.Context) error {
	rest := c.parts.without(c.owner)
	if err := c.route(ctx, rest); err != nil {
		return err
	}
	own := c.observed.Of(c.owner)
	own.Networks = nil // the portal's
	if err := c.execute(ctx, &stack.Stack{Portal: c.portal, Owner: c.owner}, stack.Teardown(own)); err != nil {
		return err
	}
	if err := c.removeGiven(ctx, c.parts[c.owner].Member, nil); err != nil {
		return err
	}
	// With the history of a task's runs: one of the same name begins anew.
	_, name, _ := strings.Cut(c.owner, "/")
	for _, record := range []string{schedule.RecordName(name), recordName(c.owner)} {
		if err := c.files.RemoveRecord(ctx, record); err != nil {
			return err
		}
	}
	return c.conclude(ctx, rest)
}
