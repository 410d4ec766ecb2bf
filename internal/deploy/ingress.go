// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
	"github.com/privateportals/terraform-provider-portal/internal/storage"
)

// entrance is what a load balancer is to be told: its configuration, and the
// files that it names.
type entrance struct {
	ingress stack.Ingress
	config  []byte
	// fewer is the configuration to load before replicas go, nil when none do.
	fewer []byte
	files storage.IngressFiles
	// before are failures to get certificates that are known already.
	before map[string]certificateFailure
}

// entranceOf makes the load balancer's configuration from the routes of all
// parts. It is nil without a load balancer. Routes that clash are an error. given
// holds private keys by the names of their files; others are on the drive.
func entranceOf(p parts, given map[string]string) (*entrance, error) {
	own, ok := p[""]
	if !ok || own.Stack.Ingress == nil {
		return nil, nil
	}
	in := *own.Stack.Ingress
	routes, err := ingress.Routes(p.stacks()...)
	if err != nil {
		return nil, err
	}
	for i := range routes {
		routes[i].ByName = in.ByName
	}
	config, err := ingress.Render(in, routes)
	if err != nil {
		return nil, err
	}
	return &entrance{ingress: in, config: config, files: ingressFiles(in, in.Settings.TLS, given)}, nil
}

func ingressFiles(in stack.Ingress, t *stack.TLS, given map[string]string) storage.IngressFiles {
	public, private := ingress.Files(t)
	f := storage.IngressFiles{Public: public, Private: private, Contents: map[string][]byte{}, UID: in.UID, GID: in.GID}
	for _, name := range private {
		if content, ok := given[name]; ok {
			f.Contents[name] = []byte(content)
		}
	}
	return f
}

// prepareIngress puts on the drive what the load balancer needs to start. The
// configuration of one that runs is replaced when it has loaded the new one: it
// would start with that again, whatever becomes of it.
func (d *Deployer) prepareIngress(ctx context.Context, b *begun, e *entrance) error {
	if e == nil {
		return nil
	}
	if err := b.files.WriteIngressFiles(ctx, e.files); err != nil {
		return err
	}
	if running := runningOf(b.observed, e.ingress.Service); len(running) > 0 {
		if e.ingress.Settings.TLS.On() {
			e.before = d.certificateFailures(ctx, names(running))
		}
		return d.spare(ctx, b, e)
	}
	return b.files.WriteIngress(ctx, map[string][]byte{e.ingress.File: e.config})
}

// loadIngress lets the running load balancers load the configuration, and then
// keeps it. They refuse one that they cannot use, and go on with the former.
func (d *Deployer) loadIngress(ctx context.Context, b *begun, e *entrance) error {
	if e == nil {
		return nil
	}
	if err := d.tellIngress(ctx, b, e.ingress, e.config); err != nil {
		return err
	}
	if err := b.files.WriteIngress(ctx, map[string][]byte{e.ingress.File: e.config}); err != nil {
		return err
	}
	return b.files.PruneIngress(ctx, e.files, e.ingress.File)
}

// tellIngress lets the running load balancers load a configuration.
func (d *Deployer) tellIngress(ctx context.Context, b *begun, in stack.Ingress, config []byte) error {
	var errs []error
	for _, c := range runningOf(b.observed, in.Service) {
		if _, err := d.Engine.Exec(ctx, b.observed.Portal, c.Name, in.Reload, config); err != nil {
			errs = append(errs, ingressError(b.observed.Portal, err))
		}
	}
	return errors.Join(errs...)
}

// nameReplicas tells the load balancer of a stack how it reaches replicas.
func (d *Deployer) nameReplicas(desired *stack.Stack) {
	if desired.Ingress == nil {
		return
	}
	in := *desired.Ingress
	_, in.ByName = d.Engine.(engine.SelfPlacing)
	desired.Ingress = &in
}

// openEntrance lets the load balancer answer to the hosts, and tells which
// certificates it has for them, with warnings of those that are missing.
func (d *Deployer) openEntrance(ctx context.Context, b *begun, e *entrance, hosts []string) (map[string]Certificate, []string, error) {
	if e == nil {
		return nil, nil, nil
	}
	if !e.ingress.Settings.TLS.On() {
		return nil, nil, d.loadIngress(ctx, b, e)
	}
	found, err := d.certificates(ctx, b.observed.Portal, e.ingress, hosts)
	if err != nil {
		return nil, nil, err
	}
	// One that could not get them waits longer and longer until it asks again.
	if len(missingCertificates(found)) > 0 && len(e.before) > 0 && e.ingress.Retry != nil {
		e.ingress.Reload = e.ingress.Retry
	}
	if err := d.loadIngress(ctx, b, e); err != nil {
		return nil, nil, err
	}
	return d.awaitCertificates(ctx, awaited{
		portal: b.observed.Portal, ingress: e.ingress, hosts: hosts,
		containers: names(runningOf(b.observed, e.ingress.Service)), before: e.before,
	})
}

func names(containers []stack.Container) []string {
	out := make([]string, len(containers))
	for i, c := range containers {
		out[i] = c.Name
	}
	return out
}

// runningOf are the running containers of a service of the portal's own part.
func runningOf(o stack.Observed, service string) []stack.Container {
	var out []stack.Container
	for _, c := range o.Of("").Containers {
		if c.Service == service && c.State == stack.Running {
			out = append(out, c)
		}
	}
	return out
}

func ingressError(portal string, err error) error {
	var e *engine.Error
	if errors.As(err, &e) && e.Remedy == "" {
		e.Remedy = fmt.Sprintf("The load balancer of portal %q goes on with its former routes. Apply again; if that does not help, `docker restart` the container.", portal)
	}
	return fmt.Errorf("loading the routes: %w", err)
}
