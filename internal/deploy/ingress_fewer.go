// SPDX-License-Identifier: MPL-2.0

package deploy

import (
	"context"
	"maps"
)

// entranceTo is entranceOf the parts of afterwards, for a load balancer that runs
// with those of before.
func entranceTo(before, after parts, given map[string]string) (*entrance, error) {
	e, err := entranceOf(after, given)
	if err != nil || e == nil {
		return nil, err
	}
	if kept, some := before.keeping(after); some {
		former, err := entranceOf(kept, nil)
		if err != nil || former == nil {
			return e, err
		}
		e.fewer = former.config
	}
	return e, nil
}

// spare lets the running load balancer send nobody to replicas that are about to
// go. It would try another one for requests that they refuse, but those that wait
// for that fail when the routes of afterwards are loaded.
func (d *Deployer) spare(ctx context.Context, b *begun, e *entrance) error {
	if e == nil || e.fewer == nil || len(runningOf(b.observed, e.ingress.Service)) == 0 {
		return nil
	}
	if err := d.tellIngress(ctx, b, e.ingress, e.fewer); err != nil {
		return err
	}
	return b.files.WriteIngress(ctx, map[string][]byte{e.ingress.File: e.fewer})
}

// keeping are the parts as they are, without the replicas of routed services that
// others have not. It is false when all stay.
func (p parts) keeping(others parts) (parts, bool) {
	out, some := maps.Clone(p), false
	for owner, own := range p {
		next, ok := others[owner]
		if !ok {
			continue
		}
		st := *own.Stack
		st.Services = maps.Clone(st.Services)
		for name, s := range st.Services {
			replicas := 0
			if n := next.Stack.Services[name]; n != nil {
				replicas = n.Replicas
			}
			if len(s.Routes) > 0 && replicas < s.Replicas {
				kept := *s
				kept.Replicas, some = replicas, true
				st.Services[name] = &kept
			}
		}
		own.Stack = &st
		out[owner] = own
	}
	return out, some
}
