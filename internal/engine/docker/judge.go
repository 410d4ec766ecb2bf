// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-units"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// toleratedRestarts is how often a container with a restart policy may end
// while it is awaited: some programs need a second go.
const toleratedRestarts = 3

// stateError says what is wrong with a container; its log tells why.
type stateError struct{ text string }

func (e *stateError) Error() string { return e.text }

// judgeHealth decides whether a container is healthy, never will be, or may
// still become so.
func judgeHealth(r container.InspectResponse) (done bool, err error) {
	s := r.State
	switch {
	case s.Restarting && r.RestartCount >= toleratedRestarts:
		return false, &stateError{fmt.Sprintf("it ends again and again (%d restarts): %s", r.RestartCount, exitText(r))}
	case s.Restarting:
		return false, nil
	case s.Paused:
		return false, &stateError{"somebody paused it"}
	case s.Status == container.StateCreated:
		return false, &stateError{neverStarted(s)}
	case !s.Running:
		return false, &stateError{exitText(r)}
	case s.Health == nil:
		return true, nil
	}
	switch healthOf(s) {
	case stack.HealthHealthy, stack.NoHealth:
		return true, nil
	case stack.HealthBad:
		return false, &stateError{unhealthyText(s.Health)}
	}
	return false, nil
}

// healthOf is a container's health in the domain's terms. A pause ends the
// daemon's health monitor, which leaves the status at unhealthy until the next
// check after the pause; no check has failed then, and nothing is known.
func healthOf(s *container.State) stack.Health {
	switch {
	case s.Health == nil || s.Health.Status == container.NoHealthcheck:
		return stack.NoHealth
	case s.Health.Status == container.Unhealthy && s.Health.FailingStreak == 0:
		return stack.HealthStarting
	}
	return stack.Health(s.Health.Status)
}

// judgeDone decides whether a task ended, and how.
func judgeDone(r container.InspectResponse) (done bool, err error) {
	s := r.State
	switch {
	case s.Paused:
		return false, &stateError{"somebody paused it"}
	case s.Running, s.Restarting:
		return false, nil
	case s.Status == container.StateCreated:
		return false, &stateError{neverStarted(s)}
	case s.ExitCode != 0 || s.OOMKilled:
		return false, &stateError{exitText(r)}
	}
	return true, nil
}

func neverStarted(s *container.State) string {
	if s.Error != "" {
		return "it did not start: " + s.Error
	}
	return "it was not started"
}

// exitText says how a container ended.
func exitText(r container.InspectResponse) string {
	text := fmt.Sprintf("it ended with exit code %d", r.State.ExitCode)
	if r.State.OOMKilled {
		text += ", killed because it ran out of memory"
		if r.HostConfig.Memory > 0 {
			text += " (its limit is " + units.BytesSize(float64(r.HostConfig.Memory)) + ")"
		}
	}
	if r.State.Error != "" {
		text += ": " + r.State.Error
	}
	return text
}

// unhealthyText says what the last health check said.
func unhealthyText(h *container.Health) string {
	text := fmt.Sprintf("it is unhealthy: its health check failed %d times in a row", h.FailingStreak)
	if len(h.Log) == 0 {
		return text
	}
	last := h.Log[len(h.Log)-1]
	text += fmt.Sprintf(", last with exit code %d", last.ExitCode)
	if out := strings.TrimSpace(last.Output); out != "" {
		text += ": " + out
	}
	return text
}
