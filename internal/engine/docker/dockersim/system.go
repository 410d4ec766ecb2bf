// SPDX-License-Identifier: MPL-2.0

package dockersim

import (
	"io"
	"net/http"
	"runtime"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/system"
)

// What the simulated engine calls itself.
const (
	apiVersion    = "1.41"
	engineVersion = "20.10.24"
	kernelVersion = "6.1.0"
)

func (h *Host) ping(w http.ResponseWriter, r *http.Request) (int, any, error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, "OK")
	}
	return 0, nil, nil
}

func (h *Host) version(http.ResponseWriter, *http.Request) (int, any, error) {
	return http.StatusOK, types.Version{
		Version: engineVersion, APIVersion: apiVersion, MinAPIVersion: "1.12",
		Os: "linux", Arch: runtime.GOARCH, KernelVersion: kernelVersion,
	}, nil
}

func (h *Host) info(http.ResponseWriter, *http.Request) (int, any, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	i := system.Info{
		Name: h.options.Name, OSType: "linux", OperatingSystem: "dockersim",
		Architecture: "x86_64", NCPU: runtime.NumCPU(), MemTotal: h.options.Memory,
		ServerVersion: engineVersion, KernelVersion: kernelVersion,
		Containers: len(h.containers), Images: len(h.images), Driver: "overlay2",
	}
	for _, c := range h.containers {
		switch c.status() {
		case container.StateRunning:
			i.ContainersRunning++
		case container.StatePaused:
			i.ContainersPaused++
		default:
			i.ContainersStopped++
		}
	}
	return http.StatusOK, i, nil
}
