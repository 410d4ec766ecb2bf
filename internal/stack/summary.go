// SPDX-License-Identifier: MPL-2.0

package stack

import (
	"fmt"
	"slices"
	"strings"
)

// Summary is what Terraform's state holds of one service or task. The
// summaries of a desired stack equal those of what was observed exactly when
// there is nothing to do.
type Summary struct {
	Image string `json:"image"`
	// Replicas is the number of containers.
	Replicas int `json:"replicas"`
	// Digest is Digest of the service.
	Digest string `json:"digest"`
	// Status is StatusRunning for a service and StatusReady for a task when
	// all is well, otherwise what is wrong, in words.
	Status string `json:"status"`
}

const (
	StatusRunning = "running"
	StatusReady   = "ready"
)

// Summarize gives the summaries that a desired stack will have once it runs.
// A service with no replicas has none.
func Summarize(desired *Stack) map[string]Summary {
	out := make(map[string]Summary, len(desired.Services))
	for name, s := range desired.Services {
		if s.Replicas == 0 {
			continue
		}
		status := StatusRunning
		if s.Task != nil {
			status = StatusReady
		}
		out[name] = Summary{Image: s.Image, Replicas: s.Replicas, Digest: Digest(s), Status: status}
	}
	return out
}

// SummarizeObserved gives the summaries of what runs, with every fault of a
// container named in the status of its service.
func SummarizeObserved(o Observed) map[string]Summary {
	out := map[string]Summary{}
	for name, containers := range byService(o.Containers) {
		out[name] = summarizeService(o.Portal, containers)
	}
	for _, other := range o.Elsewhere {
		addElsewhere(out, other)
	}
	return out
}

// addElsewhere makes what another host still has a fault of the services.
func addElsewhere(out map[string]Summary, other Observed) {
	for name, containers := range byService(other.Containers) {
		sum, here := out[name]
		if !here {
			sum = Summary{Image: containers[0].Image, Digest: containers[0].Digest}
		}
		var faults []string
		if sum.Status != "" && sum.Status != StatusRunning && sum.Status != StatusReady {
			faults = append(faults, sum.Status)
		}
		for _, c := range containers {
			faults = append(faults, fmt.Sprintf("%s is on host %s, %s", c.Name, other.Host, c.State))
		}
		sum.Status = strings.Join(faults, "; ")
		out[name] = sum
	}
}

func byService(containers []Container) map[string][]Container {
	out := map[string][]Container{}
	for _, c := range containers {
		out[c.Service] = append(out[c.Service], c)
	}
	for _, list := range out {
		slices.SortFunc(list, compareContainers)
	}
	return out
}

// compareContainers orders by replica, then by name, so that a replica's own
// container comes before "…_next" and "…_previous".
func compareContainers(a, b Container) int {
	if a.Number != b.Number {
		return a.Number - b.Number
	}
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

func summarizeService(portal string, containers []Container) Summary {
	first := containers[0]
	sum := Summary{Image: first.Image, Digest: first.Digest, Status: StatusRunning}
	if first.Task != "" {
		sum.Status = StatusReady
	}
	var faults []string
	next := 1
	for _, c := range containers {
		if c.Name != properName(portal, c) {
			faults = append(faults, c.Name+" left over from an unfinished update")
			continue
		}
		sum.Replicas += max(1, c.Replicas)
		for ; next < c.Number; next++ {
			faults = append(faults, properName(portal, Container{Service: c.Service, Number: next})+" missing")
		}
		next = c.Number + 1
		if c.Digest != first.Digest {
			faults = append(faults, c.Name+" has another configuration")
		}
		faults = append(faults, faultsOf(c)...)
	}
	if len(faults) > 0 {
		sum.Status = strings.Join(faults, "; ")
	}
	return sum
}

// faultsOf says in words all that is wrong with one container.
func faultsOf(c Container) []string {
	var out []string
	say := func(format string, args ...any) {
		out = append(out, c.Name+" "+fmt.Sprintf(format, args...))
	}
	if fault := stateFault(c); fault != "" {
		say("%s", fault)
	}
	if c.ImageMoved {
		say("runs an image that %s no longer names", c.Image)
	}
	for _, n := range missing(c.IntendedNetworks, c.Networks) {
		say("detached from network %s", n)
	}
	for _, n := range missing(c.Networks, c.IntendedNetworks) {
		say("attached to network %s", n)
	}
	for _, d := range settingsFaults(c.Settings, c.IntendedSettings) {
		say("%s", d)
	}
	return out
}

func stateFault(c Container) string {
	switch c.State {
	case Paused:
		return "paused"
	case Dead, Removing:
		return string(c.State)
	}
	if c.Task != "" {
		return taskStateFault(c)
	}
	if c.Replicas > 0 {
		return unitStateFault(c)
	}
	switch c.State {
	case Created:
		return "never started"
	case Exited:
		return fmt.Sprintf("exited with code %d", c.ExitCode)
	case Restarting:
		return fmt.Sprintf("keeps restarting, last exit code %d", c.ExitCode)
	}
	if c.Health == HealthBad {
		return "unhealthy"
	}
	return ""
}

// unitStateFault tells of a service whose replicas the engine runs.
func unitStateFault(c Container) string {
	switch {
	case c.State == Created:
		return "never started"
	case c.State == Exited:
		return "stopped"
	case c.Down > 0:
		return fmt.Sprintf("runs %d of %d replicas", c.Replicas-c.Down, c.Replicas)
	}
	return ""
}

// taskStateFault: only a deploy task has to have run well. The others may be
// in any state: their runs are somebody's business, not the stack's.
func taskStateFault(c Container) string {
	if c.Task != Deploy {
		return ""
	}
	switch {
	case c.State == Created:
		return "never run"
	case c.State == Exited && c.ExitCode != 0:
		return fmt.Sprintf("failed with exit code %d", c.ExitCode)
	}
	return ""
}

// missing lists what of a is not in b.
func missing(a, b []string) []string {
	var out []string
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}
