// SPDX-License-Identifier: MPL-2.0

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"
)

// Load copies images from an engine to the lab's hosts; from may be this
// machine's own. A host that has an image already gets none.
func (l *Lab) Load(ctx context.Context, from *client.Client, references ...string) error {
	var g errgroup.Group
	for _, h := range l.Hosts {
		g.Go(func() error { return h.Load(ctx, from, references...) })
	}
	return g.Wait()
}

// Load copies images from an engine to this host.
func (h *Host) Load(ctx context.Context, from *client.Client, references ...string) error {
	missing, err := h.missing(ctx, from, references)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	saved, err := from.ImageSave(ctx, missing)
	if err != nil {
		return fmt.Errorf("save images: %w", err)
	}
	defer saved.Close()
	loaded, err := h.docker.ImageLoad(ctx, saved, client.ImageLoadWithQuiet(true))
	if err != nil {
		return fmt.Errorf("load images on host %s: %w", h.Name, err)
	}
	defer loaded.Body.Close()
	if err := follow(loaded.Body); err != nil {
		return fmt.Errorf("load images on host %s: %w", h.Name, err)
	}
	return nil
}

// missing are the images that this host does not have, or has another one by
// that name.
func (h *Host) missing(ctx context.Context, from *client.Client, references []string) ([]string, error) {
	var missing []string
	for _, r := range references {
		wanted, err := from.ImageInspect(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("look at image %s: %w", r, err)
		}
		if had, err := h.docker.ImageInspect(ctx, r); err != nil || had.ID != wanted.ID {
			missing = append(missing, r)
		}
	}
	return missing, nil
}

// Push copies an image from an engine into the lab's registry, through the
// first host, and returns its reference there. No host has it by that.
func (l *Lab) Push(ctx context.Context, from *client.Client, ref string) (pushed string, err error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", fmt.Errorf("image %q: %w", ref, err)
	}
	tagged, ok := reference.TagNameOnly(named).(reference.Tagged)
	if !ok {
		return "", fmt.Errorf("image %q: give it by a tag", ref)
	}
	h := l.Hosts[0]
	if err := h.Load(ctx, from, ref); err != nil {
		return "", err
	}
	pushed = fmt.Sprintf("%s/%s:%s", l.Registry.Address, reference.Path(named), tagged.Tag())
	if err := h.docker.ImageTag(ctx, ref, pushed); err != nil {
		return "", fmt.Errorf("tag an image on host %s: %w", h.Name, err)
	}
	auth, err := registry.EncodeAuthConfig(registry.AuthConfig{
		Username: l.Registry.Username, Password: l.Registry.Password, ServerAddress: l.Registry.Address,
	})
	if err != nil {
		return "", err
	}
	answer, err := h.docker.ImagePush(ctx, pushed, image.PushOptions{RegistryAuth: auth})
	if err != nil {
		return "", fmt.Errorf("push %s: %w", pushed, err)
	}
	defer answer.Close()
	if err := follow(answer); err != nil {
		return "", fmt.Errorf("push %s: %w", pushed, err)
	}
	if _, err := h.docker.ImageRemove(ctx, pushed, image.RemoveOptions{}); err != nil {
		return "", fmt.Errorf("untag an image on host %s: %w", h.Name, err)
	}
	return pushed, nil
}

// follow reads an engine's report of what it does to its end.
func follow(report io.Reader) error {
	lines := json.NewDecoder(report)
	for {
		var line struct {
			Error string `json:"error"`
		}
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case line.Error != "":
			return errors.New(line.Error)
		}
	}
}
