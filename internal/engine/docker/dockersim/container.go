// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// simContainer is one container. The host's lock guards it.
type simContainer struct {
	id, name string
	created  time.Time
	image    string // the image's id
	config   *container.Config
	host     *container.HostConfig
	mounts   []container.MountPoint
	networks map[string]*network.EndpointSettings // by name
	ports    nat.PortMap                          // while it runs

	running, paused bool
	everRan         bool
	pid, exitCode   int
	err             string
	started, ended  time.Time
	program         *run          // nil when nothing runs, or nothing that ends
	stopped         chan struct{} // closed when it ends; nil before the first start
	attached        *attachment   // of the next start; nil without
	log             []string

	// summary is what a list says of it; nil when something changed since.
	summary json.RawMessage
}

// run is a program under way.
type run struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// attachment is a client's end of the standard streams.
type attachment struct {
	in   io.Reader
	conn io.WriteCloser
}

// status is the state in Docker's word.
func (c *simContainer) status() container.ContainerState {
	switch {
	case c.paused:
		return container.StatePaused
	case c.running:
		return container.StateRunning
	case !c.everRan:
		return container.StateCreated
	}
	return container.StateExited
}

// changed says that a list would tell something else now.
func (c *simContainer) changed() { c.summary = nil }

// find returns the container by id, by the beginning of it, or by name. The
// caller holds the lock.
func (h *Host) find(ref string) (*simContainer, error) {
	if c := h.containers[ref]; c != nil {
		return c, nil
	}
	if c := h.names[strings.TrimPrefix(ref, "/")]; c != nil {
		return c, nil
	}
	if len(ref) >= 4 {
		for id, c := range h.containers {
			if strings.HasPrefix(id, ref) {
				return c, nil
			}
		}
	}
	return nil, refuse(http.StatusNotFound, "No such container: %s", ref)
}

// locked finds the container of a request and works on it with the lock held.
func (h *Host) locked(r *http.Request, work func(*simContainer) (int, error)) (int, any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, err := h.find(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	status, err := work(c)
	return status, nil, err
}
