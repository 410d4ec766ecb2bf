// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
	"github.com/privateportals/terraform-provider-portal/internal/pool"
	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// ensureImage pulls op.Target unless the host has it. Callers of one image on
// one host share the pull.
func (e *Engine) ensureImage(ctx context.Context, h *pool.Host, c *client.Client, op *stack.Operation, portal string) error {
	about := engine.Error{Portal: portal, Service: op.Service}
	ch := e.pulls.DoChan(h.Name+" "+op.Target, func() (any, error) {
		return nil, e.pullIfAbsent(ctx, h, c, op.Target)
	})
	select {
	case <-ctx.Done():
		return fail(h, "get image "+op.Target, about, ctx.Err())
	case r := <-ch:
		if r.Err == nil {
			return nil
		}
		if ctx.Err() == nil && errors.Is(r.Err, context.Canceled) {
			// Another caller, who gave up, had started the shared pull.
			return e.ensureImage(ctx, h, c, op, portal)
		}
		about.Remedy = pullRemedy(h, op.Target, r.Err)
		return fail(h, "get image "+op.Target, about, r.Err)
	}
}

// imageID is the id of the image that ref names on the host, empty when it
// names none.
func imageID(ctx context.Context, c *client.Client, ref string) (string, error) {
	var r image.InspectResponse
	err := pool.Retry(ctx, func() (err error) {
		r, err = c.ImageInspect(ctx, ref)
		return err
	})
	if cerrdefs.IsNotFound(err) {
		return "", nil
	}
	return r.ID, err
}

// pullIfAbsent pulls an image unless the host has it.
func (e *Engine) pullIfAbsent(ctx context.Context, h *pool.Host, c *client.Client, ref string) error {
	id, err := imageID(ctx, c, ref)
	if err != nil || id != "" {
		return err
	}
	auth, err := e.pool.RegistryAuth(ref)
	if err != nil {
		return err
	}
	defer h.Changed() // a list tells that a tag moved
	return pool.Retry(ctx, func() error { return pull(ctx, c, ref, auth) })
}

// pull pulls an image and reads the progress to its end, where a failure may
// be told.
func pull(ctx context.Context, c *client.Client, ref, auth string) error {
	body, err := c.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: auth})
	if err != nil {
		return err
	}
	defer body.Close()
	return readProgress(body)
}

// readProgress reads Docker's JSON messages until the end or a failure.
func readProgress(r io.Reader) error {
	dec := json.NewDecoder(r)
	for {
		var m jsonmessage.JSONMessage
		err := dec.Decode(&m)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("the pull broke off: %w", err)
		case m.Error != nil:
			return errors.New(m.Error.Message)
		}
	}
}

// pullRemedy says what to do about a pull that failed, by the reason's text:
// daemons pass on what the registry said.
func pullRemedy(h *pool.Host, ref string, err error) string {
	registry := registryOf(ref)
	text := strings.ToLower(err.Error())
	byHand := fmt.Sprintf("load or build the image %s on host %q beforehand", ref, h.Name)
	switch {
	case containsAny(text, "unauthorized", "authentication required", "denied", "no basic auth credentials"):
		return fmt.Sprintf("The registry %s refused the pull. Check the image's name, and the provider's registries[%q] (or docker login where Terraform runs); or %s.", registry, registry, byHand)
	case containsAny(text, "not found", "manifest unknown", "name unknown"):
		return fmt.Sprintf("The registry %s does not have %s. Check its name and tag; or %s.", registry, ref, byHand)
	case containsAny(text, "no such host", "connection refused", "no route", "network is unreachable", "timeout", "deadline exceeded", "canceled while waiting", "dial tcp", "proxyconnect", "x509", "server gave http response"):
		return fmt.Sprintf("Host %q cannot reach the registry %s. Check its network, DNS and proxy; or %s.", h.Name, registry, byHand)
	}
	return ""
}

// registryOf is the host of an image's registry. The blueprint has checked the
// reference.
func registryOf(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "of " + ref
	}
	return reference.Domain(named)
}

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
