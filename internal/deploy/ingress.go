// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/ingress"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// renderIngress makes the load balancer's configuration from the routes of all
// parts. It is nil without a load balancer.
func renderIngress(p parts) ([]byte, error) {
	own, ok := p[""]
	if !ok || own.Stack.Ingress == nil {
		return nil, nil
	}
	routes, err := ingress.Routes(p.stacks()...)
	if err != nil {
		return nil, err
	}
	return ingress.Render(own.Stack.Ingress.Format, routes)
}

// writeIngress puts the load balancer's configuration on the drive.
func (b *begun) writeIngress(ctx context.Context, p parts) error {
	config, err := renderIngress(p)
	if err != nil || config == nil {
		return err
	}
	return b.files.WriteIngress(ctx, config)
}

// loadIngress lets the running load balancers load the configuration. They
// refuse one that they cannot use, and go on with the former.
func (d *Deployer) loadIngress(ctx context.Context, p parts, observed stack.Observed) error {
	config, err := renderIngress(p)
	if err != nil || config == nil {
		return err
	}
	in := p[""].Stack.Ingress
	var errs []error
	for _, c := range observed.Of("").Containers {
		if c.Service != in.Service || c.State != stack.Running {
			continue // it loads the configuration when it starts
		}
		if _, err := d.Engine.Exec(ctx, observed.Portal, c.Name, in.Reload, config); err != nil {
			errs = append(errs, ingressError(observed.Portal, err))
		}
	}
	return errors.Join(errs...)
}

func ingressError(portal string, err error) error {
	var e *engine.Error
	if errors.As(err, &e) && e.Remedy == "" {
		e.Remedy = fmt.Sprintf("The load balancer of portal %q goes on with its former routes. Apply again; if that does not help, `docker restart` the container.", portal)
	}
	return fmt.Errorf("loading the routes: %w", err)
}
