// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// create makes the container of op. A container of the same portal, service,
// number and digest that holds the name already is taken as it is: an earlier
// attempt made it.
func (t *task) create(ctx context.Context) error {
	s := t.service()
	if s == nil {
		return t.fail("create", fmt.Errorf("the stack has no service %q", t.op.Service))
	}
	number := max(t.op.Number, 1)
	body := bodyOf(t.stack, s, number, t.engine.options.Version, t.api.ClientVersion())
	var err error
	if body.host.Sysctls, err = t.sysctls(ctx, s.Sysctls); err != nil {
		return t.fail("create", err)
	}
	if err := t.leased(ctx, s, &body); err != nil {
		return t.fail("create", err)
	}

	adopted := false
	err = pool.Retry(ctx, func() error {
		_, err := t.api.ContainerCreate(ctx, body.config, body.host, body.network, nil, t.op.Container)
		if !cerrdefs.IsConflict(err) {
			return err
		}
		adopted, err = t.adopt(ctx, stack.Digest(s), number)
		return err
	})
	if err != nil {
		return t.createError(err)
	}
	if adopted {
		body.rest, err = t.missingNetworks(ctx, s)
		if err != nil {
			return t.fail("inspect", err)
		}
	}
	for _, n := range body.rest {
		if err := t.attach(ctx, n, s); err != nil {
			return t.fail("connect to network "+n, err)
		}
	}
	return nil
}

// errVanishing is a conflict with a container that cannot be seen: one that is
// being made by an earlier attempt, or being removed.
var errVanishing = fmt.Errorf("the name is held by a container that is being made or removed: %w", cerrdefs.ErrUnavailable)

// adopt looks who holds the name, and accepts what an earlier attempt made.
func (t *task) adopt(ctx context.Context, digest string, number int) (bool, error) {
	r, err := inspect(ctx, t.api, t.op.Container)
	switch {
	case cerrdefs.IsNotFound(err):
		return false, errVanishing
	case err != nil:
		return false, err
	}
	l := r.Config.Labels
	switch {
	case l[pool.LabelPortal] != t.stack.Portal:
		return false, &holderError{held("container", t.op.Container, r.ID, fmt.Sprintf("made from image %s, which is not part of the portal", r.Config.Image)), r.ID}
	case l[pool.LabelService] == t.op.Service && l[pool.LabelNumber] == strconv.Itoa(number) && l[pool.LabelDigest] == digest:
		return true, nil
	}
	return false, fmt.Errorf("%w: container %s, for service %q in another configuration, holds the name", engine.ErrConflict, shortID(r.ID), l[pool.LabelService])
}

// holderError tells that a name is taken.
type holderError struct {
	error
	id string
}

// createError adds what to do about a name that is taken.
func (t *task) createError(err error) error {
	var h *holderError
	if errors.As(err, &h) {
		return t.failWith("create", fmt.Sprintf("Rename or remove that container, for example with \"docker rename %s %s-old\", and apply again.", shortID(h.id), t.op.Container), h.error)
	}
	return t.fail("create", err)
}

// missingNetworks lists the networks of s that its container, made by an
// attempt that was cut short, is not attached to.
func (t *task) missingNetworks(ctx context.Context, s *stack.Service) ([]string, error) {
	r, err := inspect(ctx, t.api, t.op.Container)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(NetworkNames(s), func(n string) bool {
		return attached(r, n)
	}), nil
}

func attached(r container.InspectResponse, networkName string) bool {
	return slices.Contains(attachedNetworks(r.NetworkSettings), networkName)
}
