// SPDX-License-Identifier: MPL-2.0

package pool

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/system"
	"golang.org/x/sync/errgroup"
)

// Facts are what a host tells of itself.
type Facts struct {
	EngineVersion string // "20.10.24"
	APIVersion    string // the newest that it speaks: "1.41"
	KernelVersion string
	OS            string // "Debian GNU/Linux 12 (bookworm)"
	Arch          string // in Go's terms: "amd64"
	CPUs          int
	Memory        int64 // bytes
	// MemoryReserved is what services of portals reserve, in bytes.
	MemoryReserved int64
	// Containers in all, and those that run, whosever they are.
	Containers, Running int
	// List of the containers, shared as that of Host.List.
	List []Container
}

// Facts asks the host, which has as long to answer as for a probe.
func (h *Host) Facts(ctx context.Context) (Facts, error) {
	bounded, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	f, err := h.facts(bounded)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = &UnreachableError{h.Name, h.Endpoint, fmt.Errorf("no answer within %s", probeTimeout)}
	}
	return f, err
}

func (h *Host) facts(ctx context.Context) (Facts, error) {
	c, err := h.Client(ctx)
	if err != nil {
		return Facts{}, err
	}
	var info system.Info
	var version types.Version
	var list []Container
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		info, err = c.Info(ctx)
		return err
	})
	g.Go(func() (err error) {
		version, err = c.ServerVersion(ctx)
		return err
	})
	g.Go(func() (err error) {
		list, err = h.List(ctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return Facts{}, err
	}
	return Facts{
		EngineVersion: version.Version, APIVersion: version.APIVersion, KernelVersion: version.KernelVersion,
		OS: info.OperatingSystem, Arch: version.Arch,
		CPUs: info.NCPU, Memory: info.MemTotal, MemoryReserved: reserved(list),
		Containers: info.Containers, Running: info.ContainersRunning, List: list,
	}, nil
}
