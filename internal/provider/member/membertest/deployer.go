// SPDX-License-Identifier: MPL-2.0

// Package membertest is what tests of a portal's members share: a deployer that
// keeps portals and their members in memory, and a provider over it.
package membertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/privateportals/terraform-provider-portal/internal/blueprint"
	"github.com/privateportals/terraform-provider-portal/internal/deploy"
	"github.com/privateportals/terraform-provider-portal/internal/placement"
	"github.com/privateportals/terraform-provider-portal/internal/provider/client"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// Host is the one host there is.
const Host = "host-1"

// Deployer keeps portals and members in memory, and writes down what it was
// asked to change.
type Deployer struct {
	client.Deployer // what is no matter of members

	mu      sync.Mutex
	portals map[string]*stack.Stack
	members map[[2]string]*deploy.MemberState // by portal and owner
	files   map[string]string                 // of given secrets, by name
	calls   []string
	fail    error
}

// New makes a deployer without any portal.
func New() *Deployer {
	return &Deployer{
		portals: map[string]*stack.Stack{}, members: map[[2]string]*deploy.MemberState{}, files: map[string]string{},
	}
}

// Place puts every portal on the one host.
func (d *Deployer) Place(context.Context, *stack.Stack, stack.Spec, string) (placement.Decision, error) {
	return placement.Decision{Host: Host, Reason: "the only host"}, nil
}

// Create makes a portal.
func (d *Deployer) Create(_ context.Context, spec stack.Spec, desired *stack.Stack, _ map[string]string) (deploy.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.portals[spec.Name] = desired
	return deploy.Result{Host: Host, Services: stack.Summarize(desired)}, nil
}

// Update changes a portal.
func (d *Deployer) Update(ctx context.Context, spec stack.Spec, desired *stack.Stack, given map[string]string) (deploy.Result, error) {
	return d.Create(ctx, spec, desired, given)
}

// Read tells what there is of a portal.
func (d *Deployer) Read(_ context.Context, name string) (deploy.Result, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.portals[name] == nil {
		return deploy.Result{}, false, nil
	}
	return deploy.Result{Host: Host, Services: stack.Summarize(d.portals[name])}, true, nil
}

// Delete removes a portal with all that joined it.
func (d *Deployer) Delete(_ context.Context, name string, _ stack.OnDestroy) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.portals, name)
	maps.DeleteFunc(d.members, func(key [2]string, _ *deploy.MemberState) bool { return key[0] == name })
	return nil
}

// BaseStack is the portal's own stack.
func (d *Deployer) BaseStack(_ context.Context, portal string) (*stack.Stack, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.portals[portal] == nil {
		return nil, deploy.ErrNoPortal
	}
	return d.portals[portal], nil
}

// ApplyMember brings a member up as it is wanted.
func (d *Deployer) ApplyMember(_ context.Context, portal string, m stack.Member, given map[string]string) (deploy.MemberState, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	base := d.portals[portal]
	if base == nil {
		return deploy.MemberState{}, deploy.ErrNoPortal
	}
	key := [2]string{portal, m.Owner()}
	d.calls = append(d.calls, fmt.Sprintf("apply %s %s%s", portal, m.Owner(), names(given)))
	maps.Copy(d.files, given)
	if err := d.fail; err != nil {
		d.fail = nil
		if d.members[key] == nil {
			return deploy.MemberState{}, err
		}
		return *d.members[key], err
	}
	part, err := blueprint.Join(base, m)
	if err != nil {
		return deploy.MemberState{}, err
	}
	state := deploy.MemberState{Member: m, Host: Host, Summary: stack.Summarize(part)[m.Name]}
	if before := d.members[key]; before != nil {
		state.Runs, state.NextRun = before.Runs, before.NextRun
	}
	d.members[key] = &state
	return state, nil
}

// ReadMember tells what there is of a member.
func (d *Deployer) ReadMember(_ context.Context, portal, owner string) (deploy.MemberState, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if state := d.members[[2]string{portal, owner}]; state != nil {
		return *state, true, nil
	}
	return deploy.MemberState{}, false, nil
}

// RemoveMember takes a member down.
func (d *Deployer) RemoveMember(_ context.Context, portal, owner string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, fmt.Sprintf("remove %s %s", portal, owner))
	if d.portals[portal] == nil {
		return deploy.ErrNoPortal
	}
	delete(d.members, [2]string{portal, owner})
	return nil
}

// Change alters what is there of a member behind Terraform's back.
func (d *Deployer) Change(portal, owner string, alter func(*deploy.MemberState)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	alter(d.members[[2]string{portal, owner}])
}

// Member is what there is of a member; it must be there.
func (d *Deployer) Member(portal, owner string) stack.Member {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.members[[2]string{portal, owner}].Member
}

// File is the content of a given secret's file.
func (d *Deployer) File(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[name]
}

// FailNext is what the next ApplyMember answers.
func (d *Deployer) FailNext(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// Calls are those that change members, since the last time.
func (d *Deployer) Calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

// names tells which files were given.
func names(given map[string]string) string {
	if len(given) == 0 {
		return ""
	}
	return " with " + strings.Join(slices.Sorted(maps.Keys(given)), " ")
}
