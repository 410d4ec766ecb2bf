// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"encoding/json"
	"fmt"

	"github.com/docker/docker/api/types/container"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// intended is what a container was made with of the things that may be changed
// on it afterwards. A label keeps it, so that drift is seen without knowing
// the desired stack.
type intended struct {
	Networks          []string `json:"networks,omitempty"`
	Memory            int64    `json:"memory,omitempty"`
	MemoryReservation int64    `json:"memory_reservation,omitempty"`
	NanoCPUs          int64    `json:"nano_cpus,omitempty"`
	PIDs              int64    `json:"pids,omitempty"`
	Restart           string   `json:"restart,omitempty"`
}

func intendedOf(s *stack.Service) intended {
	return intended{
		Networks:          NetworkNames(s),
		Memory:            s.Resources.Memory,
		MemoryReservation: s.Resources.MemoryReservation,
		NanoCPUs:          nanoCPUs(s.Resources.CPUs),
		PIDs:              s.Resources.PIDs,
		Restart:           restartText(restartPolicy(s.Restart)),
	}
}

// encode never fails: the struct holds only plain values.
func (i intended) encode() string {
	text, _ := json.Marshal(i)
	return string(text)
}

// parseIntended reads the label; ok is false when there is none to be read.
func parseIntended(label string) (i intended, ok bool) {
	return i, json.Unmarshal([]byte(label), &i) == nil
}

func (i intended) settings() stack.Settings {
	return stack.Settings{
		Resources: stack.Resources{
			Memory: i.Memory, MemoryReservation: i.MemoryReservation,
			CPUs: float64(i.NanoCPUs) / 1e9, PIDs: i.PIDs,
		},
		Restart: i.Restart,
	}
}

// settingsOf reads from a container what may be changed on it.
func settingsOf(h *container.HostConfig) stack.Settings {
	nano := h.NanoCPUs
	if nano == 0 && h.CPUQuota > 0 {
		period := h.CPUPeriod
		if period == 0 {
			period = 100_000 // µs, the kernel's own
		}
		nano = h.CPUQuota * 1_000_000_000 / period
	}
	s := stack.Settings{
		Resources: stack.Resources{
			Memory: h.Memory, MemoryReservation: h.MemoryReservation, CPUs: float64(nano) / 1e9,
		},
		Restart: restartText(h.RestartPolicy),
	}
	if h.PidsLimit != nil && *h.PidsLimit > 0 {
		s.Resources.PIDs = *h.PidsLimit
	}
	return s
}

// restartText is a policy in Compose's form.
func restartText(p container.RestartPolicy) string {
	switch {
	case p.Name == "":
		return string(container.RestartPolicyDisabled)
	case p.MaximumRetryCount > 0:
		return fmt.Sprintf("%s:%d", p.Name, p.MaximumRetryCount)
	}
	return string(p.Name)
}
