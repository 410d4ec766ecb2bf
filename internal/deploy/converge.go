// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

const (
	// attempts bounds how often a portal that changes meanwhile is observed
	// and reconciled again.
	attempts = 3
	// lastLook bounds the observation after a failure, which goes on when the
	// time of the operation itself is up.
	lastLook = 30 * time.Second
)

// Create brings a portal up: a new one, one whose creation was cut off, or one
// that was destroyed and retained. A complete portal is refused.
//
// given holds secrets that the user gave, by the names of their files on the
// drive; those that it does not name stay as they are there.
func (d *Deployer) Create(ctx context.Context, spec stack.Spec, desired *stack.Stack, given map[string]string) (Result, error) {
	reason, err := d.settle(ctx, spec, desired)
	if err != nil {
		return Result{}, err
	}
	b, err := d.begin(ctx, spec.Name, "create", true)
	if err != nil {
		return Result{}, err
	}
	defer b.end()
	if err := mayCreate(spec.Name, desired, b); err != nil {
		return Result{}, err
	}
	result, err := d.converge(ctx, b, spec, desired, given)
	result.Placement = reason
	return result, err
}

// Update leads a portal to what is desired. Next to an error the Result still
// tells what runs now. given is as for Create.
func (d *Deployer) Update(ctx context.Context, spec stack.Spec, desired *stack.Stack, given map[string]string) (Result, error) {
	reason, err := d.settle(ctx, spec, desired)
	if err != nil {
		return d.remains(ctx, spec.Name), err
	}
	b, err := d.begin(ctx, spec.Name, "update", false)
	if err != nil {
		return d.remains(ctx, spec.Name), err
	}
	defer b.end()
	if err := mayUpdate(spec.Name, desired.Directory, b.manifest); err != nil {
		return d.remains(ctx, spec.Name), err
	}
	result, err := d.converge(ctx, b, spec, desired, given)
	if err != nil {
		return d.remains(ctx, spec.Name), err
	}
	result.Placement = reason
	return result, nil
}

// converge brings the portal to where it should be, and writes that down. What
// was given is in no error.
func (d *Deployer) converge(ctx context.Context, b *begun, spec stack.Spec, desired *stack.Stack, given map[string]string) (Result, error) {
	result, err := d.lead(ctx, b, spec, desired, given)
	if err != nil {
		return Result{}, concealed(err, slices.Collect(maps.Values(given)))
	}
	return result, nil
}

func (d *Deployer) lead(ctx context.Context, b *begun, spec stack.Spec, desired *stack.Stack, given map[string]string) (Result, error) {
	if err := d.checkHosts(b.manifest, b.observed); err != nil {
		return Result{}, err
	}
	desired.StorageID = b.storageID
	d.nameReplicas(desired)
	recorded, err := b.readParts(ctx, spec.Name)
	if err != nil {
		return Result{}, err
	}
	all := recorded.with(desired, nil)
	e, err := entranceTo(recorded, all, given)
	if err != nil { // routes that clash
		return Result{}, err
	}
	if err := b.checkGiven(ctx, desired, given); err != nil {
		return Result{}, err
	}
	if err := d.checkClaim(ctx, spec, ingress.Hostnames(all.stacks()...)); err != nil {
		return Result{}, err
	}
	warnings, err := d.reconcile(ctx, b, desired, func(plan stack.Plan) error {
		return d.carryOut(ctx, b, spec, desired, given, all, e, plan)
	})
	if err != nil {
		return Result{}, err
	}
	if b.moving() {
		if err := d.bringMembers(ctx, b, all); err != nil {
			return Result{}, err
		}
	}
	return d.conclude(ctx, b, spec, desired, all, e, warnings)
}

// reconcile lets carryOut run the plan that leads one part of the stack to where
// it should be; again, when the portal changed meanwhile. It returns warnings.
func (d *Deployer) reconcile(ctx context.Context, b *begun, desired *stack.Stack, carryOut func(stack.Plan) error) ([]string, error) {
	var warnings []string
	for attempt := 1; ; attempt++ {
		plan, err := d.Engine.Reconcile(desired, b.observed)
		if err != nil {
			return nil, fmt.Errorf("planning portal %q: %w", desired.Portal, err)
		}
		warnings = append(warnings, plan.Warnings...)
		if err = carryOut(plan); err == nil {
			return warnings, nil
		}
		if !errors.Is(err, engine.ErrConflict) || attempt == attempts {
			return nil, err
		}
		if b.observed, err = d.Engine.Observe(ctx, desired.Portal); err != nil {
			return nil, err
		}
	}
}

// carryOut runs one plan. What can fail without a trace comes first: ports
// that are taken, images that cannot be had. Then the drive, then containers.
func (d *Deployer) carryOut(ctx context.Context, b *begun, spec stack.Spec, desired *stack.Stack, given map[string]string, all parts, e *entrance, plan stack.Plan) error {
	if err := d.Engine.Check(ctx, desired, b.observed); err != nil {
		return err
	}
	if err := d.execute(ctx, desired, plan.Images()); err != nil {
		return err
	}
	if b.moving() {
		if err := d.pullMembers(ctx, all); err != nil {
			return err
		}
	}
	if err := d.prepare(ctx, b, spec, desired, given); err != nil {
		return err
	}
	if err := d.prepareIngress(ctx, b, e); err != nil {
		return err
	}
	if err := d.vacate(ctx, b); err != nil {
		return err
	}
	return d.execute(ctx, desired, plan.WithoutImages())
}

// prepare writes what containers mount. A portal that is not complete is
// marked as such before anything else exists of it, and so is one that moves.
func (d *Deployer) prepare(ctx context.Context, b *begun, spec stack.Spec, desired *stack.Stack, given map[string]string) error {
	if err := d.markBegun(ctx, b, spec); err != nil {
		return err
	}
	if err := b.files.Prepare(ctx, desired); err != nil {
		return err
	}
	return b.writeGiven(ctx, desired, given)
}

// markBegun writes down that a portal is in the making, or where it moves to and
// where it comes from.
func (d *Deployer) markBegun(ctx context.Context, b *begun, spec stack.Spec) error {
	m := b.manifest
	switch {
	case m.Status != storage.Complete:
		m = d.newManifest(b, spec, storage.Incomplete)
	case !b.moving():
		return nil
	}
	m.Host, m.Leaving = b.observed.Host, b.leaving()
	return b.files.SaveManifest(ctx, m)
}

// conclude observes what runs now, tells the load balancer, writes down what was
// done, and removes files that no container mounts any more.
func (d *Deployer) conclude(ctx context.Context, b *begun, spec stack.Spec, desired *stack.Stack, all parts, e *entrance, warnings []string) (Result, error) {
	observed, err := d.Engine.Observe(ctx, spec.Name)
	if err != nil {
		return Result{}, err
	}
	b.observed = observed
	hosts := ingress.Hostnames(all.stacks()...)
	certificates, missing, err := d.openEntrance(ctx, b, e, hosts)
	if err != nil {
		return Result{}, err
	}
	if err := b.savePart(ctx, part{Stack: desired}); err != nil {
		return Result{}, err
	}
	unreached, err := d.moveToGateway(ctx, b, spec, hosts)
	if err != nil {
		return Result{}, err
	}
	if err := d.clearElsewhere(ctx, observed); err != nil {
		return Result{}, err
	}
	observed.Elsewhere = nil
	if b.moving() { // the schedules of its members came along
		if err := d.Engine.SyncSchedulers(ctx); err != nil {
			return Result{}, err
		}
	}
	m := d.newManifest(b, spec, storage.Complete)
	m.Services = stack.SummarizeObserved(observed.Of(""))
	if err := b.files.SaveManifest(ctx, m); err != nil {
		return Result{}, err
	}
	if err := b.prune(ctx, all); err != nil {
		return Result{}, err
	}
	if err := b.removeGiven(ctx, desired); err != nil {
		return Result{}, err
	}
	result := d.resultOf(observed)
	result.Certificates = certificates
	if spec.Gateway != "" {
		if result.Addresses, err = d.GatewayAddresses(ctx, spec.Gateway); err != nil {
			return Result{}, err
		}
	}
	result.Warnings = slices.Concat(warnings, missing, unreached, differences(desired, result.Services))
	return result, nil
}

// differences tells of services that all operations succeeded for and that are
// not as desired all the same: one without a health check that ended at once,
// or one that somebody changed meanwhile.
func differences(desired *stack.Stack, services map[string]stack.Summary) []string {
	var out []string
	want := stack.Summarize(desired)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got, ok := services[name]; !ok {
			out = append(out, fmt.Sprintf("%s was started and is gone already.", name))
		} else if got != want[name] {
			out = append(out, fmt.Sprintf("%s was started and is not well: %s. Look at its log; the next plan shows it as drift.", name, got.Status))
		}
	}
	return out
}

func (d *Deployer) newManifest(b *begun, spec stack.Spec, status storage.Status) storage.Manifest {
	return storage.Manifest{
		Status: status, Spec: spec, Services: b.manifest.Services, Provider: d.Version,
		Host: b.observed.Host, StorageID: b.storageID, Created: b.manifest.Created,
	}
}

func (d *Deployer) execute(ctx context.Context, desired *stack.Stack, plan stack.Plan) error {
	return d.executeOn(ctx, d.Engine, desired, plan)
}

func (d *Deployer) executeOn(ctx context.Context, on engine.Engine, desired *stack.Stack, plan stack.Plan) error {
	return engine.Execute(ctx, on, desired, plan, func(op *stack.Operation) {
		d.progress(ctx, fmt.Sprintf("portal %s: %s (%s)", desired.Portal, op.ID, op.Cause))
	})
}

func (d *Deployer) progress(ctx context.Context, line string) {
	if d.Progress != nil {
		d.Progress(ctx, line)
	}
}

// remains tells what runs after a failure, as far as that can be known.
func (d *Deployer) remains(ctx context.Context, portal string) Result {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	observed, err := d.Engine.Observe(ctx, portal)
	if err != nil {
		return Result{}
	}
	return d.resultOf(observed)
}

func (d *Deployer) resultOf(o stack.Observed) Result {
	host := o.Host
	if len(o.Containers) == 0 {
		host = "" // it is only to be there
	}
	return Result{
		Host: host, Addresses: d.addresses(host),
		Services: stack.SummarizeObserved(o.Of("")), HTTPPort: stack.HTTPPort(o),
	}
}
