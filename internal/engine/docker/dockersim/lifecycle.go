// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
)

// Exit codes of containers that were told to end.
const (
	terminated = 143 // by SIGTERM
	killed     = 137
)

func (h *Host) startContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	return h.locked(r, func(c *simContainer) (int, error) {
		switch {
		case c.paused:
			return 0, refuse(http.StatusConflict, "cannot start a paused container, try unpause instead")
		case c.running:
			return http.StatusNotModified, nil
		}
		return http.StatusNoContent, h.start(c)
	})
}

// start lets a container run. The caller holds the lock.
func (h *Host) start(c *simContainer) error {
	if err := h.join(c); err != nil {
		return h.notStarted(c, err)
	}
	if err := h.publishPorts(c); err != nil {
		h.leave(c)
		return h.notStarted(c, err)
	}
	h.nextPID++
	c.running, c.everRan, c.pid, c.exitCode, c.err = true, true, h.nextPID, 0, ""
	c.started, c.stopped = time.Now(), make(chan struct{})
	c.changed()
	h.publish(c, "start", nil)
	if h.health(c) != nil {
		h.publish(c, "health_status: healthy", nil)
	}
	if program := h.options.Program(processOf(c)); program != nil {
		h.execute(c, program)
	}
	return nil
}

// notStarted notes why a container could not be started.
func (h *Host) notStarted(c *simContainer, err error) error {
	c.err, c.exitCode = err.Error(), 128
	c.changed()
	return err
}

// execute runs a container's program beside all else.
func (h *Host) execute(c *simContainer, program Program) {
	ctx, cancel := context.WithCancel(h.ended)
	c.program = &run{cancel, make(chan struct{})}
	mine, attached := c.program, c.attached
	c.attached = nil
	go func() {
		defer close(mine.ended)
		defer cancel()
		code := program(ctx, attached.streams())
		attached.close()
		h.mu.Lock()
		defer h.mu.Unlock()
		if c.program == mine && c.running {
			h.stop(c, code)
		}
	}()
}

// stop notes that a container ended. The caller holds the lock.
func (h *Host) stop(c *simContainer, code int) {
	h.leave(c)
	c.running, c.paused, c.pid, c.exitCode, c.ended = false, false, 0, code, time.Now()
	if c.program != nil {
		c.program.cancel()
		c.program = nil
	}
	close(c.stopped)
	c.changed()
	h.publish(c, "die", nil)
	if c.host.AutoRemove {
		h.forget(c)
	}
}

func (h *Host) stopContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	return h.locked(r, func(c *simContainer) (int, error) {
		if !c.running {
			return http.StatusNotModified, nil
		}
		h.stop(c, terminated)
		h.publish(c, "stop", nil)
		return http.StatusNoContent, nil
	})
}

func (h *Host) killContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	return h.locked(r, func(c *simContainer) (int, error) {
		if !c.running {
			return 0, refuse(http.StatusConflict, "Cannot kill container: %s: Container %s is not running", r.PathValue("id"), c.id)
		}
		h.stop(c, killed)
		return http.StatusNoContent, nil
	})
}

func (h *Host) restartContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	return h.locked(r, func(c *simContainer) (int, error) {
		if c.running {
			h.stop(c, terminated)
		}
		if err := h.start(c); err != nil {
			return 0, refuse(http.StatusInternalServerError, "Cannot restart container %s: %v", r.PathValue("id"), err)
		}
		h.publish(c, "restart", nil)
		return http.StatusNoContent, nil
	})
}

func (h *Host) pauseContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	return h.locked(r, func(c *simContainer) (int, error) {
		switch {
		case !c.running:
			return 0, refuse(http.StatusConflict, "Container %s is not running", c.id)
		case c.paused:
			return 0, refuse(http.StatusConflict, "Container %s is already paused", c.id)
		}
		c.paused = true
		c.changed()
		h.publish(c, "pause", nil)
		return http.StatusNoContent, nil
	})
}

func (h *Host) unpauseContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	return h.locked(r, func(c *simContainer) (int, error) {
		if !c.paused {
			return 0, refuse(http.StatusInternalServerError, "Container %s is not paused", c.id)
		}
		c.paused = false
		c.changed()
		h.publish(c, "unpause", nil)
		return http.StatusNoContent, nil
	})
}

func (h *Host) removeContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	return h.locked(r, func(c *simContainer) (int, error) {
		force := flag(r, "force")
		switch {
		case c.paused && !force:
			return 0, refuse(http.StatusConflict, "You cannot remove a paused container %s. Unpause and then stop the container before attempting removal or force remove", c.id)
		case c.running && !force:
			return 0, refuse(http.StatusConflict, "You cannot remove a running container %s. Stop the container before attempting removal or force remove", c.id)
		case c.running:
			h.stop(c, killed)
		}
		h.forget(c)
		return http.StatusNoContent, nil
	})
}

// forget removes a container that does not run, if it is still there.
func (h *Host) forget(c *simContainer) {
	if h.containers[c.id] == nil {
		return
	}
	delete(h.containers, c.id)
	delete(h.names, c.name)
	c.attached.close()
	h.publish(c, "destroy", nil)
}

func (h *Host) renameContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	return h.locked(r, func(c *simContainer) (int, error) {
		name := strings.TrimPrefix(r.URL.Query().Get("name"), "/")
		switch holder := h.names[name]; {
		case name == "":
			return 0, refuse(http.StatusBadRequest, "Neither old nor new names may be empty")
		case holder == c:
			return 0, refuse(http.StatusBadRequest, "Renaming a container with the same name as its current name")
		case holder != nil:
			return 0, nameTaken(name, holder)
		case !containerName.MatchString(name):
			return 0, refuse(http.StatusBadRequest, "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name)
		}
		old := c.name
		delete(h.names, old)
		c.name = name
		h.names[name] = c
		c.changed()
		h.publish(c, "rename", map[string]string{"oldName": "/" + old})
		return http.StatusNoContent, nil
	})
}

func (h *Host) updateContainer(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	var update container.UpdateConfig
	if err := decode(r, &update); err != nil {
		return 0, nil, err
	}
	status, _, err := h.locked(r, func(c *simContainer) (int, error) {
		if err := updateLimits(&c.host.Resources, update.Resources); err != nil {
			return 0, refuse(http.StatusConflict, "Cannot update container %s: %v", c.id, err)
		}
		if update.RestartPolicy.Name != "" {
			c.host.RestartPolicy = update.RestartPolicy
		}
		h.publish(c, "update", nil)
		return http.StatusOK, nil
	})
	return status, container.UpdateResponse{Warnings: []string{}}, err
}

// updateLimits takes over the limits that are given; zero leaves one as it is.
func updateLimits(is *container.Resources, u container.Resources) error {
	memory := is.MemorySwap
	if u.MemorySwap != 0 {
		memory = u.MemorySwap
	}
	switch {
	case u.NanoCPUs > 0 && (is.CPUQuota > 0 || is.CPUPeriod > 0):
		return errors.New("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set") //nolint:staticcheck // as the engine says it
	case u.CPUQuota > 0 && is.NanoCPUs > 0:
		return errors.New("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set") //nolint:staticcheck // as the engine says it
	case u.Memory > 0 && memory > 0 && u.Memory > memory:
		return errors.New("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time") //nolint:staticcheck // as the engine says it
	}
	for _, limit := range []struct{ is, to *int64 }{
		{&is.Memory, &u.Memory},
		{&is.MemorySwap, &u.MemorySwap},
		{&is.MemoryReservation, &u.MemoryReservation},
		{&is.NanoCPUs, &u.NanoCPUs},
		{&is.CPUQuota, &u.CPUQuota},
		{&is.CPUPeriod, &u.CPUPeriod},
	} {
		if *limit.to != 0 {
			*limit.is = *limit.to
		}
	}
	if u.PidsLimit != nil {
		is.PidsLimit = u.PidsLimit
	}
	return nil
}

func (h *Host) waitContainer(w http.ResponseWriter, r *http.Request) (int, any, error) {
	h.mu.RLock()
	c, err := h.find(r.PathValue("id"))
	var stopped chan struct{}
	if err == nil && c.running {
		stopped = c.stopped
	}
	h.mu.RUnlock()
	if err != nil {
		return 0, nil, err
	}
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	if stopped != nil {
		select {
		case <-stopped:
		case <-r.Context().Done():
			return 0, nil, nil
		}
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	return http.StatusOK, container.WaitResponse{StatusCode: int64(c.exitCode)}, nil
}
