// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
)

var containerName = regexp.MustCompile(`^/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

func (h *Host) createContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	var req container.CreateRequest
	if err := decode(r, &req); err != nil {
		return 0, nil, err
	}
	if req.Config == nil {
		return 0, nil, refuse(http.StatusBadRequest, "config cannot be empty in order to create a container")
	}
	if req.HostConfig == nil {
		req.HostConfig = &container.HostConfig{}
	}
	name := strings.TrimPrefix(r.URL.Query().Get("name"), "/")
	if name != "" && !containerName.MatchString(name) {
		return 0, nil, refuse(http.StatusBadRequest, "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name)
	}
	mounts, err := mountPoints(req.HostConfig)
	if err != nil {
		return 0, nil, err
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	image := h.imageNamed(req.Image)
	if image == nil {
		return 0, nil, refuse(http.StatusNotFound, "No such image: %s", withTag(req.Image))
	}
	c := &simContainer{
		id: newID(), name: name, created: time.Now(), image: image.id,
		config: req.Config, host: req.HostConfig, mounts: mounts,
	}
	if c.name == "" {
		c.name = "sim_" + c.id[:12]
	}
	if holder := h.names[c.name]; holder != nil {
		return 0, nil, nameTaken(c.name, holder)
	}
	c.complete(image)
	if err := c.attach(req.NetworkingConfig); err != nil {
		return 0, nil, err
	}
	h.containers[c.id], h.names[c.name] = c, c
	h.publish(c, "create", nil)
	return http.StatusCreated, container.CreateResponse{ID: c.id, Warnings: []string{}}, nil
}

func nameTaken(name string, holder *simContainer) error {
	return refuse(http.StatusConflict, "Conflict. The container name \"/%s\" is already in use by container \"%s\". You have to remove (or rename) that container to be able to reuse that name.", name, holder.id)
}

// complete fills in what follows from the image and from Docker's defaults.
func (c *simContainer) complete(image *simImage) {
	if c.config.Cmd == nil && c.config.Entrypoint == nil {
		c.config.Cmd = image.command
	}
	labels := maps.Clone(image.labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, c.config.Labels)
	c.config.Labels = labels
	if c.config.Hostname == "" {
		c.config.Hostname = c.id[:12]
	}
	if c.host.NetworkMode == "" {
		c.host.NetworkMode = network.NetworkDefault
	}
	if c.host.LogConfig.Type == "" {
		c.host.LogConfig.Type = "json-file"
	}
	if c.host.ShmSize == 0 {
		c.host.ShmSize = 64 << 20
	}
}

// attach notes the networks that the container is made for.
func (c *simContainer) attach(n *network.NetworkingConfig) error {
	c.networks = map[string]*network.EndpointSettings{}
	if n != nil {
		if len(n.EndpointsConfig) > 1 {
			names := slices.Sorted(maps.Keys(n.EndpointsConfig))
			return refuse(http.StatusBadRequest, "Container cannot be connected to network endpoints: %s", strings.Join(names, ", "))
		}
		for name, e := range n.EndpointsConfig {
			if e == nil {
				e = &network.EndpointSettings{}
			}
			c.networks[name] = e
		}
	}
	mode := c.host.NetworkMode
	switch {
	case mode.IsDefault():
		mode = network.NetworkBridge
	case mode.IsContainer():
		return nil
	}
	if c.networks[string(mode)] == nil {
		c.networks[string(mode)] = &network.EndpointSettings{}
	}
	return nil
}

// mountPoints are what the container has mounted. A directory of the host must
// be there, as with Docker.
func mountPoints(h *container.HostConfig) ([]container.MountPoint, error) {
	out := make([]container.MountPoint, 0, len(h.Mounts))
	for _, m := range h.Mounts {
		p := container.MountPoint{Type: m.Type, Source: m.Source, Destination: m.Target, RW: !m.ReadOnly}
		if m.Type == mount.TypeBind {
			p.Propagation = mount.PropagationRPrivate
			if _, err := os.Stat(m.Source); err != nil {
				return nil, refuse(http.StatusBadRequest, "invalid mount config for type \"bind\": bind source path does not exist: %s", m.Source)
			}
		}
		out = append(out, p)
	}
	return out, nil
}
